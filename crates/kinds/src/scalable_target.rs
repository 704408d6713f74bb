//! A scalable target of Application Auto Scaling: how the number of a service's tasks follows the
//! load and the clock.

use std::collections::BTreeMap;

use deployer_core::{Bounds, Change, Fact, Impact, Kind, Problem, Ref, Thing, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LoadBalancer, Queue, Service, TargetGroup, schedule_expression};

/// The most characters of a name of a policy or a schedule, which AWS sees with a prefix of ours: 256
/// (`PutScalingPolicy` and `PutScheduledAction` in the Application Auto Scaling API reference).
const LONGEST_NAME: usize = 200;

/// The most tasks of a service (ECS quotas, "Tasks per service").
const MOST_TASKS: u32 = 5000;

/// What each policy follows in percent cannot be more; a load of nothing is never reached.
const PERCENT: std::ops::RangeInclusive<u32> = 1..=100;

/// A scalable target.
pub struct ScalableTarget;

impl Kind for ScalableTarget {
    const NAME: &'static str = "scalable-target";
    const CHANGES: &'static [(&'static str, Change)] = &[
        // The target goes with its service, and another service has another one.
        ("service", Change::Replace(Impact::None)),
        ("min", Change::InPlace(Impact::None)),
        ("max", Change::InPlace(Impact::None)),
        ("policies", Change::InPlace(Impact::None)),
        ("schedules", Change::InPlace(Impact::None)),
    ];
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 2, delete: 1 };
    type Spec = ScalableTargetSpec;
    type Output = ScalableTargetOutput;

    /// A scheduled action sets the bounds themselves (`ScalableTargetAction` in the Application Auto
    /// Scaling API reference): those that one of the schedules gives are right as well, or gave until
    /// now, if one will give others.
    fn is_moved(field: &str, live: &ScalableTargetSpec, wanted: &ScalableTargetSpec) -> bool {
        let (now, of): (u32, fn(&ScalingSchedule) -> Option<u32>) = match field {
            "min" => (live.min, |it| it.min),
            "max" => (live.max, |it| it.max),
            _ => return false,
        };
        let given =
            |spec: &ScalableTargetSpec| spec.schedules.values().any(|it| of(it) == Some(now));
        given(wanted) || (given(live) && wanted.schedules.values().any(|it| of(it).is_some()))
    }

    fn facts(spec: &ScalableTargetSpec) -> Vec<Fact> {
        let ScalableTargetSpec { service, min, max, .. } = spec;
        vec![Fact::Bounds(Bounds { of: Thing::from(service), least: *min, most: *max })]
    }

    fn check(spec: &ScalableTargetSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        let ScalableTargetSpec { service, min, max, policies, schedules } = spec;
        if service.known().is_some() {
            let help = "name one of `service`: a target goes with its service";
            problems.push(Problem::new("service", "the service is not one of this stack", help));
        }
        if min > max {
            let message = format!("at least {min} and at most {max} tasks cannot be");
            let help = format!("expected `{min}` or more");
            problems.push(Problem::new("max", message, help).along(&["min"]));
        }
        if *max > MOST_TASKS {
            let message = format!("a service has at most {MOST_TASKS} tasks, not {max}");
            problems.push(Problem::new("max", message, format!("expected at most `{MOST_TASKS}`")));
        }
        // No load is measured where no task runs (ECS developer guide, service auto scaling).
        let rises = schedules.values().any(|it| it.min.is_some_and(|min| min > 0));
        if *min == 0 && !policies.is_empty() && !rises {
            problems.push(Problem::new(
                "min",
                "from 0 tasks no load brings them back: none is measured",
                "expected `1` or more, or a schedule with a `min` of its own",
            ));
        }
        for (name, policy) in policies {
            problems.extend(policy.problem(&format!("policies.{name}")));
        }
        for (name, time) in schedules {
            problems.extend(time.problems(&format!("schedules.{name}"), *min, *max));
        }
        let names: [(&str, Vec<&String>); 2] =
            [("policies", policies.keys().collect()), ("schedules", schedules.keys().collect())];
        for (field, names) in names {
            let is_wrong = |name: &&&String| name.len() > LONGEST_NAME || name.contains(REFUSED);
            for name in names.iter().filter(is_wrong) {
                let message = format!("`{name}` is no name that AWS takes");
                let help = "expected at most 200 characters without `:`, `/` and `|`";
                problems.push(Problem::new(format!("{field}.{name}"), message, help));
            }
        }
        problems
    }
}

