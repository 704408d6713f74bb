//! An alarm of CloudWatch over other alarms.

use std::collections::BTreeSet;

use deployer_core::{Change, Impact, Kind, Naming, Opaque, Problem, Ref, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Alarm, Topic};

/// A composite alarm.
pub struct CompositeAlarm;

impl Kind for CompositeAlarm {
    const NAME: &'static str = "composite-alarm";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("rule", Change::InPlace(Impact::None)),
        ("description", Change::InPlace(Impact::None)),
        ("topics", Change::InPlace(Impact::None)),
    ];
    // `AlarmName` in the CloudWatch API reference. An alarm of the other kind may have the name that
    // this one has in the stack, also on its way out.
    const NAMING: Option<Naming> =
        Some(Naming::hyphens(255).ending("-composite").among(Alarm::NAME));
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = CompositeAlarmSpec;
    type Output = CompositeAlarmOutput;

    /// Any one of one alarm is all of it.
    fn is_moved(field: &str, live: &CompositeAlarmSpec, wanted: &CompositeAlarmSpec) -> bool {
        let (Some(live), Some(wanted)) = (live.rule.known(), wanted.rule.known()) else {
            return false;
        };
        field == "rule" && live.alarms().len() == 1 && live.alarms() == wanted.alarms()
    }

    /// What AWS takes is in the CloudWatch API reference (`PutCompositeAlarm`).
    fn check(spec: &CompositeAlarmSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(rule) = spec.rule.known() {
            let path = format!("rule.{}", rule.word());
            match rule.alarms().len() {
                0 => {
                    let message = "a composite alarm needs alarms to depend on";
                    problems.push(Problem::new(path, message, "name one or more"));
                }
                1..=100 => {}
                many => {
                    let message = format!("{many} alarms are too many for a composite alarm");
                    problems.push(Problem::new(path, message, "expected at most 100"));
                }
            }
        }
        if spec.description.chars().count() > 1024 {
            let message = "it is too long for the description of an alarm";
            problems.push(Problem::new("description", message, "expected at most 1024 characters"));
        }
        if spec.topics.len() > 5 {
            let message = format!("{} topics are too many for an alarm", spec.topics.len());
            problems.push(Problem::new("topics", message, "expected at most 5"));
        }
        problems
    }
}

/// What we want of a composite alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CompositeAlarmSpec {
    /// When it goes off.
    pub rule: Opaque<CompositeRule>,
    /// What it is for, as whoever hears of it reads.
    #[serde(default)]
    pub description: String,
    /// The topics that hear when it goes off, and when it is over.
    #[serde(default)]
    pub topics: BTreeSet<Ref<Topic>>,
}

/// When a composite alarm goes off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CompositeRule {
    /// When one of these alarms has gone off, or more of them.
    AnyOf(BTreeSet<Ref<Alarm>>),
    /// When all of these alarms have gone off.
    AllOf(BTreeSet<Ref<Alarm>>),
}

impl CompositeRule {
    /// The alarms that it depends on.
    pub fn alarms(&self) -> &BTreeSet<Ref<Alarm>> {
        match self {
            Self::AnyOf(alarms) | Self::AllOf(alarms) => alarms,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::AnyOf(_) => "any-of",
            Self::AllOf(_) => "all-of",
        }
    }
}

/// What AWS returns for a composite alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CompositeAlarmOutput {
    /// The name.
    pub id: String,
    /// The ARN.
    pub arn: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(rule: &Value) -> CompositeAlarmSpec {
        serde_json::from_value(json!({ "rule": rule })).unwrap()
    }

    #[test]
    fn it_depends_on_as_many_alarms_as_cloudwatch_takes() {
        let paths = |many: usize| -> Vec<String> {
            let names: Vec<String> = (0..many).map(|number| format!("a{number}")).collect();
            let problems = CompositeAlarm::check(&spec(&json!({ "all-of": names })));
            problems.into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths(0), ["rule.all-of"]);
        assert_eq!(paths(100), Vec::<String>::new());
        assert_eq!(paths(101), ["rule.all-of"]);
    }

    #[test]
    fn of_one_alarm_any_and_all_are_the_same() {
        let is_moved = |live: Value, wanted: Value| {
            CompositeAlarm::is_moved("rule", &spec(&live), &spec(&wanted))
        };
        assert!(is_moved(json!({ "any-of": ["a"] }), json!({ "all-of": ["a"] })));
        assert!(!is_moved(json!({ "any-of": ["a"] }), json!({ "all-of": ["b"] })));
        assert!(!is_moved(json!({ "any-of": ["a", "b"] }), json!({ "all-of": ["a", "b"] })));
    }
}
