//! A Redis or Valkey server.

use std::{path::PathBuf, process::Command};

use super::{Certificate, Daemon, PASSWORD, free_port, own, program, unprivileged};
use crate::process::Variables;

/// A Redis server that asks for a password.
pub(crate) struct Redis {
    pub(crate) daemon: Daemon,
    /// What to trust, when the server speaks TLS only.
    pub(crate) authority: Option<PathBuf>,
}

impl Redis {
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
        own(folder.path());
        let port = free_port();
        let mut command: Command = unprivileged(program("redis-server"));
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--requirepass", PASSWORD]);
        command.arg("--dir").arg(folder.path());
        match &certificate {
            None => {
                command.args(["--port", &port.to_string()]);
            }
            Some(certificate) => {
                command.args(["--port", "0", "--tls-port", &port.to_string()]);
                command.args(["--tls-auth-clients", "no"]);
                command.arg("--tls-cert-file").arg(&certificate.certificate);
                command.arg("--tls-key-file").arg(&certificate.key);
            }
        }
        let authority = certificate.map(|certificate| certificate.certificate);
        Self { daemon: Daemon::start(folder, port, command), authority }
    }

    /// Tells how to reach it.
    pub(crate) fn parts(&self) -> Variables {
        Variables::from([
            ("CACHE_HOST", "localhost".into()),
            ("CACHE_PORT", self.daemon.port.to_string()),
            ("CACHE_PASSWORD", PASSWORD.into()),
            ("CACHE_TLS", self.authority.is_some().to_string()),
        ])
    }
}