/// What a name of a scheduled action may not have (`PutScheduledAction`).
const REFUSED: [char; 3] = [':', '/', '|'];

/// What we want of a scalable target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScalableTargetSpec {
    /// The service whose tasks there are more or fewer of.
    pub service: Ref<Service>,
    /// The fewest tasks. More are started at once where fewer run.
    pub min: u32,
    /// The most tasks. Those beyond it are stopped at once.
    pub max: u32,
    /// What the number follows, by a name of your choice. Of several the largest number counts.
    #[serde(default)]
    pub policies: BTreeMap<String, ScalingPolicy>,
    /// Other bounds from certain times on, by a name of your choice.
    #[serde(default)]
    pub schedules: BTreeMap<String, ScalingSchedule>,
}

/// A load that is kept where it is by starting and stopping tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScalingPolicy {
    /// What is measured: `cpu`, `memory`, `requests` to a target group, or the `backlog` of a queue.
    pub metric: ScalingMetric,
    /// The value to keep: percent, requests of a task in a minute, or messages that wait for each
    /// task.
    pub target: u32,
    /// Seconds after tasks were started in which no more are because of this.
    #[serde(default = "scale_out_cooldown")]
    pub scale_out_cooldown: u32,
    /// Seconds after tasks were stopped in which no more are.
    #[serde(default = "scale_in_cooldown")]
    pub scale_in_cooldown: u32,
}

/// What a policy measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScalingMetric {
    /// How much of their CPU the tasks use on average.
    Cpu,
    /// How much of their memory the tasks use on average.
    Memory,
    /// How many requests each task of a target group has in a minute.
    Requests(RequestsTo),
    /// How many messages of a queue wait for each task.
    Backlog(Backlog),
}

/// Which requests are counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RequestsTo {
    /// The load balancer they come through.
    pub load_balancer: Ref<LoadBalancer>,
    /// The target group they go to.
    pub target_group: Ref<TargetGroup>,
}

/// Which messages are counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Backlog {
    /// The queue that they wait in.
    pub queue: Ref<Queue>,
}

/// Bounds from a time on, until another schedule gives others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScalingSchedule {
    /// When: `cron(0 8 ? * MON-FRI *)`, `at(2027-01-01T08:00:00)`, `rate(1 day)`.
    pub at: String,
    /// Where clocks say so.
    #[serde(default = "timezone")]
    pub timezone: String,
    /// The fewest tasks from then on; as before when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most tasks from then on; as before when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// What AWS returns for a scalable target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScalableTargetOutput {
    /// What is scaled, `service/CLUSTER/NAME`.
    pub id: String,
    /// The ARN.
    pub arn: String,
}

impl ScalingPolicy {
    /// One that keeps a load where it is, and waits as long between its steps as one does that does
    /// not say how long.
    pub fn keeping(metric: ScalingMetric, target: u32) -> Self {
        let (scale_out_cooldown, scale_in_cooldown) = (scale_out_cooldown(), scale_in_cooldown());
        Self { metric, target, scale_out_cooldown, scale_in_cooldown }
    }

    fn problem(&self, at: &str) -> Option<Problem> {
        let (metric, target) = (&self.metric, self.target);
        let at = format!("{at}.target");
        match metric {
            ScalingMetric::Cpu | ScalingMetric::Memory if !PERCENT.contains(&target) => {
                let message = format!("a load of {{{target}}} is not reached");
                Some(Problem::amounts(at, message, "expected `{1}` to `{100}`"))
            }
            ScalingMetric::Requests(_) if target == 0 => {
                let message = "no request at all would be too many";
                Some(Problem::new(at, message, "expected `1` or more"))
            }
            ScalingMetric::Backlog(_) if target == 0 => {
                let message = "no message at all would be too many";
                Some(Problem::new(at, message, "expected `1` or more"))
            }
            _ => None,
        }
    }
}

impl ScalingSchedule {
    fn problems(&self, at: &str, least: u32, most: u32) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.min.is_none() && self.max.is_none() {
            let message = "it changes neither the fewest nor the most tasks";
            problems.push(Problem::new(at, message, "write `min:`, `max:` or both"));
        }
        let (min, max) = (self.min.unwrap_or(least), self.max.unwrap_or(most));
        if min > max {
            let message = format!("at least {min} and at most {max} tasks cannot be");
            let field = if self.max.is_some() { "max" } else { "min" };
            let help = match field {
                "max" => format!("expected `{min}` or more"),
                _ => format!("expected `{max}` or less, or a `max:` beside it"),
            };
            problems.push(Problem::new(format!("{at}.{field}"), message, help));
        }
        problems.extend(schedule_expression::problem(format!("{at}.at"), &self.at));
        problems
    }
}

