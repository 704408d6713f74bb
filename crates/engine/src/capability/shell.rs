//! A way into what runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::capability;

capability! {
    /// A kind into whose tasks one can get.
    Shell, AnyShell, with_shell, shell {
        /// Starts a command in a task and opens a session with it. It is a change, made once: where
        /// the reply got lost a session may be open that ends by itself.
        fn open(command: Command) -> Session;
    }
}

/// What is to be run, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Command {
    /// The task, as [`Task::id`](crate::Task).
    pub task: String,
    /// The container; its only or its first one when there is none.
    pub container: Option<String>,
    /// What is run, as one line, by no shell unless it names one: `sh -c "ls /"`.
    pub line: String,
}

/// A session that is open. Whoever connects to it is in; so it is neither written nor shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its identifier.
    pub id: String,
    /// Where a client connects: `wss://…`.
    pub url: String,
    /// What lets the client in.
    pub token: Token,
    /// How the cloud's own client names the other end: `ecs:cluster_task_runtime` on AWS.
    pub target: String,
}

/// A secret that opens a session.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text, for whoever connects.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}
