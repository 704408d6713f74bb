//! A queue of SQS.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use deployer_core::{Change, Impact, Kind, Naming, Notice, Problem, Ref, Text, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `SetQueueAttributes` takes (SQS API reference): seconds that a received message is hidden,
/// that one is kept, that a new one is held back, and that a receiver waits; bytes of a message.
const VISIBILITIES: RangeInclusive<u32> = 0..=43_200;
const RETENTIONS: RangeInclusive<u32> = 60..=1_209_600;
const DELAYS: RangeInclusive<u32> = 0..=900;
const WAITS: RangeInclusive<u32> = 0..=20;
const SIZES: RangeInclusive<u32> = 1024..=1_048_576;

/// How often a message can be received before it goes to the dead-letter queue ("Amazon SQS dead-letter
/// queues" in the SQS developer guide).
const RECEIPTS: RangeInclusive<u32> = 1..=1000;

/// The most queues that a dead-letter queue can name (`RedriveAllowPolicy` of `SetQueueAttributes` in
/// the SQS API reference).
const MOST_SOURCES: usize = 10;

/// A queue. That of FIFO has a name of its own form, which ends in `.fifo`.
pub struct Queue;

impl Kind for Queue {
    const NAME: &'static str = "queue";
    const CHANGES: &'static [(&'static str, Change)] = &[
        // `FifoQueue` is given when a queue is made, and never again (`SetQueueAttributes`).
        ("fifo", Change::Replace(Impact::DataLoss)),
        ("content-deduplication", Change::InPlace(Impact::None)),
        ("visibility-timeout", Change::InPlace(Impact::None)),
        ("retention", Change::InPlace(Impact::None)),
        ("delay", Change::InPlace(Impact::None)),
        ("maximum-size", Change::InPlace(Impact::None)),
        ("receive-wait", Change::InPlace(Impact::None)),
        ("encryption", Change::InPlace(Impact::None)),
        ("dead-letters", Change::InPlace(Impact::None)),
        ("redrive-allow", Change::InPlace(Impact::None)),
    ];
    // `QueueName` of `CreateQueue` in the SQS API reference: 80, `.fifo` included.
    const NAMING: Option<Naming> = Some(Naming::hyphens(75));
    // Its messages go with it.
    const DELETION: Impact = Impact::DataLoss;
    // One is usable after a second, and gone after a minute at most (`CreateQueue` and
    // `DeleteQueue` in the SQS API reference).
    const TYPICAL: Typical = Typical { create: 2, update: 2, delete: 2 };
    type Spec = QueueSpec;
    type Output = QueueOutput;

    /// Its state is what is in it.
    fn lost(_live: &QueueSpec, state: &str) -> Option<String> {
        (!state.is_empty()).then(|| format!("{state} in it, as SQS counted at last"))
    }

    /// What is shorter or smaller takes something away; a key of KMS is also needed by who sends and
    /// who receives ("Key management" in the SQS developer guide).
    fn notices(live: &QueueSpec, wanted: &QueueSpec) -> Vec<Notice> {
        let mut notices = Vec::new();
        if wanted.retention < live.retention {
            let because = format!("messages older than {} s are deleted", wanted.retention);
            notices.push(Notice::new(Impact::DataLoss, because));
        }
        if wanted.maximum_size < live.maximum_size {
            let because =
                format!("messages of more than {} bytes are refused", wanted.maximum_size);
            notices.push(Notice::new(Impact::Outage, because));
        }
        if wanted.encryption != live.encryption
            && matches!(wanted.encryption, QueueEncryption::Key(_))
        {
            let because = "who may not use the key can neither send nor receive";
            notices.push(Notice::new(Impact::Outage, because));
        }
        notices
    }

    fn check(spec: &QueueSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (field, what, amount, unit, range) in [
            (
                "visibility-timeout",
                "a visibility timeout",
                spec.visibility_timeout,
                "s",
                VISIBILITIES,
            ),
            ("retention", "a retention", spec.retention, "s", RETENTIONS),
            ("delay", "a delay", spec.delay, "s", DELAYS),
            ("maximum-size", "a size", spec.maximum_size, "bytes", SIZES),
            ("receive-wait", "a wait", spec.receive_wait, "s", WAITS),
        ] {
            if !range.contains(&amount) {
                let message = format!("{what} of {{{amount} {unit}}} is out of range");
                let help = format!("expected `{{{}}}` to `{{{}}}`", range.start(), range.end());
                problems.push(Problem::amounts(field, message, help));
            }
        }
        if let Some(after) =
            spec.dead_letters.as_ref().map(|it| it.after).filter(|it| !RECEIPTS.contains(it))
        {
            let message = format!("{after} is out of range");
            let help = format!("expected `{}` to `{}`", RECEIPTS.start(), RECEIPTS.end());
            problems.push(Problem::new("dead-letters.after", message, help));
        }
        if spec.content_deduplication && !spec.fifo {
            let message = "only a FIFO queue leaves out what was sent twice";
            let problem = Problem::new("content-deduplication", message, "write `fifo: true` too");
            problems.push(problem.along(&["fifo"]));
        }
        if let RedriveAllow::Queues(queues) = &spec.redrive_allow
            && !(1..=MOST_SOURCES).contains(&queues.len())
        {
            let message = format!("{} queues are too few or too many", queues.len());
            let help = format!("name 1 to {MOST_SOURCES}, or write `all` or `none`");
            problems.push(Problem::new("redrive-allow.queues", message, help));
        }
        problems
    }
}

