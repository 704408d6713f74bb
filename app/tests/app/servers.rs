//! Real servers from the system's packages, each on a free port, in a folder of its own.

mod mariadb;
mod postgres;
mod redis;

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub(crate) use self::{mariadb::MARIADB, postgres::POSTGRES, redis::REDIS};
use crate::process::{PATIENCE, Variables};

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

/// A kind of server: how it is made, and how the app is told of it.
pub(crate) struct Kind {
    /// Makes the data in the folder, and the command that serves it.
    prepare: fn(&Site) -> Command,
    /// Tells where a server is in one URL, given where it listens.
    url: fn(&str) -> (&'static str, String),
    /// Tells the same in the parts that a stack hands over, given host and port.
    parts: fn(&str, u16) -> Variables,
    /// The part that asks for TLS, where the database's own settings do not.
    tls: Option<&'static str>,
}

/// Where a server is about to run.
struct Site {
    folder: PathBuf,
    port: u16,
    /// What the server proves its name with; with it, it takes no connection without TLS.
    certificate: Option<Certificate>,
}

/// A server process in its folder, killed at the end of its test.
pub(crate) struct Server {
    kind: &'static Kind,
    command: Command,
    child: Child,
    folder: TempDir,
    pub(crate) port: u16,
    /// What to trust, when the server speaks TLS only.
    pub(crate) authority: Option<PathBuf>,
}

/// A certificate for `localhost`, with its key.
pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Server {
    /// Starts a server without any data and waits until it takes connections.
    pub(crate) fn start(kind: &'static Kind) -> Self {
        Self::start_with(kind, |_| None)
    }

    /// Starts a server that takes no connection without TLS.
    pub(crate) fn start_with_tls(kind: &'static Kind) -> Self {
        Self::start_with(kind, |folder| Some(Certificate::in_folder(folder)))
    }

    fn start_with(kind: &'static Kind, certify: fn(&Path) -> Option<Certificate>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = certify(folder.path());
        let authority = certificate.as_ref().map(|own| own.certificate.clone());
        let site = Site { folder: folder.path().to_owned(), port: free_port(), certificate };
        own(&site.folder);
        let mut command = (kind.prepare)(&site);
        let log = fs::File::create(site.folder.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().expect("a server starts");
        let mut server = Self { kind, command, child, folder, port: site.port, authority };
        server.wait();
        server
    }

    /// Tells how to reach it, in one URL.
    pub(crate) fn url(&self) -> Variables {
        self.url_through(self.port)
    }

    /// Tells how to reach it through another port, in one URL.
    pub(crate) fn url_through(&self, port: u16) -> Variables {
        self.url_of("127.0.0.1", port)
    }

    /// Tells how to reach it under a name, in one URL.
    pub(crate) fn url_by(&self, host: &str) -> Variables {
        self.url_of(host, self.port)
    }

    fn url_of(&self, host: &str, port: u16) -> Variables {
        let password = PASSWORD.replace('/', "%2F").replace('@', "%40");
        Variables::from([(self.kind.url)(&format!("notes:{password}@{host}:{port}"))])
    }

    /// Tells how to reach it, in the parts that a stack hands over.
    pub(crate) fn parts(&self) -> Variables {
        let mut parts = (self.kind.parts)("localhost", self.port);
        if let Some(part) = self.kind.tls {
            parts.insert(part, self.authority.is_some().to_string());
        }
        parts
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

impl Drop for Server {
    fn drop(&mut self) {
        self.fail();
    }
}

impl Certificate {
    /// Makes one that signs itself.
    pub(crate) fn in_folder(folder: &Path) -> Self {
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
fn unprivileged(name: &str) -> Command {
    let mut command = Command::new(program(name));
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.stdin(Stdio::null()).env("LC_ALL", "C");
    command
}

/// Runs a command that makes the data of a server.
fn make(command: &mut Command) {
    let made = command.output().unwrap();
    assert!(made.status.success(), "{made:?}");
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

/// Finds a program on the path, which may lead to another server of its kind, or where the packages
/// put it.
#[expect(clippy::disallowed_methods, reason = "the test has no arguments of its own")]
fn program(name: &str) -> PathBuf {
    let path = env::var("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(["/usr/bin", "/usr/sbin", "/usr/local/bin"].map(PathBuf::from));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("`{name}` is not installed; app/tests/setup installs it"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
