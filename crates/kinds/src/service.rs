//! An ECS service: so many tasks of a definition, kept running and rolled over.

use std::collections::BTreeSet;

use deployer_core::{
    Action, After, Change, Fact, Grant, Impact, Join, Kind, Naming, Notice, Opaque, Problem, Ref,
    Replacement, Run, Stand, Text, Thing, Time, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rollout::{self, Pause, Strategy};
use crate::service_target::{self, ServiceTarget, ServiceTargets};
use crate::{Alarm, Cluster, Connect, Endpoint, SecurityGroup, Subnet, TaskDefinition};

/// How long a rollout may take that nothing holds up, in seconds: with the longest start period of
/// a container's check, five minutes (`HealthCheck` in the ECS API reference).
const ROLLOUT: u32 = 900 + 300;

/// How long a wave of tasks after the first may take to start and become healthy, in seconds. An
/// assumption, with the same start period in it.
const WAVE: u32 = 300 + 300;

/// The most waves that a deadline makes room for: ECS starts several tasks of a large service at a
/// time, whatever the percentages. An assumption.
const MOST_WAVES: u32 = 24;

/// How long tasks may drain, in seconds: the longest `deregistration-delay` of a target group (ELB
/// API reference), and the longest time to stop on Fargate (`stopTimeout` in the ECS API
/// reference).
const DRAINING: u32 = 3600 + 120;

/// An ECS service on Fargate.
pub struct Service;

impl Kind for Service {
    const NAME: &'static str = "service";
    // What starts a new rollout and what does not: UpdateService in the ECS API reference.
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("cluster", Change::Replace(Impact::Outage)),
        ("task-definition", Change::InPlace(Impact::Rolling)),
        ("count", Change::InPlace(Impact::None)),
        ("initial-count", Change::Delegated),
        ("subnets", Change::InPlace(Impact::Rolling)),
        ("security-groups", Change::InPlace(Impact::Rolling)),
        ("public-address", Change::InPlace(Impact::Rolling)),
        ("targets", Change::InPlace(Impact::Rolling)),
        ("minimum-percent", Change::InPlace(Impact::None)),
        ("maximum-percent", Change::InPlace(Impact::None)),
        ("circuit-breaker", Change::InPlace(Impact::None)),
        ("strategy", Change::InPlace(Impact::None)),
        ("alarms", Change::InPlace(Impact::None)),
        ("pauses", Change::InPlace(Impact::None)),
        // It starts none by itself, and tasks that run cannot be opened: update begins one.
        ("execute-command", Change::InPlace(Impact::Rolling)),
        ("grace-period", Change::InPlace(Impact::None)),
        ("platform-version", Change::InPlace(Impact::Rolling)),
        // It starts none by itself, and tasks that run stay where they are: update begins one.
        ("capacity", Change::InPlace(Impact::Rolling)),
        ("connect", Change::InPlace(Impact::Rolling)),
        // Tasks that run never see what is served later: update begins a deployment.
        ("uses", Change::InPlace(Impact::Rolling)),
    ];
    const UNDONE: &'static [&'static str] = &["uses"];
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    const DELETION: Impact = Impact::None;
    const AFTER: &'static [After] = &[
        // CreateService refuses a target group that no listener forwards to.
        After { kind: "listener", sharing: Some("target-group") },
        After { kind: "listener-rule", sharing: Some("target-group") },
        // Tasks fetch their image over the routes of their subnets.
        After { kind: "route-table", sharing: Some("subnet") },
        // Or over the endpoints of their network.
        After { kind: "gateway-endpoint", sharing: None },
        After { kind: "interface-endpoint", sharing: None },
        // A new version is got ready for by what runs before it.
        After { kind: "job", sharing: Some("task-definition") },
    ];
    // A service takes five target groups (ECS developer guide, "Registering multiple target
    // groups").
    const GRANTS: &'static [Grant] =
        &[Grant { by: &["group", "shift"], most: 5, ..Grant::of("targets") }];
    const FILLS: Option<&'static str> = Some("targets");
    const CALLS: Option<&'static str> = Some("uses");
    // A task: image 20-60 s, start, stop. What its target groups take for health checks and for
    // draining is added to it.
    const TYPICAL: Typical = Typical { create: 70, update: 70, delete: 30 };
    type Spec = ServiceSpec;
    type Output = ServiceOutput;

    /// The tasks that go may be at the last requests for as long as their target groups let them,
    /// and the new ones may be given time before their health counts.
    fn time(action: Action, live: Option<&ServiceSpec>, wanted: Option<&ServiceSpec>) -> Time {
        let grace = wanted.or(live).map_or(0, |spec| spec.grace_period);
        let drain = if live.is_some_and(|live| !live.targets.is_empty()) { DRAINING } else { 0 };
        let waves = match (action, live) {
            (Action::Update | Action::Await, Some(live)) => waves(live, wanted.unwrap_or(live)),
            _ => 1,
        };
        let limit = ROLLOUT + grace + drain * waves + (WAVE + grace) * (waves - 1);
        let time = Self::TYPICAL.time(action);
        // Nothing is watched, and nobody waited for, where one goes.
        let followed = wanted.filter(|_| action != Action::Delete);
        let strategy = followed.and_then(|spec| spec.strategy.known().copied());
        let strategy = strategy.unwrap_or_default();
        let pauses = followed.and_then(|spec| spec.pauses.known());
        let waiting = pauses.map_or(0, |pauses| rollout::waiting(strategy, pauses));
        let baking = strategy.baking();
        Time { typical: time.typical + baking, limit: limit + baking + waiting }
    }

    /// A discovery name is one service's, and so is a name with a port that clients use
    /// (`ServiceConnectService` in the ECS API reference), so that a successor that serves under the
    /// same one cannot be made beside it.
    fn replacement(live: &ServiceSpec, wanted: &ServiceSpec) -> Replacement {
        let clash = |(one, other): (&Endpoint, &Endpoint)| {
            one.discovery_name == other.discovery_name
                || (&one.host, one.port) == (&other.host, other.port)
        };
        let others = || wanted.connect.serves.values();
        let mut pairs =
            live.connect.serves.values().flat_map(|one| others().map(move |other| (one, other)));
        if pairs.any(clash) { Replacement::DeleteFirst } else { Self::REPLACEMENT }
    }

    /// What a service sees beside what it uses is no difference. What is reached as before and has
    /// another discovery name speaks another protocol, which a service is not given in place
    /// (`appProtocol` of `PortMapping` in the ECS API reference: that takes another service).
    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        if field == "connect" {
            let read = |value| Connect::deserialize(value).ok();
            return speaks_otherwise(&read(live)?, &read(wanted)?)
                .then_some(Change::Replace(Impact::Outage));
        }
        let seen = live.as_array()?;
        let sees_all = field == "uses" && wanted.as_array()?.iter().all(|it| seen.contains(it));
        sees_all.then_some(Change::Delegated)
    }

    /// ECS alone says which group of a pair serves. A strategy that shifts requests comes when the
    /// pairs are there, which is in the second half of a change.
    fn is_moved(field: &str, live: &ServiceSpec, wanted: &ServiceSpec) -> bool {
        let shifts = |spec: &ServiceSpec| spec.strategy.known().is_some_and(|it| it.shifts());
        match field {
            "targets" => service_target::are_alike(&live.targets, &wanted.targets, shifts(live)),
            "strategy" => {
                !shifts(live) && shifts(wanted) && service_target::is_half(&wanted.targets)
            }
            _ => false,
        }
    }

    fn facts(spec: &ServiceSpec) -> Vec<Fact> {
        let groups = spec.targets.iter().flat_map(ServiceTarget::groups).map(Thing::from).collect();
        let ports = spec.targets.iter().map(|target| target.port).collect();
        let joined = spec.security_groups.iter().map(Thing::from).collect();
        vec![
            Fact::Runs(Run { groups, tasks: spec.count }),
            Fact::Joins(Join { groups: joined, ports }),
            Fact::Stands(Stand {
                subnets: spec.subnets.iter().map(Thing::from).collect(),
                has_address: spec.public_address,
            }),
        ]
    }

    fn notices(live: &ServiceSpec, wanted: &ServiceSpec) -> Vec<Notice> {
        let mut notices = Vec::new();
        let sees_all = wanted.uses.is_subset(&live.uses);
        let stays = ServiceSpec {
            uses: if sees_all { live.uses.clone() } else { wanted.uses.clone() },
            count: live.count,
            minimum_percent: live.minimum_percent,
            maximum_percent: live.maximum_percent,
            circuit_breaker: live.circuit_breaker,
            strategy: live.strategy,
            alarms: live.alarms.clone(),
            pauses: live.pauses.clone(),
            grace_period: live.grace_period,
            ..wanted.clone()
        };
        let rolls = wanted.strategy.known().is_none_or(|strategy| !strategy.shifts());
        if *live != stays && wanted.minimum_percent == 0 && rolls {
            let because = "no task while it rolls: its minimum is 0 %";
            notices.push(Notice::new(Impact::Outage, because));
        }
        if let (Some(1..), Some(0)) = (live.count, wanted.count) {
            notices.push(Notice::new(Impact::Outage, "no task is left: its count is 0"));
        }
        notices
    }

    fn check(spec: &ServiceSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(spec.capacity.known().and_then(Capacity::problem));
        problems.extend(spec.connect.problems());
        problems.extend(spec.strategy.known().map(|it| it.problems()).unwrap_or_default());
        problems.extend(spec.pauses.known().map(rollout::wrong_pauses).unwrap_or_default());
        if spec.minimum_percent > 100 {
            problems.push(Problem::amounts(
                "minimum-percent",
                format!("{{{}}} is more than all tasks", spec.minimum_percent),
                "expected `{0}` to `{100}`",
            ));
        }
        if spec.maximum_percent <= spec.minimum_percent.max(99) && spec.minimum_percent >= 100 {
            problems.push(
                Problem::amounts(
                    "maximum-percent",
                    format!("{{{}}} leaves a rollout no room to begin", spec.maximum_percent),
                    "expected more than `{100}`, or a minimum below it",
                )
                .along(&["minimum-percent"]),
            );
        }
        problems
    }
}

