//! What is written of how a new version of a service replaces the old one.

use std::collections::BTreeSet;

use deployer_kinds::{CircuitBreaker, IpRange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantities::{Percent, Seconds, Share};

/// How a new version replaces the old one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Rollout {
    /// `rolling`: new tasks come before old ones go, a few at a time. `blue-green`, `canary` and
    /// `linear`: all of them come beside the old ones, and requests are shifted to them at once,
    /// after a first share, or share by share.
    #[serde(default)]
    pub(crate) strategy: Strategy,
    /// How many tasks stay in service, as a share of their number: `100%`.
    #[serde(default = "minimum")]
    pub(crate) minimum: Percent,
    /// How many tasks there may be, as a share of their number: `200%`.
    #[serde(default = "maximum")]
    pub(crate) maximum: Percent,
    /// What happens when new tasks keep failing, with `rolling`: `rollback`, `stop` or `none`.
    #[serde(default)]
    pub(crate) circuit_breaker: CircuitBreaker,
    /// The share of requests that a canary gets first, `0.1%` to `100%`, or that each of the linear
    /// steps shifts, `3%` to `100%`; `10%` when left out.
    pub(crate) step: Option<Share>,
    /// How long each step is watched, in minutes, `0 min` to `24 h`; `5 min` when left out.
    pub(crate) step_bake: Option<Seconds>,
    /// How long the old version stays ready after all requests were shifted, in minutes, `0 min` to
    /// `24 h`; `5 min` when left out.
    pub(crate) bake: Option<Seconds>,
    /// The alarms of `monitoring` that take a rollout back, default ones included: `[web-5xx]`.
    #[serde(default)]
    pub(crate) alarms: BTreeSet<String>,
    /// A port of the load balancer that leads to a new version before anybody's requests do:
    /// `{ port: 9000 }`.
    pub(crate) test: Option<Test>,
    /// Where a rollout waits until somebody lets it go on: `{ at: production-traffic, within: 24 h }`.
    pub(crate) approve: Option<Approve>,
}

/// How new tasks replace old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Strategy {
    /// New tasks come before old ones go, a few at a time.
    #[default]
    Rolling,
    /// A new version takes over all requests at once.
    BlueGreen,
    /// A new version takes over a share of the requests first, and then all.
    Canary,
    /// A new version takes over one share of the requests after the other.
    Linear,
}

/// How a new version is reached for tests.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Test {
    /// The port, one that the load balancer does not listen on otherwise: `9000`. What the routes of
    /// the service ask of requests is asked here too.
    #[schemars(range(min = 1))]
    pub(crate) port: u16,
    /// The address ranges that reach it: `[203.0.113.0/24]`; those of the network when left out.
    pub(crate) from: Option<BTreeSet<IpRange>>,
}

/// Who lets a rollout go on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Approve {
    /// Before what it waits.
    pub(crate) at: At,
    /// For how long, in minutes, `1 min` to `336 h`; it goes back after that. `24 h` when left out.
    pub(crate) within: Option<Seconds>,
}

/// Before what a rollout waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum At {
    /// Before new tasks start.
    NewTasks,
    /// Before new tasks get requests, once the port for tests leads to them.
    TestTraffic,
    /// Before new tasks get requests, and before each further share.
    ProductionTraffic,
    /// Before the time that the old version stays ready, when all requests are shifted.
    Bake,
}

impl Rollout {
    /// Whether requests are shifted from one target group to another.
    pub(crate) fn shifts(&self) -> bool {
        self.strategy != Strategy::Rolling
    }
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            minimum: minimum(),
            maximum: maximum(),
            circuit_breaker: CircuitBreaker::default(),
            step: None,
            step_bake: None,
            bake: None,
            alarms: BTreeSet::new(),
            test: None,
            approve: None,
        }
    }
}

fn minimum() -> Percent {
    Percent(100)
}

fn maximum() -> Percent {
    Percent(200)
}
