//! A Redis or Valkey server.

use std::process::Command;

use super::{Kind, PASSWORD, Site, unprivileged};
use crate::process::Variables;

/// A Redis server that asks for a user and a password.
pub(crate) const REDIS: Kind = Kind { prepare, url, parts, tls: Some("CACHE_TLS") };

fn prepare(site: &Site) -> Command {
    let mut command = unprivileged("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--requirepass", PASSWORD]);
    command.args(["--user", "notes", "on", &format!(">{PASSWORD}"), "~*", "&*", "+@all"]);
    command.arg("--dir").arg(&site.folder);
    match &site.certificate {
        None => {
            command.args(["--port", &site.port.to_string()]);
        }
        Some(own) => {
            command.args(["--port", "0", "--tls-port", &site.port.to_string()]);
            command.args(["--tls-auth-clients", "no"]);
            command.arg("--tls-cert-file").arg(&own.certificate);
            command.arg("--tls-key-file").arg(&own.key);
        }
    }
    command
}

fn url(place: &str) -> (&'static str, String) {
    ("CACHE_URL", format!("redis://{place}"))
}

fn parts(host: &str, port: u16) -> Variables {
    Variables::from([
        ("CACHE_HOST", host.into()),
        ("CACHE_PORT", port.to_string()),
        ("CACHE_PASSWORD", PASSWORD.into()),
    ])
}
