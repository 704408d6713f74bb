//! What a resource has written.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::capability;

capability! {
    /// A kind whose resources write logs, or hold them.
    Logs, AnyLogs {
        /// One page of its lines. A page without lines is not the end: the end is a page without
        /// `next`. [`Tail`](crate::Tail) follows a log.
        fn log(query: LogQuery) -> LogPage;
    }
}

/// Which lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct LogQuery {
    /// The first moment whose lines are wanted; the beginning of the log when there is none.
    pub since: Option<Timestamp>,
    /// The last moment whose lines are wanted; the end of the log when there is none.
    pub until: Option<Timestamp>,
    /// Only lines that contain this text, in this case.
    pub containing: Option<String>,
    /// Only lines of these tasks; of all when there are none. They should be few, since the lines
    /// of each are asked for by themselves.
    pub tasks: BTreeSet<String>,
    /// Only lines of this container.
    pub container: Option<String>,
    /// Which lines come first.
    pub order: Order,
    /// How many lines a page has at most; as many as the cloud likes when there is none. Where a
    /// log is kept in several places a page may have so many of each.
    pub limit: Option<u32>,
    /// Where the page begins: `next` of the page before, whose query was the same.
    pub after: Option<Cursor>,
}

/// Which lines come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The oldest.
    #[default]
    OldestFirst,
    /// The newest: for the last lines of a log.
    NewestFirst,
}

/// Where a page begins, in the cloud's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Some lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LogPage {
    /// In the order that was asked for.
    pub lines: Vec<Line>,
    /// Where the next page begins; none where there are no more lines for now.
    pub next: Option<Cursor>,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// What tells it from all others of its log.
    pub id: String,
    /// When it was written, to the millisecond. Lines of different tasks may become visible in
    /// another order, and some seconds late.
    pub at: Timestamp,
    /// The task that wrote it, as [`Task::id`](crate::Task); none where the log does not say.
    pub task: Option<String>,
    /// The container that wrote it; none where the log does not say.
    pub container: Option<String>,
    /// The stream that it is kept in.
    pub stream: String,
    /// The line, without the end of the line.
    pub text: String,
}
