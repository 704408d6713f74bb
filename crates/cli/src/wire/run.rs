//! What happens while a command changes an account, one line each.

use std::collections::BTreeMap;

use deployer_core::{Action, What};
use deployer_engine::Outcome as Ended;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::document::{Position, scope};
use super::error::Failure;
use super::plan::{Plan, Planned};
use super::state::{Resource, Rollout, Unseen};

/// A line about a run as a whole.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub(crate) enum RunLine {
    /// What is going to be done. The numbers of its steps are those of the events.
    Plan {
        /// The plan.
        plan: Box<Plan>,
    },
    /// Another run has the lock, or had it.
    Lock(Locked),
    /// How far the rollout of a service is that is stopped or let go on.
    Rollout(Box<RolledOut>),
    /// How a run ended.
    Result(Box<Outcome>),
    /// What a destroy leaves: its last line.
    Receipt(Box<Receipt>),
    /// Something was taken over.
    Adopted(Box<Adopted>),
}

/// How far the rollout of a service is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RolledOut {
    #[serde(flatten)]
    pub(crate) what: Position,
    /// The rollout.
    pub(crate) rollout: Rollout,
}

/// Something that happened, and when.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Event {
    /// Seconds since the run began.
    at: f64,
    #[serde(flatten)]
    what: Happened,
}

/// What happened to a step.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "event")]
enum Happened {
    /// It began.
    Begun {
        /// The step.
        step: usize,
    },
    /// AWS is not done.
    Waiting {
        /// The step.
        step: usize,
        /// What for, in AWS's words.
        on: String,
    },
    /// A call was refused for now, and is made again.
    Retrying {
        /// The step.
        step: usize,
        /// Why it was refused.
        failure: Failure,
    },
    /// It has something to say, such as a line of a build.
    Said {
        /// The step.
        step: usize,
        /// The line.
        line: String,
    },
    /// It succeeded.
    Done {
        /// The step.
        step: usize,
        /// How long it took, in seconds.
        took: f64,
        /// What it leaves on purpose, such as a last snapshot.
        kept: Vec<String>,
    },
    /// It failed. What does not wait for it continues.
    Failed {
        /// The step.
        step: usize,
        /// How long it took, in seconds.
        took: f64,
        /// Why.
        failure: Failure,
    },
    /// It was under way when the run was interrupted; AWS may still be working on it.
    Abandoned {
        /// The step.
        step: usize,
        /// What it was waiting for.
        on: String,
    },
    /// It was not begun.
    NotBegun {
        /// The step.
        step: usize,
        /// The resource whose step failed; null when the run was interrupted.
        because: Option<String>,
    },
    /// The run was asked to stop: nothing new begins.
    Interrupted,
}

impl From<&deployer_core::Event> for Event {
    fn from(event: &deployer_core::Event) -> Self {
        let what = match event.what.clone() {
            What::Begun { step } => Happened::Begun { step },
            What::Waiting { step, on } => Happened::Waiting { step, on },
            What::Retrying { step, failure } => {
                Happened::Retrying { step, failure: (&failure).into() }
            }
            What::Said { step, line } => Happened::Said { step, line },
            What::Done { step, took, left } => {
                Happened::Done { step, took: took.as_secs_f64(), kept: left }
            }
            What::Failed { step, took, failure } => {
                Happened::Failed { step, took: took.as_secs_f64(), failure: (&failure).into() }
            }
            What::Abandoned { step, on } => Happened::Abandoned { step, on },
            What::NotBegun { step, because } => {
                Happened::NotBegun { step, because: because.map(|it| it.to_string()) }
            }
            What::Interrupted => Happened::Interrupted,
        };
        Self { at: event.at.as_secs_f64(), what }
    }
}

/// What became of the lock.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Locked {
    /// Whether this run waits for the other, or has taken its lock over.
    pub(crate) lock: Held,
    /// The other run.
    pub(crate) holder: Holder,
}

/// Whose the lock is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Held {
    /// Another run is at work; this one waits.
    Waiting,
    /// The other run gave no sign of life, and this one continues.
    TakenOver,
}

/// A run.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Holder {
    /// Who, and on which machine: `alice@laptop`.
    name: String,
    /// The command.
    command: String,
    /// Where it can be looked at, such as the page of a CI job.
    run: Option<String>,
    /// When it began.
    since: String,
}

