//! Runs the binary as a user would.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::Lab;
use crate::lab::{built, root};

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
}

/// The binary, ready to be run against a lab from the repository's root.
pub fn deployer(lab: &Lab, arguments: &[&str]) -> Command {
    let mut command = Command::new(path());
    command
        .args(arguments)
        .current_dir(root())
        .env_remove("AWS_PROFILE")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .envs(lab.environment());
    command
}

/// `cargo test` does not build the binary, so `cargo build --workspace` comes first.
fn path() -> PathBuf {
    let binary = built().join("deployer");
    assert!(binary.exists(), "build the binary first: cargo build --workspace");
    binary
}
