//! A real registry on a free loopback port, with a password, ended when dropped.

use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use deployer_image::{Credentials, Target};
use serde_json::Value;
use tempfile::TempDir;

const USER: &str = "deployer";
const PASSWORD: &str = "right-password";
/// The line `htpasswd -nbB` makes of the above.
const HTPASSWD: &str = "deployer:$2y$05$epnnz2tNdAoDVi9cJGBFKuOi0VZ/ShgRbKyioABBYytRg/R7ll9Iy\n";
const PATIENCE: Duration = Duration::from_secs(30);

/// A running registry.
pub(crate) struct Registry {
    process: Child,
    lines: Receiver<String>,
    directory: TempDir,
    /// Its host and port.
    pub(crate) address: String,
}

impl Registry {
    /// Starts one and waits until it listens.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let config = format!(
            "version: 0.1\n\
             storage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
             http: {{ addr: '127.0.0.1:0' }}\n\
             auth: {{ htpasswd: {{ realm: test, path: {} }} }}\n",
            path("data").display(),
            path("htpasswd").display()
        );
        std::fs::write(path("config.yml"), config).expect("writes");
        std::fs::write(path("htpasswd"), HTPASSWD).expect("writes");
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(path("config.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut process =
            process.expect("docker-registry is needed: apt-get install docker-registry");
        let (sender, lines) = channel();
        hand_on(process.stdout.take().expect("piped"), sender.clone());
        hand_on(process.stderr.take().expect("piped"), sender);
        let mut registry = Self { process, lines, directory, address: String::new() };
        let line = registry.hear("listening on 127.0.0.1:").pop().expect("hears at least that");
        let port: String = line
            .split("listening on 127.0.0.1:")
            .nth(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
            .expect("the line was heard for it");
        registry.address = format!("127.0.0.1:{port}");
        registry
    }

    /// Everything it says up to a line that contains `text`.
    pub(crate) fn hear(&self, text: &str) -> Vec<String> {
        let mut heard: Vec<String> = Vec::new();
        while heard.last().is_none_or(|line| !line.contains(text)) {
            let line = self.lines.recv_timeout(PATIENCE);
            heard.push(line.unwrap_or_else(|_| panic!("no {text:?} in {heard:#?}")));
        }
        heard
    }

    /// The registry's address as tools take it.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A target in it, with the right password.
    pub(crate) fn target(&self, tag: &str) -> Target {
        target(&self.endpoint(), tag, PASSWORD)
    }

    /// The user and password, as tools take them.
    pub(crate) fn credentials() -> String {
        format!("{USER}:{PASSWORD}")
    }

    /// All files it holds.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut directories = vec![self.directory.path().join("data")];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).expect("lists") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { directories.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    /// What it keeps that is JSON and has this key.
    pub(crate) fn documents(&self, key: &str) -> Vec<Value> {
        let files = self.files().into_iter().filter(|path| path.ends_with("data"));
        let read = files.filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok());
        read.filter(|document: &Value| !document[key].is_null()).collect()
    }
}

/// The repository `notes` at an address.
pub(crate) fn target(endpoint: &str, tag: &str, password: &str) -> Target {
    let credentials = Credentials { user: USER.to_owned(), password: password.to_owned() };
    Target::new(endpoint, "notes", tag, Some(&credentials)).expect("a loopback address")
}

fn hand_on(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // A test that has heard enough is no reason to let the pipe fill.
            let _ = lines.send(line);
        }
    });
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