/// What we want of a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct QueueSpec {
    /// Whether messages of a group come out in the order they went in, and each once (FIFO). A queue
    /// never changes that: another one takes its place.
    #[serde(default)]
    pub fifo: bool,
    /// Whether a FIFO queue takes messages of the same text within five minutes for the same one.
    #[serde(default)]
    pub content_deduplication: bool,
    /// For how many seconds a message that somebody has received is hidden from others.
    #[serde(default = "visibility_timeout")]
    pub visibility_timeout: u32,
    /// For how many seconds a message is kept that nobody deletes.
    #[serde(default = "retention")]
    pub retention: u32,
    /// For how many seconds a message is hidden after it was sent.
    #[serde(default)]
    pub delay: u32,
    /// How many bytes a message may have, its attributes included.
    #[serde(default = "maximum_size")]
    pub maximum_size: u32,
    /// For how many seconds a receiver waits that finds no message and does not say how long.
    #[serde(default)]
    pub receive_wait: u32,
    /// What encrypts messages while they are kept: `sqs`, a key of SQS's own; `none`; or a key of
    /// KMS, `{ key: "arn:…" }`, by its ARN, its ID or an alias.
    #[serde(default)]
    pub encryption: QueueEncryption,
    /// The dead-letter queue, for messages that nobody could handle; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<DeadLetters>,
    /// Whose dead letters it takes: `all`, those of any queue in the account and region that names
    /// it; `none`; or `{ queues: ["arn:…"] }`.
    #[serde(default)]
    pub redrive_allow: RedriveAllow,
}

impl Default for QueueSpec {
    /// As SQS makes one that nothing is said of.
    fn default() -> Self {
        Self {
            fifo: false,
            content_deduplication: false,
            visibility_timeout: visibility_timeout(),
            retention: retention(),
            delay: 0,
            maximum_size: maximum_size(),
            receive_wait: 0,
            encryption: QueueEncryption::default(),
            dead_letters: None,
            redrive_allow: RedriveAllow::default(),
        }
    }
}

/// What encrypts messages while they are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueueEncryption {
    /// A key of SQS's own (SSE-SQS).
    #[default]
    Sqs,
    /// Nothing.
    None,
    /// A key of KMS (SSE-KMS).
    Key(Text),
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

/// Whose dead letters a queue takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedriveAllow {
    /// Those of any queue that names it.
    #[default]
    All,
    /// Those of none.
    None,
    /// Those of these queues.
    Queues(BTreeSet<Ref<Queue>>),
}

/// What AWS returns for a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueOutput {
    /// The ARN.
    pub id: String,
    /// The URL by which programs send and receive.
    pub url: String,
    /// The name; that of a FIFO queue ends in `.fifo`.
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

/// 1 MiB: SQS's own, as in `CreateQueue` in its API reference.
fn maximum_size() -> u32 {
    1_048_576
}

#[cfg(test)]
mod tests {
    use deployer_core::KindInfo;
    use serde_json::{Value, json};

    use super::*;

    fn spec(spec: Value) -> QueueSpec {
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn what_sqs_would_refuse_is_said_at_its_place() {
        let paths = |wanted: Value| -> Vec<String> {
            Queue::check(&spec(wanted)).into_iter().map(|it| it.path).collect()
        };
        assert_eq!(paths(json!({})), Vec::<String>::new());
        for (field, amount) in [
            ("visibility-timeout", 43_201),
            ("retention", 59),
            ("delay", 901),
            ("maximum-size", 1023),
            ("receive-wait", 21),
        ] {
            assert_eq!(paths(json!({ field: amount })), [field]);
        }
        let dead = json!({ "dead-letters": { "queue": { "ref": "queue/dead" }, "after": 0 } });
        assert_eq!(paths(dead), ["dead-letters.after"]);
        assert_eq!(paths(json!({ "content-deduplication": true })), ["content-deduplication"]);
        let nobody = json!({ "redrive-allow": { "queues": [] } });
        assert_eq!(paths(nobody), ["redrive-allow.queues"]);
    }

    #[test]
    fn what_takes_something_away_is_said_and_what_gives_is_not() {
        let noticed = |live: Value, wanted: Value| -> Vec<Impact> {
            Queue::notices(&spec(live), &spec(wanted)).into_iter().map(|it| it.impact).collect()
        };
        let short = json!({ "retention": 60, "maximum-size": 1024 });
        assert_eq!(noticed(json!({}), short.clone()), [Impact::DataLoss, Impact::Outage]);
        assert_eq!(noticed(short, json!({})), []);
        let key = json!({ "encryption": { "key": "alias/queues" } });
        assert_eq!(noticed(json!({}), key.clone()), [Impact::Outage]);
        assert_eq!(noticed(key.clone(), key.clone()), []);
        assert_eq!(noticed(key, json!({})), []);
    }

    #[test]
    fn messages_that_go_with_it_are_counted() {
        let lost = |state| Queue::lost(&QueueSpec::default(), state);
        assert_eq!(lost("12 messages").unwrap(), "12 messages in it, as SQS counted at last");
        assert_eq!(lost(""), None);
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

    #[test]
    fn what_is_left_out_is_as_sqs_has_it() {
        assert_eq!(spec(json!({})), QueueSpec::default());
    }
}
