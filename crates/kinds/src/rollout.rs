//! How a service goes from one revision to the next: the strategies of ECS, and where it waits.

use std::collections::BTreeSet;

use deployer_core::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest that ECS watches a step or a finished shift, in minutes (`CanaryConfiguration`,
/// `LinearConfiguration` and `DeploymentConfiguration` in the ECS API reference).
const LONGEST_BAKE: u32 = 1440;

/// The longest that a pause may last, in minutes, and the most pauses of a service ("Pause hooks for
/// Amazon ECS service deployments" in the ECS developer guide).
const LONGEST_PAUSE: u32 = 20_160;
const MOST_PAUSES: usize = 10;

/// How new tasks replace old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// A few at a time, in the same target groups.
    #[default]
    Rolling,
    /// All of them come beside the old ones, and then get all requests at once.
    BlueGreen(BlueGreen),
    /// All of them come beside the old ones, and get a share of the requests before they get all.
    Canary(Steps),
    /// All of them come beside the old ones, and get one share of the requests after the other.
    Linear(Steps),
}

/// What follows after all requests were shifted at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BlueGreen {
    /// How many minutes old tasks stay ready after that, 0 to 1440.
    #[serde(default)]
    pub bake: u32,
}

/// How requests are shifted in shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Steps {
    /// The share, in percent: 0.1 to 100 of a canary, 3 to 100 of linear steps.
    pub step: f64,
    /// How many minutes ECS watches after a share before the next one, 0 to 1440.
    #[serde(default)]
    pub step_bake: u32,
    /// How many minutes old tasks stay ready after all requests were shifted, 0 to 1440.
    #[serde(default)]
    pub bake: u32,
}

impl Strategy {
    /// Whether ECS shifts requests from one target group to another.
    pub fn shifts(self) -> bool {
        self != Self::Rolling
    }

    /// How often requests are shifted before the last time.
    fn steps(self) -> u32 {
        match self {
            Self::Rolling | Self::BlueGreen(_) => 0,
            Self::Canary(_) => 1,
            Self::Linear(Steps { step, .. }) => (1..=MOST_STEPS)
                .find(|steps| f64::from(*steps) * step >= 100.0)
                .unwrap_or(MOST_STEPS),
        }
    }

    /// For how many seconds ECS only watches.
    pub(crate) fn baking(self) -> u32 {
        let minutes = match self {
            Self::Rolling => 0,
            Self::BlueGreen(BlueGreen { bake }) => bake,
            Self::Canary(Steps { step_bake, bake, .. })
            | Self::Linear(Steps { step_bake, bake, .. }) => bake + self.steps() * step_bake,
        };
        minutes * 60
    }

    /// What ECS refuses of it.
    pub(crate) fn problems(self) -> Vec<Problem> {
        match self {
            Self::Rolling => Vec::new(),
            Self::BlueGreen(BlueGreen { bake }) => too_long("blue-green.bake", bake).collect(),
            Self::Canary(steps) => steps.problems("canary", 0.1),
            Self::Linear(steps) => steps.problems("linear", LEAST_STEP),
        }
    }
}

/// The smallest linear step, in percent, and so the most of them (`LinearConfiguration` in the ECS API
/// reference).
const LEAST_STEP: f64 = 3.0;
const MOST_STEPS: u32 = 34;

impl Steps {
    fn problems(self, strategy: &str, least: f64) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !(least..=100.0).contains(&self.step) {
            let message = format!("{}% is no step of this strategy", self.step);
            let help = format!("expected `{least}%` to `100%`");
            problems.push(Problem::new(format!("strategy.{strategy}.step"), message, help));
        }
        problems.extend(too_long(&format!("{strategy}.step-bake"), self.step_bake));
        problems.extend(too_long(&format!("{strategy}.bake"), self.bake));
        problems
    }
}