/// More tasks soon, where they are missing.
fn scale_out_cooldown() -> u32 {
    60
}

/// AWS's own for ECS (`ScaleInCooldown` in the Application Auto Scaling API reference).
fn scale_in_cooldown() -> u32 {
    300
}

fn timezone() -> String {
    "UTC".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(more: &Value) -> ScalableTargetSpec {
        let mut spec = json!({ "service": { "ref": "service/s" }, "min": 2, "max": 8 });
        let fields = more.as_object().cloned().unwrap_or_default();
        spec.as_object_mut().unwrap().extend(fields);
        serde_json::from_value(spec).unwrap()
    }

    fn problems(more: &Value) -> Vec<String> {
        ScalableTarget::check(&spec(more)).into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn bounds_that_a_schedule_gives_are_right_and_others_are_not() {
        let night = json!({ "at": "cron(0 22 * * ? *)", "min": 0 });
        let wanted = spec(&json!({ "schedules": { "night": night } }));
        let live = |more| spec(&more);
        assert!(ScalableTarget::is_moved("min", &live(json!({ "min": 0 })), &wanted));
        assert!(!ScalableTarget::is_moved("min", &live(json!({ "min": 1 })), &wanted));
        assert!(!ScalableTarget::is_moved("max", &live(json!({ "max": 0 })), &wanted));
        let day = |min: u32| json!({ "schedules": { "day": { "at": "rate(1 day)", "min": min } } });
        let mut noon = day(4);
        noon["min"] = json!(4);
        assert!(
            ScalableTarget::is_moved("min", &live(noon.clone()), &spec(&day(5))),
            "until it is 5"
        );
        assert!(!ScalableTarget::is_moved("min", &live(noon), &spec(&json!({}))), "none gives any");
    }

    #[test]
    fn a_bound_that_a_schedule_gives_no_more_is_a_difference() {
        let kind = deployer_core::KindInfo::of::<ScalableTarget>();
        let day = |time: Value| {
            let spec = spec(&json!({ "schedules": { "day": time } }));
            serde_json::to_value(spec).unwrap()
        };
        let both = day(json!({ "at": "rate(1 day)", "min": 4, "max": 8 }));
        let one = day(json!({ "at": "rate(1 day)", "max": 8 }));
        let paths = |live, wanted| -> Vec<String> {
            kind.compare(live, wanted).into_iter().map(|(difference, _)| difference.path).collect()
        };
        assert_eq!(paths(&both, &one), ["schedules.day.min"]);
        assert_eq!(paths(&one, &both), ["schedules.day.min"]);
        assert_eq!(paths(&one, &one), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_is_said_at_its_place() {
        assert_eq!(problems(&json!({})), Vec::<String>::new());
        assert_eq!(problems(&json!({ "max": 1 })), ["max"]);
        let cpu =
            |target: u32| json!({ "policies": { "cpu": { "metric": "cpu", "target": target } } });
        assert_eq!(problems(&cpu(60)), Vec::<String>::new());
        assert_eq!(problems(&cpu(120)), ["policies.cpu.target"]);
        let backlog = |target: u32| {
            let metric = json!({ "backlog": { "queue": { "ref": "queue/jobs" } } });
            json!({ "policies": { "backlog": { "metric": metric, "target": target } } })
        };
        assert_eq!(problems(&backlog(100)), Vec::<String>::new());
        assert_eq!(problems(&backlog(0)), ["policies.backlog.target"]);
        let mut none = cpu(60);
        none["min"] = json!(0);
        assert_eq!(problems(&none), ["min"]);
        none["schedules"] = json!({ "day": { "at": "cron(0 8 * * ? *)", "min": 1 } });
        assert_eq!(problems(&none), Vec::<String>::new());
        let time = |time: Value| json!({ "schedules": { "day": time } });
        assert_eq!(problems(&time(json!({ "at": "cron(0 8 * * ? *)" }))), ["schedules.day"]);
        assert_eq!(problems(&time(json!({ "at": "at eight", "min": 3 }))), ["schedules.day.at"]);
        let above = json!({ "at": "rate(1 day)", "min": 9 });
        assert_eq!(problems(&time(above)), ["schedules.day.min"]);
    }
}