/// Whether something is reached as before, and known in Cloud Map by another name.
fn speaks_otherwise(live: &Connect, wanted: &Connect) -> bool {
    live.serves.values().any(|was| {
        let is_there = |it: &&Endpoint| (&it.host, it.port) == (&was.host, was.port);
        let will = wanted.serves.values().find(is_there);
        will.is_some_and(|will| will.discovery_name != was.discovery_name)
    })
}

/// What we want of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceSpec {
    /// The cluster it runs in.
    pub cluster: Ref<Cluster>,
    /// What its tasks are.
    pub task_definition: Ref<TaskDefinition>,
    /// How many tasks; whatever number runs is right when left out, as where a scalable target says.
    pub count: Option<u32>,
    /// How many tasks a new one begins with, where `count` is left out.
    #[serde(default = "initial_count")]
    pub initial_count: u32,
    /// The subnets its tasks are in.
    pub subnets: BTreeSet<Ref<Subnet>>,
    /// The security groups its tasks are in.
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    /// Whether its tasks get public addresses.
    #[serde(default)]
    pub public_address: bool,
    /// The target groups its tasks are registered in.
    #[serde(default)]
    pub targets: ServiceTargets,
    /// How many tasks stay in service during a rollout, in percent of `count`.
    #[serde(default = "minimum_percent")]
    pub minimum_percent: u32,
    /// How many tasks there may be during a rollout, in percent of `count`.
    #[serde(default = "maximum_percent")]
    pub maximum_percent: u32,
    /// What ECS does with a rollout whose tasks keep failing, with the strategy `rolling`. With all
    /// others it goes back.
    #[serde(default)]
    pub circuit_breaker: Opaque<CircuitBreaker>,
    /// How new tasks replace old ones. Where it is not `rolling`, each target has a `shift`.
    #[serde(default)]
    pub strategy: Opaque<Strategy>,
    /// The alarms that take a rollout back when they go off. One that has gone off before it begins
    /// is ignored.
    #[serde(default)]
    pub alarms: Opaque<BTreeSet<Ref<Alarm>>>,
    /// Where a rollout waits for somebody.
    #[serde(default)]
    pub pauses: Opaque<BTreeSet<Pause>>,
    /// Whether a shell can be opened in its tasks.
    #[serde(default)]
    pub execute_command: bool,
    /// Seconds after a task's start in which its health does not count.
    #[serde(default)]
    pub grace_period: u32,
    /// The Fargate platform version.
    #[serde(default = "platform_version")]
    pub platform_version: String,
    /// Which capacity its tasks run on.
    #[serde(default)]
    pub capacity: Opaque<Capacity>,
    /// What it does with ECS Service Connect; nothing when left out.
    #[serde(default)]
    pub connect: Connect,
    /// The names of the services that it reaches by Service Connect, as `${service/users.name}`: it
    /// comes after them, and is deployed again where one of them is newer than its tasks.
    #[serde(default)]
    pub uses: BTreeSet<Text>,
}

