//! What happens during a run. Events are the only output of the engine.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Address, Failure, StepId};

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The time since the run began.
    pub at: Duration,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened during a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum What {
    /// A step began.
    Begun {
        /// The step.
        step: StepId,
    },
    /// AWS is not done; says what it is waiting for, in AWS's words.
    Waiting {
        /// The step.
        step: StepId,
        /// What for: `provisioning`, `2 of 3 tasks healthy`.
        on: String,
    },
    /// A call was refused for now and will be made again.
    Retrying {
        /// The step.
        step: StepId,
        /// Why it was refused.
        failure: Failure,
    },
    /// A step has something to report, such as a line of a build.
    Said {
        /// The step.
        step: StepId,
        /// The line.
        line: String,
    },
    /// A step succeeded.
    Done {
        /// The step.
        step: StepId,
        /// How long it took.
        took: Duration,
        /// What it leaves behind on purpose, such as a final snapshot.
        left: Vec<String>,
    },
    /// A step failed. What does not wait for it continues.
    Failed {
        /// The step.
        step: StepId,
        /// How long it took.
        took: Duration,
        /// Why.
        failure: Failure,
    },
    /// A step was under way when the run was interrupted; AWS may still be working on it.
    Abandoned {
        /// The step.
        step: StepId,
        /// What it was waiting for.
        on: String,
    },
    /// A step was never begun.
    NotBegun {
        /// The step.
        step: StepId,
        /// The resource whose step failed; none when the run was interrupted.
        because: Option<Address>,
    },
    /// The run was asked to stop: nothing new begins.
    Interrupted,
}
