//! What is there.

use std::collections::BTreeSet;

use deployer_core::{Live, Phase};
use deployer_engine::{RolloutState, Unit};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::document::Position;
use super::error::Failure;

/// One resource that is there.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Resource {
    #[serde(flatten)]
    what: Position,
    /// AWS's identifier of it.
    id: String,
    /// How often it was replaced, plus one.
    generation: u32,
    /// How far AWS is with it.
    phase: Phase,
    /// AWS's own word for its state: `available`; empty where it has none.
    state: String,
    /// What is attached to it that the stack does not say.
    foreign: Vec<String>,
    /// The fields that AWS does not show, or that this version cannot read.
    unread: BTreeSet<String>,
}

impl From<&Live> for Resource {
    fn from(live: &Live) -> Self {
        Self {
            what: Position::of(&live.address, &live.place),
            id: live.id().to_owned(),
            generation: live.generation,
            phase: live.phase,
            state: live.state.clone(),
            foreign: live.foreign.clone(),
            unread: live.unread(),
        }
    }
}

/// Something that carries our tags and is not ours.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Stray {
    #[serde(flatten)]
    what: Position,
    /// AWS's identifier of it, or its name.
    id: String,
    /// How that is known.
    because: String,
}

impl From<&deployer_core::Stray> for Stray {
    fn from(stray: &deployer_core::Stray) -> Self {
        let what = Position::of(&stray.address, &stray.place);
        Self { what, id: stray.id.clone(), because: stray.because.clone() }
    }
}

/// Something that could not be looked at, so that nobody knows whether there is more.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Unseen {
    /// The kinds that something may have been missed of; `environment` for whole environments.
    what: BTreeSet<String>,
    /// Why.
    failure: Failure,
}

impl From<&deployer_core::Unseen> for Unseen {
    fn from(unseen: &deployer_core::Unseen) -> Self {
        Self { what: unseen.what.clone(), failure: (&unseen.failure).into() }
    }
}

/// A release that failed.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Fallen {
    #[serde(flatten)]
    what: Position,
    /// What it is called: `web-3`.
    release: String,
    /// Why it failed; empty where that is no longer known.
    because: String,
    /// The release that is current instead; null where none before it came up.
    current: Option<String>,
}

impl From<&deployer_core::Fallen> for Fallen {
    fn from(fallen: &deployer_core::Fallen) -> Self {
        let deployer_core::Fallen { address, place, release, because, current } = fallen.clone();
        Self { what: Position::of(&address, &place), release, because, current }
    }
}

/// What exists of one environment of a stack.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Status {
    /// The stack and the environment.
    pub(crate) scope: String,
    /// The account, twelve digits.
    pub(crate) account: String,
    /// The region.
    pub(crate) region: String,
    /// What runs as tasks.
    pub(crate) services: Vec<Service>,
    /// How that does of which a few numbers say so: load balancers, databases, queues.
    pub(crate) measured: Vec<Measured>,
    /// What waits, and for whom.
    pub(crate) waiting: Vec<Waiting>,
    /// The alarms.
    pub(crate) alarms: Vec<Alarm>,
    /// What clients connect to.
    pub(crate) endpoints: Vec<Endpoint>,
    /// All that is there and ours.
    pub(crate) resources: Vec<Resource>,
    /// The releases that failed, which are not rolled out again.
    pub(crate) failed: Vec<Fallen>,
    /// What carries our tags and is not ours.
    pub(crate) strays: Vec<Stray>,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Unseen>,
}

/// Something that runs as tasks.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Service {
    #[serde(flatten)]
    pub(crate) resource: Resource,
    /// Its name, without the kind.
    pub(crate) name: String,
    /// How many tasks it is to have; null where nobody says.
    pub(crate) wanted: Option<u32>,
    /// How many of its tasks run; null where its tasks could not be read.
    pub(crate) running: Option<usize>,
    /// How many are on their way to run.
    pub(crate) starting: Option<usize>,
    /// Of how many the containers' own checks pass.
    pub(crate) healthy: usize,
    /// Of how many they fail. The rest have none, or none that has ended.
    pub(crate) unhealthy: usize,
    /// What its tasks run, by AWS's identifier: one, or several while a rollout is under way.
    pub(crate) releases: Vec<String>,
    /// The digests of the images that its tasks run: `sha256:…`.
    pub(crate) digests: BTreeSet<String>,
    /// The newest rollout.
    pub(crate) rollout: Option<Rollout>,
    /// Why its tasks or rollouts could not be read; empty when they could.
    pub(crate) failures: Vec<Failure>,
}