/// Which capacity of Fargate tasks run on; the one that stays when left out. Of tasks beyond
/// `base`, so many run on each kind as its weight is a share of both. The cluster must have both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Capacity {
    /// How many tasks are on capacity that stays before any is on spare capacity, 0 to 100000.
    #[serde(default)]
    pub base: u32,
    /// The weight of capacity that stays, 0 to 1000.
    #[serde(default = "stays")]
    pub fargate: u32,
    /// The weight of spare capacity, 0 to 1000. AWS takes it back with two minutes' notice, and
    /// where there is none ECS starts no other task in its place until there is.
    #[serde(default)]
    pub spot: u32,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { base: 0, fargate: stays(), spot: 0 }
    }
}

impl Capacity {
    /// What is wrong with it. Bounds: `CapacityProviderStrategyItem` in the ECS API reference.
    fn problem(&self) -> Option<Problem> {
        let bound = |path: &str, value: u32, most: u32| {
            (value > most).then(|| {
                let (title, help) =
                    (format!("{value} is too much"), format!("expected 0 to {most}"));
                Problem::new(path, title, help)
            })
        };
        let of_spot = || {
            let is_default = self.spot > 0 || *self == Self::default();
            (!is_default).then(|| {
                Problem::new(
                    "capacity",
                    "no task is to run on spare capacity",
                    "give `spot` a weight, or leave `capacity` out",
                )
            })
        };
        bound("capacity.base", self.base, 100_000)
            .or_else(|| bound("capacity.fargate", self.fargate, 1000))
            .or_else(|| bound("capacity.spot", self.spot, 1000))
            .or_else(of_spot)
    }
}

