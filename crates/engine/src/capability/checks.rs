//! What is wrong with a resource.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::capability;

capability! {
    /// A kind whose resources can be asked what is wrong with them.
    Checks, AnyChecks {
        /// What is wrong with it by now, the worst first; nothing where all is well. What passes by
        /// itself within a minute or two, such as a task that starts, is nothing wrong.
        fn findings() -> Vec<Finding>;
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// Where it is on the way of a request.
    pub stage: Stage,
    /// What is wrong, in a line that names what it is about.
    pub problem: String,
    /// What is known of it: the cloud's words, the end of a log.
    pub details: Vec<String>,
    /// What to do, or to type.
    pub help: String,
}

impl Finding {
    /// One of which no more is known.
    pub fn new(stage: Stage, problem: impl Into<String>, help: impl Into<String>) -> Self {
        let (problem, help) = (problem.into(), help.into());
        Self { stage, problem, details: Vec::new(), help }
    }

    /// The same with what is known of it; lines without a letter are left out.
    #[must_use]
    pub fn because(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details.into_iter().filter(|line| !line.trim().is_empty()));
        self
    }
}

/// Where something is on the way of a request: in this order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// What is there at all, and as it was made.
    Stack,
    /// Names and certificates.
    Domain,
    /// Load balancers, and what listens there.
    Entrance,
    /// Where requests are led to, and its health checks.
    Targets,
    /// What answers them.
    Tasks,
    /// What that needs to get out and in: networks.
    Network,
    /// What it reads and writes.
    Data,
    /// What watches all of it.
    Alarms,
}