fn too_long(field: &str, minutes: u32) -> impl Iterator<Item = Problem> {
    let problem = (minutes > LONGEST_BAKE).then(|| {
        let message = format!("{minutes} minutes are too long to watch");
        Problem::new(format!("strategy.{field}"), message, "expected at most 24 hours")
    });
    problem.into_iter()
}

/// Where a deployment waits until somebody lets it go on. It goes back when nobody does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pause {
    /// The stage that it waits in.
    pub stage: Stage,
    /// How many minutes it waits at most, 1 to 20160.
    #[serde(default = "a_day")]
    pub minutes: u32,
}

/// A stage of a deployment that it can wait in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Before all others, where more than one revision runs.
    ReconcileService,
    /// Before new tasks start.
    PreScaleUp,
    /// After new tasks are there.
    PostScaleUp,
    /// After new tasks get the requests of tests.
    PostTestTrafficShift,
    /// Before new tasks get requests, and before each further share.
    PreProductionTrafficShift,
    /// After new tasks get all requests.
    PostProductionTrafficShift,
}

/// For how many seconds a deployment may wait for somebody.
pub(crate) fn waiting(strategy: Strategy, pauses: &BTreeSet<Pause>) -> u32 {
    let most = pauses.iter().map(|pause| {
        let is_repeated = pause.stage == Stage::PreProductionTrafficShift;
        let times = if is_repeated { strategy.steps() + 1 } else { 1 };
        pause.minutes * 60 * times
    });
    most.sum()
}

/// What ECS refuses of pauses.
pub(crate) fn wrong_pauses(pauses: &BTreeSet<Pause>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if pauses.len() > MOST_PAUSES {
        let message = format!("{} pauses are too many", pauses.len());
        problems.push(Problem::new("pauses", message, "expected at most 10"));
    }
    for pause in pauses.iter().filter(|it| !(1..=LONGEST_PAUSE).contains(&it.minutes)) {
        let message = format!("nobody waits for {} minutes", pause.minutes);
        problems.push(Problem::new("pauses", message, "expected 1 minute to 14 days"));
    }
    problems
}

/// What ECS takes as well where nothing is said (`DeploymentLifecycleHookTimeoutConfiguration` in its
/// API reference).
fn a_day() -> u32 {
    1440
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(step: f64, step_bake: u32) -> Steps {
        Steps { step, step_bake, bake: 5 }
    }

    #[test]
    fn a_shift_in_steps_is_watched_after_each_of_them() {
        let minutes = |strategy: Strategy| strategy.baking() / 60;
        assert_eq!(minutes(Strategy::Rolling), 0);
        assert_eq!(minutes(Strategy::BlueGreen(BlueGreen { bake: 5 })), 5);
        assert_eq!(minutes(Strategy::Canary(steps(1.0, 10))), 15);
        assert_eq!(minutes(Strategy::Linear(steps(50.0, 10))), 25);
        assert_eq!(minutes(Strategy::Linear(steps(3.0, 1))), 39);
    }

    #[test]
    fn a_pause_before_requests_is_had_before_each_step() {
        let pauses = |stage| BTreeSet::from([Pause { stage, minutes: 10 }]);
        let canary = Strategy::Canary(steps(10.0, 1));
        assert_eq!(waiting(canary, &pauses(Stage::PreProductionTrafficShift)), 1200);
        assert_eq!(waiting(canary, &pauses(Stage::PreScaleUp)), 600);
    }

    #[test]
    fn what_ecs_refuses_is_refused_with_its_place() {
        let places = |strategy: Strategy| -> Vec<String> {
            strategy.problems().into_iter().map(|problem| problem.path).collect()
        };
        assert_eq!(places(Strategy::Canary(steps(0.1, 1440))), Vec::<String>::new());
        assert_eq!(places(Strategy::Canary(steps(0.05, 0))), ["strategy.canary.step"]);
        assert_eq!(
            places(Strategy::Linear(steps(2.9, 1441))),
            ["strategy.linear.step", "strategy.linear.step-bake"]
        );
    }
}
