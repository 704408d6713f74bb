//! A MariaDB server.

use std::{fs, process::Command};

use super::{Kind, PASSWORD, Site, make, unprivileged};
use crate::process::Variables;

/// A MariaDB server with an empty database.
pub(crate) const MARIADB: Kind = Kind { prepare, url, parts, tls: None };

fn prepare(site: &Site) -> Command {
    let at = |option: &str, name: &str| format!("--{option}={}", site.folder.join(name).display());
    let statements = format!(
        "CREATE DATABASE IF NOT EXISTS notes CHARACTER SET utf8mb4;\n\
         CREATE USER IF NOT EXISTS notes@'%' IDENTIFIED BY '{PASSWORD}';\n\
         GRANT ALL ON notes.* TO notes@'%';\n"
    );
    fs::write(site.folder.join("first.sql"), statements).unwrap();
    // A server that starts deletes the temporary tables of all others from a shared folder.
    make(
        unprivileged("mariadb-install-db")
            .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"])
            .args([at("datadir", "data"), at("tmpdir", "")]),
    );
    let mut command = unprivileged("mariadbd");
    command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
    command.arg(format!("--port={}", site.port));
    command.args([at("datadir", "data"), at("tmpdir", "")]);
    command.args([at("socket", "socket"), at("init-file", "first.sql")]);
    if let Some(own) = &site.certificate {
        command.arg("--require-secure-transport=ON");
        command.arg(format!("--ssl-cert={}", own.certificate.display()));
        command.arg(format!("--ssl-key={}", own.key.display()));
    }
    command
}

fn url(place: &str) -> (&'static str, String) {
    ("DATABASE_URL", format!("mysql://{place}/notes"))
}

fn parts(host: &str, port: u16) -> Variables {
    Variables::from([
        ("MAIN_ENGINE", "mysql".into()),
        ("MAIN_HOST", host.into()),
        ("MAIN_PORT", port.to_string()),
        ("MAIN_NAME", "notes".into()),
        ("MAIN_USER", "notes".into()),
        ("MAIN_PASSWORD", PASSWORD.into()),
    ])
}