/// What ECS does with a rollout whose tasks keep failing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CircuitBreaker {
    /// Goes on trying.
    None,
    /// Gives up.
    Stop,
    /// Gives up and goes back to what ran before.
    #[default]
    Rollback,
}

/// What AWS returns for a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceOutput {
    /// The ARN.
    pub id: String,
    /// The name.
    pub name: String,
    /// The ARN of its cluster.
    pub cluster: String,
    /// The ARN of the task definition it was last set to run.
    pub task_definition: String,
    /// The deployment that brings that up, `ecs-svc/…`.
    #[serde(default)]
    pub deployment: Option<String>,
    /// When the deployment last changed, by ECS's clock, in milliseconds since 1970: an answer
    /// that shows it earlier is older than the change. None where nothing was changed.
    #[serde(default)]
    pub changed: Option<i64>,
}

/// In how many waves a rollout replaces the tasks: each as large as the room above the number of
/// tasks and what may be missing below it (`minimumHealthyPercent` and `maximumPercent` in the ECS
/// API reference). One wave ends before the next begins where there is no more room.
fn waves(live: &ServiceSpec, wanted: &ServiceSpec) -> u32 {
    let count = u64::from(wanted.count.or(live.count).unwrap_or(1));
    let above = (count * u64::from(wanted.maximum_percent) / 100).saturating_sub(count);
    let least = (count * u64::from(wanted.minimum_percent)).div_ceil(100);
    let wave = (above + count.saturating_sub(least)).max(1);
    u32::try_from(count.div_ceil(wave)).unwrap_or(u32::MAX).clamp(1, MOST_WAVES)
}

