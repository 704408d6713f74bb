//! Who is writing.

use std::fmt;

use deployer_core::one_line;
use serde::{Deserialize, Serialize};

/// For how many seconds a sign of life counts, unless said otherwise. Three in that time leave
/// room for two that get lost, and a dead writer holds up nobody for longer than a few looks at a
/// load balancer that is being made.
pub const LEASE: u64 = 60;

/// Who is writing, for people and for whoever comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Holder {
    /// What no other run has in common with this one.
    pub token: String,
    /// The person and the machine: `alice@laptop`.
    pub name: String,
    /// The command that was given.
    pub command: String,
    /// Where the run can be looked at, such as the page of a CI job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When it began, for people.
    pub since: String,
    /// The process, such that it can be told on the same machine whether it still runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// For how many seconds each sign of life counts.
    pub lease: u64,
}

impl Default for Holder {
    /// Somebody of whom nothing is known, who must be given time all the same.
    fn default() -> Self {
        Self {
            token: String::new(),
            name: "somebody".to_owned(),
            command: String::new(),
            run: None,
            since: String::new(),
            process: None,
            lease: LEASE,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever may write parameters has written it.
        write!(f, "{}", one_line(&self.name))?;
        if !self.command.is_empty() {
            let (command, since) = (one_line(&self.command), one_line(&self.since));
            write!(f, " (`deployer {command}` since {since})")?;
        }
        match &self.run {
            Some(run) => write!(f, ", {}", one_line(run)),
            None => Ok(()),
        }
    }
}
