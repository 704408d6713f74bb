//! A MariaDB server.

use std::{fs, path::PathBuf};

use super::{Certificate, Daemon, PASSWORD, free_port, own, program, unprivileged};
use crate::process::Variables;

/// A MariaDB server with an empty database.
pub(crate) struct MariaDb {
    pub(crate) daemon: Daemon,
    /// What to trust, when the server speaks TLS only.
    pub(crate) authority: Option<PathBuf>,
}

impl MariaDb {
    /// Starts a server.
    pub(crate) fn start() -> Self {
        Self::start_with(false)
    }

    /// Starts a server that takes no connection without TLS.
    pub(crate) fn start_with_tls() -> Self {
        Self::start_with(true)
    }

    fn start_with(tls: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = tls.then(|| Certificate::in_folder(folder.path()));
        let first = folder.path().join("first.sql");
        let statements = format!(
            "CREATE DATABASE IF NOT EXISTS notes CHARACTER SET utf8mb4;\n\
             CREATE USER IF NOT EXISTS notes@'%' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON notes.* TO notes@'%';\n"
        );
        fs::write(&first, statements).unwrap();
        own(folder.path());
        let made = unprivileged(program("mariadb-install-db"))
            .args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"])
            .arg(format!("--datadir={}", folder.path().join("data").display()))
            // A server that starts deletes the temporary tables of all others from a shared folder.
            .arg(format!("--tmpdir={}", folder.path().display()))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let port = free_port();
        let mut command = unprivileged(program("mariadbd"));
        command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        command.arg(format!("--port={port}"));
        command.arg(format!("--datadir={}", folder.path().join("data").display()));
        command.arg(format!("--tmpdir={}", folder.path().display()));
        command.arg(format!("--socket={}", folder.path().join("socket").display()));
        command.arg(format!("--init-file={}", first.display()));
        if let Some(certificate) = &certificate {
            command.arg("--require-secure-transport=ON");
            command.arg(format!("--ssl-cert={}", certificate.certificate.display()));
            command.arg(format!("--ssl-key={}", certificate.key.display()));
        }
        let authority = certificate.map(|certificate| certificate.certificate);
        Self { daemon: Daemon::start(folder, port, command), authority }
    }

    /// Tells how to reach it, in one URL.
    pub(crate) fn url(&self) -> Variables {
        let password = PASSWORD.replace('/', "%2F").replace('@', "%40");
        let url = format!("mysql://notes:{password}@127.0.0.1:{}/notes", self.daemon.port);
        Variables::from([("DATABASE_URL", url)])
    }

    /// Tells how to reach it, in the parts that a stack hands over.
    pub(crate) fn parts(&self) -> Variables {
        Variables::from([
            ("MAIN_ENGINE", "mysql".into()),
            ("MAIN_HOST", "localhost".into()),
            ("MAIN_PORT", self.daemon.port.to_string()),
            ("MAIN_NAME", "notes".into()),
            ("MAIN_USER", "notes".into()),
            ("MAIN_PASSWORD", PASSWORD.into()),
        ])
    }
}
