//! A queue of SQS.

use deployer_core::{Change, Impact, Kind, Naming, Problem, Ref, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest visibility timeout, in seconds (`SetQueueAttributes` in the SQS API
/// reference).
const LONGEST_HIDDEN: u32 = 43_200;

/// How long messages can be kept, in seconds (the same).
const RETENTIONS: std::ops::RangeInclusive<u32> = 60..=1_209_600;

/// How often a message can be received before it goes to the dead-letter queue ("Amazon SQS dead-letter
/// queues" in the SQS developer guide).
const RECEIPTS: std::ops::RangeInclusive<u32> = 1..=1000;

/// A standard queue, encrypted with a key of SQS, as every queue is unless somebody says otherwise
/// (SQS developer guide, "Encryption at rest").
pub struct Queue;

impl Kind for Queue {
    const NAME: &'static str = "queue";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("visibility-timeout", Change::InPlace(Impact::None)),
        ("retention", Change::InPlace(Impact::None)),
        ("dead-letters", Change::InPlace(Impact::None)),
    ];
    // `QueueName` of `CreateQueue` in the SQS API reference.
    const NAMING: Option<Naming> = Some(Naming::hyphens(80));
    // Its messages go with it.
    const DELETION: Impact = Impact::DataLoss;
    // One is usable after a second, and gone after a minute at most (`CreateQueue` and
    // `DeleteQueue` in the SQS API reference).
    const TYPICAL: Typical = Typical { create: 2, update: 2, delete: 2 };
    type Spec = QueueSpec;
    type Output = QueueOutput;

    /// Messages that are older than a shorter retention are deleted (`SetQueueAttributes` in the SQS
    /// API reference).
    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        let is_shorter = field == "retention" && wanted.as_u64()? < live.as_u64()?;
        is_shorter.then_some(Change::InPlace(Impact::DataLoss))
    }

    fn check(spec: &QueueSpec) -> Vec<Problem> {
        let QueueSpec { visibility_timeout, retention, dead_letters } = spec;
        let mut problems = Vec::new();
        if *visibility_timeout > LONGEST_HIDDEN {
            let message = format!("a visibility timeout of {{{visibility_timeout} s}} is too long");
            let help = format!("expected at most `{{{LONGEST_HIDDEN}}}`");
            problems.push(Problem::amounts("visibility-timeout", message, help));
        }
        if !RETENTIONS.contains(retention) {
            let message = format!("a retention of {{{retention} s}} is out of range");
            let help =
                format!("expected `{{{}}}` to `{{{}}}`", RETENTIONS.start(), RETENTIONS.end());
            problems.push(Problem::amounts("retention", message, help));
        }
        if let Some(after) =
            dead_letters.as_ref().map(|it| it.after).filter(|it| !RECEIPTS.contains(it))
        {
            let message = format!("{after} is out of range");
            let help = format!("expected `{}` to `{}`", RECEIPTS.start(), RECEIPTS.end());
            problems.push(Problem::new("dead-letters.after", message, help));
        }
        problems
    }
}

/// What we want of a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct QueueSpec {
    /// For how many seconds a message that somebody has received is hidden from others.
    #[serde(default = "visibility_timeout")]
    pub visibility_timeout: u32,
    /// For how many seconds a message is kept that nobody deletes.
    #[serde(default = "retention")]
    pub retention: u32,
    /// The dead-letter queue, for messages that nobody could handle; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<DeadLetters>,
}

/// A dead-letter queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeadLetters {
    /// The queue that the messages go to.
    pub queue: Ref<Queue>,
    /// How often a message is received before it goes there.
    pub after: u32,
}

/// What AWS returns for a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueOutput {
    /// The ARN.
    pub id: String,
    /// The URL by which programs send and receive.
    pub url: String,
    /// The name.
    pub name: String,
}

/// SQS's own, as in `CreateQueue` in its API reference.
fn visibility_timeout() -> u32 {
    30
}

/// Four days: SQS's own, as in `CreateQueue` in its API reference.
fn retention() -> u32 {
    345_600
}

#[cfg(test)]
mod tests {
    use deployer_core::KindInfo;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_sqs_would_refuse_is_said_at_its_place() {
        let paths = |spec: Value| -> Vec<String> {
            let spec = serde_json::from_value(spec).unwrap();
            Queue::check(&spec).into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths(json!({})), Vec::<String>::new());
        assert_eq!(paths(json!({ "visibility-timeout": 43_201 })), ["visibility-timeout"]);
        assert_eq!(paths(json!({ "retention": 59 })), ["retention"]);
        let dead = json!({ "dead-letters": { "queue": { "ref": "queue/dead" }, "after": 0 } });
        assert_eq!(paths(dead), ["dead-letters.after"]);
    }

    #[test]
    fn messages_that_would_be_kept_less_long_may_be_lost() {
        let change =
            |live: u32, wanted: u32| Queue::change("retention", &json!(live), &json!(wanted));
        assert_eq!(change(345_600, 60), Some(Change::InPlace(Impact::DataLoss)));
        assert_eq!(change(60, 345_600), None);
    }

    #[test]
    fn dead_letters_that_are_left_out_are_taken_off() {
        let dead = json!({ "queue": { "id": "arn:aws:sqs:eu-west-1:1:dead" }, "after": 3 });
        let spec = |spec: Value| KindInfo::of::<Queue>().normalize(spec).unwrap();
        let (with, without) = (spec(json!({ "dead-letters": dead })), spec(json!({})));
        let differences = |live, wanted| KindInfo::of::<Queue>().compare(live, wanted).len();
        assert_eq!(differences(&with, &without), 1);
        assert_eq!(differences(&without, &with), 1);
        assert_eq!(differences(&without, &without), 0);
    }
}
