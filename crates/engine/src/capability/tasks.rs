//! What runs for a resource.

use deployer_core::Live;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::capability;
use crate::retry::insist;
use crate::{Cloud, Result};

capability! {
    /// A kind whose resources run as tasks.
    Tasks, AnyTasks {
        /// Its tasks, the newest first.
        fn tasks(which: Which) -> Vec<Task>;
    }
}

/// Which tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that run or are to run.
    Wanted,
    /// Those that stopped or are to stop, for as long as the cloud shows them: ECS for an hour.
    Stopped,
    /// All of these.
    All,
}

/// One task: containers that run together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Task {
    /// Its identifier, as the console and log streams have it.
    pub id: String,
    /// How far it is.
    pub state: TaskState,
    /// The cloud's word for how far it is: `DEPROVISIONING`.
    pub status: String,
    /// The cloud's word for how far it is to get: `RUNNING` or `STOPPED`.
    pub desired: String,
    /// What its containers' own checks say. Those of a load balancer are not among them.
    pub health: Health,
    /// The revision that it runs, by its identifier.
    pub revision: String,
    /// What started it: the identifier of a rollout, or a name that somebody gave.
    pub started_by: Option<String>,
    /// Its containers, in the cloud's order.
    pub containers: Vec<Container>,
    /// When it was asked for.
    pub created: Option<Timestamp>,
    /// When its containers had started; none for one that never ran.
    pub started: Option<Timestamp>,
    /// When it was to stop.
    pub stopping: Option<Timestamp>,
    /// When it had stopped.
    pub stopped: Option<Timestamp>,
    /// Why it stopped; none for one that is not to stop.
    pub stop: Option<Stop>,
    /// The zone that it is in.
    pub zone: Option<String>,
    /// Its private address; none before it has one.
    pub address: Option<String>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// On its way to run.
    Starting,
    /// All its containers have started.
    Running,
    /// On its way out.
    Stopping,
    /// It has stopped for good.
    Stopped,
    /// The cloud has a word that this version does not know.
    Unknown,
}

/// What checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// They pass.
    Healthy,
    /// They fail.
    Unhealthy,
    /// There are none, or none has ended yet.
    Unknown,
}

/// One container of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Container {
    /// Its name.
    pub name: String,
    /// The image that it was to run.
    pub image: String,
    /// The digest of the image that it runs: `sha256:…`. None before it is known.
    pub digest: Option<String>,
    /// The cloud's word for how far it is.
    pub status: String,
    /// What its own check says.
    pub health: Health,
    /// Its exit code; none for one that runs, and for one that never started.
    pub exit_code: Option<i32>,
    /// What the cloud says of it, such as `OutOfMemoryError: …`.
    pub reason: Option<String>,
    /// Whether a shell can be opened in it by now.
    pub has_shell: bool,
}

/// Why a task stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stop {
    /// What it means.
    pub cause: StopCause,
    /// The cloud's word for it: `EssentialContainerExited`; none where it has none.
    pub code: Option<String>,
    /// What the cloud says, as a sentence; none where it says nothing.
    pub reason: Option<String>,
}

/// What it means that a task stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopCause {
    /// It did not start: no image, no secret, no log group.
    NotStarted,
    /// A container that it cannot do without ended.
    Ended,
    /// It was no longer needed: after a rollout, or since there are to be fewer.
    Surplus,
    /// Whoever keeps it running stopped it, for example since checks of a load balancer failed.
    Scheduler,
    /// Somebody stopped it.
    Person,
    /// Its machine was taken away.
    Interrupted,
    /// The cloud does not say, or has a word that this version does not know.
    Unknown,
}

impl StopCause {
    /// Whether the task itself is why it stopped. Others stop because somebody wanted it.
    pub fn is_its_own_fault(self) -> bool {
        matches!(self, Self::NotStarted | Self::Ended)
    }
}

/// The tasks of something, asked for again where that helps.
///
/// # Errors
/// As for [`Tasks::tasks`].
pub async fn tasks_of<C: Cloud>(
    tasks: &dyn AnyTasks<C>,
    (cloud, live): (&C, &Live),
    which: Which,
) -> Result<Vec<Task>> {
    insist(|| tasks.tasks(cloud, live, &which)).await
}