fn stays() -> u32 {
    1
}

/// A scaler finds one to begin with.
fn initial_count() -> u32 {
    1
}

fn minimum_percent() -> u32 {
    100
}

fn maximum_percent() -> u32 {
    200
}

fn platform_version() -> String {
    "LATEST".to_owned()
}

#[cfg(test)]
mod limit {
    use super::*;

    #[test]
    fn tasks_behind_a_load_balancer_may_drain_for_an_hour() {
        let spec = |targets: serde_json::Value| -> ServiceSpec {
            serde_json::from_value(serde_json::json!({
                "cluster": { "id": "c" }, "task-definition": { "id": "t" },
                "subnets": [{ "id": "s" }], "security-groups": [{ "id": "g" }],
                "targets": targets, "grace-period": 60,
            }))
            .unwrap()
        };
        let target = serde_json::json!([
            { "group": { "id": "tg" }, "container": "web", "port": 80 }
        ]);
        let (bare, behind) = (spec(serde_json::json!([])), spec(target));
        let limit = |action, live| Service::time(action, live, None).limit;
        assert_eq!(limit(Action::Delete, Some(&bare)), 1200 + 60);
        assert_eq!(limit(Action::Delete, Some(&behind)), 1200 + 60 + 3600 + 120);
        assert_eq!(
            Service::time(Action::Create, None, Some(&behind)).limit,
            1200 + 60,
            "none drain yet"
        );
    }

    #[test]
    fn a_rollout_in_waves_may_take_as_long_as_all_of_them() {
        let spec = |count: u32, minimum: u32, maximum: u32| -> ServiceSpec {
            serde_json::from_value(serde_json::json!({
                "cluster": { "id": "c" }, "task-definition": { "id": "t" }, "count": count,
                "subnets": [{ "id": "s" }], "security-groups": [{ "id": "g" }],
                "minimum-percent": minimum, "maximum-percent": maximum,
            }))
            .unwrap()
        };
        let waves = |count, minimum, maximum| {
            let spec = spec(count, minimum, maximum);
            waves(&spec, &spec)
        };
        assert_eq!(waves(10, 100, 200), 1);
        assert_eq!(waves(10, 50, 100), 2);
        assert_eq!(waves(10, 100, 110), 10);
        assert_eq!(waves(0, 100, 200), 1);
        let ten = spec(10, 100, 110);
        let limit = |action| Service::time(action, Some(&ten), Some(&ten)).limit;
        assert_eq!(limit(Action::Update), 1200 + 9 * 600);
        assert_eq!(limit(Action::Delete), 1200, "a service that goes has no waves");
        let slow = ServiceSpec { grace_period: 90, ..ten.clone() };
        let limit = Service::time(Action::Update, Some(&slow), Some(&slow)).limit;
        assert_eq!(limit, 1200 + 90 + 9 * (600 + 90), "each wave may take so long to begin");
    }
}
