//! Runs the binary as a user would.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Lab;
use crate::lab::{built, root};

/// How long a test waits for what has to come about: far longer than it takes where AWS is hostile and
/// the machine has other work.
const PATIENCE: Duration = Duration::from_mins(3);

/// What a run of the binary gave.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote for machines.
    pub stdout: String,
    /// What it wrote for people.
    pub stderr: String,
}

impl Ran {
    /// Reads what a run gave.
    pub fn read(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The run, when it ended with this exit code.
    ///
    /// # Panics
    /// When it did not, with all that it wrote.
    #[expect(clippy::return_self_not_must_use, reason = "often the exit code is all that counts")]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Of the answer of `status --json`: how many tasks of its first service run, and how many are
    /// wanted.
    ///
    /// # Panics
    /// When it is no JSON.
    pub fn tasks(&self) -> (u64, u64) {
        let status: Value = serde_json::from_str(&self.stdout).expect("JSON");
        let service = &status["services"][0];
        let number = |field: &str| service[field].as_u64().unwrap_or_default();
        (number("running"), number("wanted"))
    }
}

/// The binary, ready to be run against a lab from the repository's root.
pub fn deployer(lab: &Lab, arguments: &[&str]) -> Command {
    let mut command = Command::new(path());
    // What cargo tells a test about itself makes build scripts of the app run anew.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        }) {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .current_dir(root())
        .env_remove("AWS_PROFILE")
        // In CI a plan also looks at images, in registries that no test may ask.
        .env_remove("CI")
        // Stacks of one name in several files are one stack here, wherever this was cloned from.
        .env("GIT_CEILING_DIRECTORIES", root())
        // Nothing is kept in the home of whoever runs the tests.
        .env("XDG_STATE_HOME", built().join("state"))
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .envs(lab.environment());
    command
}

/// Runs the binary to its end.
///
/// # Panics
/// When it cannot be run.
pub fn run(lab: &Lab, arguments: &[&str]) -> Ran {
    finish(&mut deployer(lab, arguments))
}

/// Runs the binary to its end on the stack of a file, which is named right behind the command: what
/// stands behind `--` is nothing of ours.
///
/// # Panics
/// When it cannot be run.
pub fn run_on(lab: &Lab, file: &str, words: &[&str]) -> Ran {
    let (command, rest) = words.split_first().expect("a command");
    run(lab, &[&[*command, "--file", file], rest].concat())
}

/// Runs a command to its end, without anybody at the keyboard.
///
/// # Panics
/// When it cannot be run.
pub fn finish(command: &mut Command) -> Ran {
    Ran::read(&command.stdin(Stdio::null()).output().expect("it can be run"))
}

/// Starts a command whose output [`end`] reads.
///
/// # Panics
/// When it cannot be run.
pub fn begin(command: &mut Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run")
}

/// Waits for the end of a command that has begun.
///
/// # Panics
/// When somebody else has waited for it.
pub fn end(child: Child) -> Ran {
    Ran::read(&child.wait_with_output().expect("it is our child"))
}

/// The same command, run by a shell after a script, in the same process.
pub fn after_script(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{script}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Sends a signal, such as `-STOP`.
///
/// # Panics
/// When the process has gone.
pub fn signal(name: &str, child: &Child) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.expect("there is kill").success(), "{name}");
}

/// Starts a command, whose output [`end`] reads, and waits until it has come so far.
///
/// # Panics
/// When it ends before that, with all that it wrote, and when it does not come about.
pub fn begin_until(command: &mut Command, what: &str, is_so: impl Fn() -> bool) -> Child {
    let mut child = begin(command);
    let has_ended = |child: &mut Child| child.try_wait().expect("it is our child").is_some();
    wait_until(what, || is_so() || has_ended(&mut child));
    if has_ended(&mut child) && !is_so() {
        let ran = end(child);
        panic!("it ended before {what}: {:?}\n{}\n{}", ran.code, ran.stdout, ran.stderr);
    }
    child
}

/// Looks again and again, for [`PATIENCE`] at most.
///
/// # Panics
/// When it does not come about.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        pause();
    }
}

/// Who looks all the time slows down what is waited for: a look is a call to the same lab.
#[expect(clippy::disallowed_methods, reason = "what is waited for is another process")]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// `cargo test` does not build the binary, so `cargo build --workspace` comes first.
fn path() -> PathBuf {
    let binary = built().join("deployer");
    assert!(binary.exists(), "build the binary first: cargo build --workspace");
    binary
}