/// How far a rollout is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Rollout {
    /// AWS's identifier of it.
    id: String,
    /// How far it is.
    pub(crate) state: RolloutState,
    /// AWS's own word for it: `ROLLBACK_IN_PROGRESS`.
    pub(crate) status: String,
    /// What AWS says about it, such as why it failed.
    pub(crate) reason: Option<String>,
    /// How many tasks of the new release there should be.
    pub(crate) wanted: Option<u32>,
    /// How many of them run.
    pub(crate) running: u32,
    /// Whether it waits for somebody to let it continue.
    pub(crate) is_held: bool,
    /// AWS's word for the stage that it is in, where it has stages: `BAKE_TIME`.
    pub(crate) stage: Option<String>,
    /// The new release's share of the traffic, in percent; null where ECS does not shift it.
    pub(crate) traffic: Option<f64>,
    /// How many minutes it watches the new release before the old one goes.
    pub(crate) bake: Option<u32>,
    /// When it began, as RFC 3339 has it.
    started: Option<String>,
    /// When it was over.
    finished: Option<String>,
}

impl From<&deployer_engine::Rollout> for Rollout {
    fn from(rollout: &deployer_engine::Rollout) -> Self {
        Self {
            id: rollout.id.clone(),
            state: rollout.state,
            status: rollout.status.clone(),
            reason: rollout.reason.clone(),
            wanted: rollout.to.as_ref().map(|to| to.wanted),
            running: rollout.to.as_ref().map_or(0, |to| to.running),
            is_held: rollout.question().is_some(),
            stage: rollout.stage.clone(),
            traffic: rollout.to.as_ref().and_then(|to| to.traffic),
            bake: rollout.bake,
            started: rollout.started.map(|at| at.to_string()),
            finished: rollout.finished.map(|at| at.to_string()),
        }
    }
}

/// How something does.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Measured {
    #[serde(flatten)]
    pub(crate) what: Position,
    /// The numbers that say so, what matters most first.
    pub(crate) vitals: Vec<Vital>,
    /// Why they could not be read; null where they could.
    pub(crate) failure: Option<Failure>,
}

/// One number that says how something does.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Vital {
    /// What it counts or measures: `targets healthy`.
    name: String,
    /// The number.
    value: f64,
    /// Of how many; null where it is no part of something.
    of: Option<f64>,
    /// What it is in.
    unit: Unit,
    /// Whether somebody should look at it.
    is_bad: bool,
}

impl From<&deployer_engine::Vital> for Vital {
    fn from(vital: &deployer_engine::Vital) -> Self {
        let deployer_engine::Vital { name, value, of, unit, is_bad } = vital.clone();
        Self { name, value, of, unit, is_bad }
    }
}

/// Something that waits.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Waiting {
    #[serde(flatten)]
    pub(crate) what: Position,
    /// For what, or for whom.
    pub(crate) on: String,
}

/// An alarm.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Alarm {
    #[serde(flatten)]
    pub(crate) what: Position,
    /// Whether it has gone off.
    pub(crate) is_off: bool,
}

/// Something that clients connect to.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Endpoint {
    #[serde(flatten)]
    pub(crate) resource: Resource,
    /// Where they connect to: a host, or `host:5432`; null before AWS has said it.
    pub(crate) endpoint: Option<String>,
}

/// What was changed outside.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Drift {
    /// The stack and the environment.
    pub(crate) scope: String,
    /// The account, twelve digits.
    pub(crate) account: String,
    /// The region.
    pub(crate) region: String,
    /// Resources that are not as they were last given.
    pub(crate) changed: Vec<Changed>,
    /// Resources that are not there: deleted, or never made.
    pub(crate) missing: Vec<String>,
    /// What others attached.
    pub(crate) attached: Vec<Attached>,
    /// What AWS does not show, or this version cannot read: no drift, and not known to be none.
    pub(crate) unread: Vec<Unread>,
    /// The releases that failed: no drift, and not rolled out again.
    pub(crate) failed: Vec<Fallen>,
    /// What carries our tags and is not ours.
    pub(crate) strays: Vec<Stray>,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Unseen>,
}

/// A resource that is not as it was last given.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Changed {
    /// The resource.
    pub(crate) address: String,
    /// The fields.
    pub(crate) fields: Vec<Field>,
}

/// A field that is not as it was last given.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Field {
    /// The field, as a path with dots.
    pub(crate) path: String,
    /// What it was given.
    pub(crate) given: Value,
    /// What it is now.
    pub(crate) now: Value,
}

/// What others attached to a resource.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Attached {
    /// The resource.
    pub(crate) address: String,
    /// What, in words.
    pub(crate) what: Vec<String>,
}

/// The fields of a resource that could not be read.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Unread {
    /// The resource.
    pub(crate) address: String,
    /// The fields, as paths with dots.
    pub(crate) paths: BTreeSet<String>,
}
