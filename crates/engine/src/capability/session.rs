//! A session in a task, and what a person has of it.

use std::fmt;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

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

/// What a person has of a session: keys, and something to look at.
#[derive(Debug)]
pub struct Ends {
    /// What is typed. The session goes on when nobody types any more.
    pub typed: mpsc::Receiver<Typed>,
    /// What is to be shown, as a terminal takes it.
    pub shown: mpsc::Sender<Vec<u8>>,
    /// Cancelled when the session is to end.
    pub ended: CancellationToken,
}

/// What goes to the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Keys, as a terminal gives them.
    Bytes(Vec<u8>),
    /// The terminal is so large.
    Size {
        /// Columns.
        columns: u16,
        /// Lines.
        rows: u16,
    },
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
