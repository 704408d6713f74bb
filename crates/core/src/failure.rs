//! Why something could not be done, as a value the engine can decide on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a failure means for the one who asked. Found by AWS's error code, and by its words only
/// where one code says several things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Refused before it took effect, because of too many calls: ask again later.
    Throttled,
    /// A thing just made is not visible everywhere yet: ask again soon.
    NotYet,
    /// The thing is in a state that ends by itself, or is held by something on its way out.
    Busy,
    /// Nothing was sent, since whoever gives the credentials did not answer: ask again soon.
    Unsent,
    /// No reply, or one that leaves open whether it took effect: look before asking again.
    Ambiguous,
    /// The thing that the call is about is not there.
    Gone,
    /// Another thing that the call refers to is not there: it may merely not be visible yet.
    Missing,
    /// What should be made exists already, or its name or place is taken.
    Taken,
    /// The credentials lack a permission.
    Denied,
    /// There are no credentials, or they are expired or wrong.
    Credentials,
    /// The endpoint does not answer.
    Unreachable,
    /// The request itself is refused; asking again does not help.
    Refused,
}

/// Something that could not be done. Reads after "could not ".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Failure {
    /// What it means.
    pub cause: Cause,
    /// What was attempted: `create the load balancer (elbv2:CreateLoadBalancer)`.
    pub attempted: String,
    /// What AWS said, or what went wrong here.
    pub message: String,
    /// AWS's error code, such as `DependencyViolation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// AWS's request id, for a support case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Whether the call was repeated for as long as that makes sense, so that nobody who hears of
    /// it asks again.
    #[serde(skip)]
    pub exhausted: bool,
}

/// The text on one line, as what comes from outside has to be where lines have a meaning.
pub fn one_line(text: &str) -> String {
    text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).collect::<Vec<_>>().join(" ")
}

impl Failure {
    /// A failure with neither code nor advice.
    pub fn new(cause: Cause, attempted: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            cause,
            attempted: attempted.into(),
            message: message.into(),
            code: None,
            request: None,
            help: None,
            exhausted: false,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.attempted, self.message)?;
        match (&self.code, &self.request) {
            (Some(code), Some(request)) => write!(f, " ({code}, request {request})"),
            (Some(code), None) => write!(f, " ({code})"),
            (None, Some(request)) => write!(f, " (request {request})"),
            (None, None) => Ok(()),
        }
    }
}
