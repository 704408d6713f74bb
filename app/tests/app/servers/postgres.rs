//! A PostgreSQL server.

use std::{fs, path::PathBuf, process::Command};

use super::{Certificate, Daemon, PASSWORD, free_port, own, program, unprivileged};
use crate::process::Variables;

/// A PostgreSQL server with an empty database.
pub(crate) struct Postgres {
    pub(crate) daemon: Daemon,
    /// What to trust, when the server speaks TLS only.
    pub(crate) authority: Option<PathBuf>,
}

impl Postgres {
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
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        own(folder.path());
        let made = unprivileged(program("initdb"))
            .args(["--no-sync", "--auth=scram-sha-256", "--username=notes", "--encoding=UTF8"])
            .arg(format!("--pwfile={}", password.display()))
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        if tls {
            let rules = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
            fs::write(folder.path().join("data/pg_hba.conf"), rules).unwrap();
        }
        let port = free_port();
        let command = server(&folder.path().join("data"), port, certificate.as_ref());
        let authority = certificate.map(|certificate| certificate.certificate);
        Self { daemon: Daemon::start(folder, port, command), authority }
    }

    /// Tells how to reach it, in one URL.
    pub(crate) fn url(&self) -> Variables {
        let password = PASSWORD.replace('/', "%2F").replace('@', "%40");
        let port = self.daemon.port;
        let url = format!("postgres://notes:{password}@127.0.0.1:{port}/postgres");
        Variables::from([("DATABASE_URL", url)])
    }

    /// Tells how to reach it, in the parts that a stack hands over.
    pub(crate) fn parts(&self) -> Variables {
        Variables::from([
            ("MAIN_ENGINE", "postgres".into()),
            ("MAIN_HOST", "localhost".into()),
            ("MAIN_PORT", self.daemon.port.to_string()),
            ("MAIN_NAME", "postgres".into()),
            ("MAIN_USER", "notes".into()),
            ("MAIN_PASSWORD", PASSWORD.into()),
        ])
    }
}

fn server(data: &std::path::Path, port: u16, certificate: Option<&Certificate>) -> Command {
    let mut command = unprivileged(program("postgres"));
    command.arg("-D").arg(data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-F"]);
    command.args(["-c", "unix_socket_directories=", "-c", "max_connections=100"]);
    if let Some(certificate) = certificate {
        command.args(["-c", "ssl=on"]);
        command.args(["-c", &format!("ssl_cert_file={}", certificate.certificate.display())]);
        command.args(["-c", &format!("ssl_key_file={}", certificate.key.display())]);
    }
    command
}
