//! A `notes` process under test.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::IpAddr,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::{Certificate, Client, ClientBuilder, StatusCode};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The environment of a process.
pub(crate) type Variables = BTreeMap<&'static str, String>;

/// A process that serves or works, killed at the end of its test.
pub(crate) struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// Where its pages are.
    pub(crate) http: String,
    /// Where its gRPC is.
    pub(crate) grpc: String,
    /// Where its metrics are.
    pub(crate) metrics: String,
    /// Its temporary folder, in which `SQLite` keeps the notes when nothing is configured.
    _folder: TempDir,
}

/// Prepares a command of the binary, in an environment that has only these variables.
pub(crate) fn command(arguments: &[&str], variables: &Variables) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notes"));
    command.args(arguments).env_clear().envs(variables);
    command
}

/// Runs a command of the binary to its end.
pub(crate) fn run(arguments: &[&str], variables: &Variables) -> Output {
    command(arguments, variables).output().unwrap()
}

/// Makes a client that keeps cookies.
pub(crate) fn client() -> Client {
    client_trusting(None)
}

/// Makes a client that keeps cookies and trusts one more authority, given as PEM.
pub(crate) fn client_trusting(authority: Option<&[u8]>) -> Client {
    let authorities = authority.map(|pem| Certificate::from_pem(pem).unwrap());
    builder().tls_certs_merge(authorities).build().unwrap()
}

/// Makes a client that comes from another address of this machine.
pub(crate) fn client_from(address: [u8; 4]) -> Client {
    builder().local_address(IpAddr::from(address)).build().unwrap()
}

fn builder() -> ClientBuilder {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().cookie_store(true).timeout(PATIENCE)
}

/// Asks again and again until the answer is there.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(answer) = ask().await {
            return answer;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("gave up waiting: {what}");
}

impl Process {
    /// Starts `notes serve` and waits until it is ready.
    pub(crate) async fn serve(variables: &Variables) -> Self {
        let process = Self::start("serve", variables);
        process.is_ready().await;
        process
    }

    /// Starts a command on free ports and waits until it has told them.
    pub(crate) fn start(argument: &str, variables: &Variables) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command(&[argument], variables)
            .envs([("BIND", "127.0.0.1"), ("PORT", "0"), ("GRPC_PORT", "0"), ("METRICS_PORT", "0")])
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (mut http, mut grpc, mut metrics) = (String::new(), String::new(), String::new());
        let mut line = String::new();
        while http.is_empty() && argument == "serve" {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "ended: {lines:?}");
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            if event["message"] == "listening" {
                let at = |field: &str| format!("http://{}", event[field].as_str().unwrap());
                (http, grpc, metrics) = (at("address"), at("grpc"), at("metrics"));
            }
            lines.lock().unwrap().push(line.clone());
        }
        let kept = lines.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { child, lines, http, grpc, metrics, _folder: folder }
    }

    pub(crate) async fn is_ready(&self) {
        let client = client();
        let address = self.at("/readyz");
        until("ready", async || {
            let answer = client.get(&address).send().await.ok()?;
            (answer.status() == StatusCode::OK).then_some(())
        })
        .await;
    }

    /// Tells the address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.http)
    }

    /// Tells what was logged so far.
    pub(crate) fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits for the end of the process.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("the process does not end: {}", self.log());
    }
}

#[expect(clippy::print_stderr, reason = "a failed test shows what its process said")]
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("{}", lines.join("\n"));
        }
    }
}
