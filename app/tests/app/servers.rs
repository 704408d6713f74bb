//! Real servers from the system's packages, each on a free port, in a folder of its own.

mod mariadb;
mod postgres;
mod redis;

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub(crate) use self::{mariadb::MariaDb, postgres::Postgres, redis::Redis};
use crate::process::PATIENCE;

/// What every test server takes for a password.
pub(crate) const PASSWORD: &str = "correct/horse@battery";

/// The user `nobody`, as which servers run that refuse to run as root.
const NOBODY: u32 = 65534;

/// A certificate that is nobody's authority but its own.
const REQUEST: &str = "[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
subjectAltName = DNS:localhost
basicConstraints = critical, CA:FALSE
";

/// A server process in its folder, killed at the end of its test.
pub(crate) struct Daemon {
    command: Command,
    child: Child,
    folder: TempDir,
    pub(crate) port: u16,
}

/// A certificate for `localhost`, with its key.
pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Daemon {
    /// Starts a server and waits until it takes connections.
    fn start(folder: TempDir, port: u16, mut command: Command) -> Self {
        own(folder.path());
        let log = fs::File::create(folder.path().join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().expect("a server starts");
        let mut daemon = Self { command, child, folder, port };
        daemon.wait();
        daemon
    }

    /// Ends the server at once, as a machine that fails does.
    pub(crate) fn fail(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts the server again, with the data it had.
    pub(crate) fn recover(&mut self) {
        self.child = self.command.spawn().unwrap();
        self.wait();
    }

    #[expect(clippy::disallowed_methods, reason = "a server is started before any task waits")]
    fn wait(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.fail();
    }
}

impl Certificate {
    /// Makes one that signs itself.
    fn in_folder(folder: &Path) -> Self {
        let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
        let request = folder.join("request.cnf");
        fs::write(&request, REQUEST).unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config"])
            .arg(&request)
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{made:?}");
        Self { certificate, key }
    }
}

/// Prepares a command as a user that is not root.
fn unprivileged(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.stdin(Stdio::null()).env("LC_ALL", "C");
    command
}

/// Gives a folder and what is in it to the user the servers run as.
fn own(folder: &Path) {
    if !is_root() {
        return;
    }
    chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

/// Finds a program where the packages put it.
fn program(name: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> =
        ["/usr/bin", "/usr/sbin", "/usr/local/bin"].into_iter().map(PathBuf::from).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("`{name}` is not installed; app/tests/setup installs it"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
