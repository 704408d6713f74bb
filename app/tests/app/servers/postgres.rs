//! A PostgreSQL server.

use std::{fs, process::Command};

use super::{Kind, PASSWORD, Site, make, unprivileged};
use crate::process::Variables;

/// A PostgreSQL server with an empty database.
pub(crate) const POSTGRES: Kind = Kind { prepare, url, parts, tls: None };

fn prepare(site: &Site) -> Command {
    let (data, password) = (site.folder.join("data"), site.folder.join("password"));
    fs::write(&password, PASSWORD).unwrap();
    make(
        unprivileged("initdb")
            .args(["--no-sync", "--auth=scram-sha-256", "--username=notes", "--encoding=UTF8"])
            .arg(format!("--pwfile={}", password.display()))
            .arg(&data),
    );
    let mut command = unprivileged("postgres");
    command.arg("-D").arg(&data).args(["-p", &site.port.to_string(), "-h", "127.0.0.1", "-F"]);
    command.args(["-c", "unix_socket_directories=", "-c", "max_connections=100"]);
    if let Some(own) = &site.certificate {
        let rules = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        command.args(["-c", "ssl=on"]);
        command.args(["-c", &format!("ssl_cert_file={}", own.certificate.display())]);
        command.args(["-c", &format!("ssl_key_file={}", own.key.display())]);
    }
    command
}

fn url(place: &str) -> (&'static str, String) {
    ("DATABASE_URL", format!("postgres://{place}/postgres"))
}

fn parts(host: &str, port: u16) -> Variables {
    Variables::from([
        ("MAIN_ENGINE", "postgres".into()),
        ("MAIN_HOST", host.into()),
        ("MAIN_PORT", port.to_string()),
        ("MAIN_NAME", "postgres".into()),
        ("MAIN_USER", "notes".into()),
        ("MAIN_PASSWORD", PASSWORD.into()),
    ])
}
