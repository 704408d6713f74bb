//! A schedule of EventBridge Scheduler that starts a state machine.

use deployer_core::{Change, Impact, Kind, Naming, Opaque, Problem, Ref, Typical, is_unread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Queue, Role, StateMachine, schedule_expression};

/// The most retries, and for how many seconds AWS can go on trying
/// (`RetryPolicy` in the EventBridge Scheduler API reference).
const MOST_RETRIES: u32 = 185;
const AGES: std::ops::RangeInclusive<u32> = 60..=86_400;

/// The most characters of a time zone's name (`CreateSchedule` in the EventBridge Scheduler API
/// reference).
const LONGEST_TIMEZONE: usize = 50;

/// A schedule, in a group of its own and of the same name, because schedules carry no tags and
/// groups do.
pub struct Schedule;

impl Kind for Schedule {
    const NAME: &'static str = "schedule";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("expression", Change::InPlace(Impact::None)),
        ("timezone", Change::InPlace(Impact::None)),
        ("role", Change::InPlace(Impact::None)),
        ("target", Change::InPlace(Impact::None)),
        ("retries", Change::InPlace(Impact::None)),
        ("maximum-age", Change::InPlace(Impact::None)),
        ("dead-letters", Change::InPlace(Impact::None)),
        ("enabled", Change::InPlace(Impact::None)),
    ];
    // `Name` of `CreateSchedule` and `CreateScheduleGroup` in the EventBridge Scheduler API
    // reference.
    const NAMING: Option<Naming> = Some(Naming::hyphens(64));
    const DELETION: Impact = Impact::None;
    // How long the deletion of a group takes is an assumption.
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 30 };
    type Spec = ScheduleSpec;
    type Output = ScheduleOutput;

    /// A group that has no schedule yet is given it.
    fn change(_field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
        is_unread(live).then_some(Change::InPlace(Impact::None))
    }

    fn check(spec: &ScheduleSpec) -> Vec<Problem> {
        let ScheduleSpec { expression, timezone, retries, maximum_age, .. } = spec;
        let mut problems = Vec::new();
        if let Some(expression) = expression.known() {
            problems.extend(schedule_expression::problem("expression", expression));
        }
        if timezone.is_empty() || timezone.len() > LONGEST_TIMEZONE || timezone.contains(' ') {
            let message = format!("`{timezone}` is not a time zone");
            problems.push(Problem::new(
                "timezone",
                message,
                "expected one such as `Europe/Zagreb`",
            ));
        }
        if *retries > MOST_RETRIES {
            let message = format!("{retries} retries are too many");
            let help = format!("expected at most `{MOST_RETRIES}`");
            problems.push(Problem::new("retries", message, help));
        }
        if !AGES.contains(maximum_age) {
            let message = format!("a maximum age of {{{maximum_age} s}} is out of range");
            let help = format!("expected `{{{}}}` to `{{{}}}`", AGES.start(), AGES.end());
            problems.push(Problem::amounts("maximum-age", message, help));
        }
        problems
    }
}

/// What we want of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScheduleSpec {
    /// When it starts: `cron(30 3 * * ? *)`, `at(2027-01-01T08:00:00)`, `rate(1 hour)`.
    pub expression: Opaque<String>,
    /// The time zone of `expression`, such as `Europe/Zagreb`.
    #[serde(default = "timezone")]
    pub timezone: String,
    /// The role in whose name the state machine is started. It trusts `scheduler.amazonaws.com`;
    /// the conditions can be the `aws:SourceAccount`, and the `aws:SourceArn` of the schedule's
    /// group.
    ///
    /// It allows `states:StartExecution` on the state machine, and `sqs:SendMessage` on the queue
    /// of `dead-letters` (EventBridge Scheduler user guide, "Setting up the execution role").
    pub role: Opaque<Ref<Role>>,
    /// The state machine that is started.
    pub target: Opaque<Ref<StateMachine>>,
    /// How many more times AWS tries when it could not start the state machine. An execution that
    /// has started and fails is not started again.
    #[serde(default = "retries")]
    pub retries: u32,
    /// For how many seconds AWS goes on trying.
    #[serde(default = "maximum_age")]
    pub maximum_age: u32,
    /// The queue that gets a message for what could not be started; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<Ref<Queue>>,
    /// Whether it starts anything.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

/// What AWS returns for a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleOutput {
    /// The ARN of its group.
    pub id: String,
    /// The name of both.
    pub name: String,
}

fn timezone() -> String {
    "UTC".to_owned()
}

/// AWS's own default is 185, which goes on for a day.
fn retries() -> u32 {
    2
}

fn maximum_age() -> u32 {
    3600
}

fn enabled() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_scheduler_would_refuse_is_said_at_its_place() {
        let paths = |more: Value| -> Vec<String> {
            let mut spec = json!({
                "expression": "cron(30 3 * * ? *)",
                "role": { "ref": "role/schedule" },
                "target": { "ref": "state-machine/job" },
            });
            spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let spec = serde_json::from_value(spec).unwrap();
            Schedule::check(&spec).into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths(json!({})), Vec::<String>::new());
        assert_eq!(paths(json!({ "expression": "30 3 * * *" })), ["expression"]);
        assert_eq!(paths(json!({ "timezone": "" })), ["timezone"]);
        assert_eq!(paths(json!({ "retries": 186 })), ["retries"]);
        assert_eq!(paths(json!({ "maximum-age": 59 })), ["maximum-age"]);
    }
}
