//! How a resource gets from one revision to another.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::capability;

capability! {
    /// A kind whose changes are rolled out by the cloud, over some time.
    Rollouts, AnyRollouts {
        /// Those under way and the last ones, the newest first, twenty at most.
        fn rollouts() -> Vec<Rollout>;

        /// The one of this identifier; none where the cloud has none, or no longer.
        fn rollout(id: str) -> Option<Rollout>;

        /// Stops one that is under way, or lets one go on that is held. It is a change: whether one
        /// whose reply got lost took effect is for [`Rollouts::rollout`] to say.
        fn steer(id: str, how: Steering) -> ();
    }
}

/// What is to become of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Steering {
    /// It stops, and what ran before comes back.
    RollBack,
    /// It goes on, which waits in the hold of this identifier.
    Continue(String),
    /// It goes back, which waits in the hold of this identifier.
    Decline(String),
}

/// One rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rollout {
    /// Its identifier: an ARN on AWS.
    pub id: String,
    /// How far it is.
    pub state: RolloutState,
    /// The cloud's word for how far it is: `ROLLBACK_IN_PROGRESS`.
    pub status: String,
    /// What the cloud says of it, such as why it failed.
    pub reason: Option<String>,
    /// The cloud's word for the stage that it is in: `BAKE_TIME`; none where there are none.
    pub stage: Option<String>,
    /// What ran before: nothing for the first, several where one rollout overtook another.
    pub from: Vec<Revision>,
    /// What is to run.
    pub to: Option<Revision>,
    /// The identifier of the revision that it goes back to, or went.
    pub back_to: Option<String>,
    /// How long it watches the new revision before it takes the old one away, in minutes.
    pub bake: Option<u32>,
    /// How many tasks failed, and how many may before it is given up; none without such a limit.
    pub failures: Option<(u32, u32)>,
    /// The alarms that end it, each with whether it went off.
    pub alarms: BTreeMap<String, bool>,
    /// Where it waits for somebody, or for a function.
    pub holds: Vec<Hold>,
    /// When it was asked for.
    pub created: Option<Timestamp>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub finished: Option<Timestamp>,
}

/// How far a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RolloutState {
    /// It has not begun.
    Pending,
    /// It is under way.
    UnderWay,
    /// It is to stop or to go back, and has not yet.
    GoingBack,
    /// It is over: what was wanted runs.
    Succeeded,
    /// It is over: what ran before runs again.
    RolledBack,
    /// It is over, and was neither ended nor taken back.
    Stopped,
    /// It is over: it could not even go back.
    Failed,
    /// The cloud has a word that this version does not know.
    Unknown,
}

impl RolloutState {
    /// Whether nothing more will come of it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::RolledBack | Self::Stopped | Self::Failed)
    }
}

/// What a rollout goes from or to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Revision {
    /// Its identifier: an ARN on AWS.
    pub id: String,
    /// What it runs, by its identifier: a task definition of ECS. None where it is forgotten.
    pub runs: Option<String>,
    /// The digest of each container's image, as far as they are known.
    pub digests: BTreeMap<String, String>,
    /// How many tasks it is to have.
    pub wanted: u32,
    /// How many run.
    pub running: u32,
    /// How many are on their way.
    pub pending: u32,
    /// Its share of the traffic, in percent; none where the cloud does not shift it.
    pub traffic: Option<f64>,
    /// Its share of the test traffic, in percent.
    pub test_traffic: Option<f64>,
}

/// Where a rollout waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hold {
    /// Its identifier, for [`Steering`].
    pub id: String,
    /// The cloud's word for how far it is: `AWAITING_ACTION`.
    pub status: String,
    /// Whether it waits for somebody to let it go on.
    pub is_for_people: bool,
    /// Until when it waits.
    pub until: Option<Timestamp>,
    /// The cloud's word for what comes then: `ROLLBACK`.
    pub then: Option<String>,
}