impl From<&deployer_engine::Holder> for Holder {
    fn from(holder: &deployer_engine::Holder) -> Self {
        let deployer_engine::Holder { name, command, run, since, .. } = holder.clone();
        Self { name, command, run, since }
    }
}

/// How a run ended.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Outcome {
    /// The exit code.
    exit: u8,
    /// The stack and the environment.
    scope: String,
    /// How long it took, in seconds.
    took: f64,
    /// Whether it was interrupted.
    interrupted: bool,
    /// What was done.
    done: Vec<Done>,
    /// What failed.
    failed: Vec<FailedStep>,
    /// What was not begun.
    not_begun: Vec<NotBegun>,
    /// What AWS may still be working on.
    abandoned: Vec<Abandoned>,
    /// What was kept on purpose.
    kept: Vec<Kept>,
    /// The stack's outputs; null where they are not known yet.
    outputs: BTreeMap<String, Value>,
}

impl Outcome {
    pub(crate) fn of(
        plan: &deployer_core::Plan,
        ended: &Ended,
        exit: u8,
        outputs: &BTreeMap<String, Value>,
    ) -> Self {
        let what = |step: &usize| {
            let step = &plan.steps[*step];
            Position::of(&step.address, &step.place)
        };
        Self {
            exit,
            scope: scope(&plan.scope),
            took: ended.took.as_secs_f64(),
            interrupted: ended.interrupted,
            done: each(&ended.done, |step| Done {
                what: what(step),
                action: plan.steps[*step].action,
            }),
            failed: each(&ended.failed, |(step, failure)| FailedStep {
                what: what(step),
                failure: failure.into(),
            }),
            not_begun: each(&ended.not_begun, |(step, because)| NotBegun {
                what: what(step),
                because: because.as_ref().map(ToString::to_string),
            }),
            abandoned: each(&ended.abandoned, |(step, on)| Abandoned {
                what: what(step),
                on: on.clone(),
            }),
            kept: each(&ended.left, |(address, what)| Kept {
                of: address.to_string(),
                what: what.clone(),
            }),
            outputs: outputs.clone(),
        }
    }
}

fn each<T, U>(all: &[T], into: impl Fn(&T) -> U) -> Vec<U> {
    all.iter().map(into).collect()
}

/// A step that succeeded.
#[derive(Serialize, JsonSchema)]
struct Done {
    #[serde(flatten)]
    what: Position,
    /// What was done to it.
    action: Action,
}

/// A step that failed.
#[derive(Serialize, JsonSchema)]
struct FailedStep {
    #[serde(flatten)]
    what: Position,
    /// Why.
    failure: Failure,
}

/// A step that was not begun.
#[derive(Serialize, JsonSchema)]
struct NotBegun {
    #[serde(flatten)]
    what: Position,
    /// The resource whose step failed; null when the run was interrupted.
    because: Option<String>,
}

/// A step that was under way when the run was interrupted.
#[derive(Serialize, JsonSchema)]
struct Abandoned {
    #[serde(flatten)]
    what: Position,
    /// What it was waiting for.
    on: String,
}

/// What was kept on purpose.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Kept {
    /// The resource it belongs to, or the environment.
    pub(crate) of: String,
    /// What it is: `snapshot notes-prod-main-final`.
    pub(crate) what: String,
}

/// What a destroy leaves.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Receipt {
    /// The exit code.
    pub(crate) exit: u8,
    /// The stack and the environment.
    pub(crate) scope: String,
    /// What is gone.
    pub(crate) gone: Vec<Gone>,
    /// What was kept on purpose.
    pub(crate) kept: Vec<Kept>,
    /// What a last look at the account still found.
    pub(crate) still_there: Vec<Resource>,
    /// What that look could not see: while there is any, nobody knows that all is gone.
    pub(crate) unseen: Vec<Unseen>,
}

/// What is gone.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Gone {
    #[serde(flatten)]
    pub(crate) what: Position,
    /// AWS's identifier of it.
    pub(crate) id: String,
}

/// Something was taken over.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Adopted {
    /// The resource that it is now.
    pub(crate) address: String,
    /// AWS's identifier of it.
    pub(crate) id: String,
    /// What the next apply does to it, where one thing was taken over.
    pub(crate) next: Option<Planned>,
}
