//! The `queues` section.

use deployer_core::{Address, Arn, Code, Partition, Ref, Text};
use deployer_kinds::{self as kinds, DeadLetters, QueueEncryption, QueueSpec, Statement};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::service::Access;
use crate::draft::{Draft, Origin};
use crate::later::NotYet;
use crate::node::Node;
use crate::quantities::{DAY, DaysOrNone, Lifetime, Seconds, Size};
use crate::section::{Offer, Output, Permit, Section, Sections};

/// A queue of SQS, with a second one for messages that nobody could handle.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Queue {
    /// How long a message that somebody has received is hidden from others, `0 s` to `12 h`: longer
    /// than handling one takes.
    #[serde(default = "visibility")]
    pub(crate) visibility: Seconds,
    /// How often a message that was not handled is handed out again before it goes to the
    /// dead-letter queue, 0 to 999; 4 when left out.
    pub(crate) retries: Option<u32>,
    /// How long the dead-letter queue keeps what nobody could handle, `1 day` to `14 days`; or
    /// `none` for no such queue, so that messages are handed out again until they are too old.
    #[serde(default = "dead_letters")]
    pub(crate) dead_letters: DaysOrNone,
    /// How long a message is kept that nobody handles: `60 s` to `14 days`.
    #[serde(default = "retention")]
    pub(crate) retention: Lifetime,
    /// How long a message is held back after it was sent, up to `15 min`.
    #[serde(default = "delay")]
    pub(crate) delay: Seconds,
    /// How large a message may be, its attributes included: `1 KiB` to `1 MiB`.
    #[serde(default = "max_size")]
    pub(crate) max_size: Size,
    /// How long a receiver waits for a message where it does not say so itself, up to `20 s`. Each
    /// empty answer costs as much as one with messages.
    #[serde(default = "wait")]
    pub(crate) wait: Seconds,
    /// Whether messages of a group come out in the order they went in, and each once (FIFO). A queue
    /// that changes this is made anew.
    #[serde(default)]
    pub(crate) fifo: bool,
    /// Whether a FIFO queue takes messages of the same text within five minutes for one.
    #[serde(default)]
    pub(crate) content_deduplication: bool,
    /// The ARN of a key of KMS that encrypts messages, `arn:aws:kms:…:key/…`; a key of SQS's own when
    /// left out. Who uses the queue may use the key for it.
    pub(crate) key: Option<String>,
    /// One that exists already.
    pub(crate) existing: Option<NotYet>,
}

/// How often a message is handed out again where nothing is said.
const RETRIES: u32 = 4;

/// How many days SQS keeps messages at most (`MessageRetentionPeriod` of `SetQueueAttributes` in the SQS
/// API reference).
const MOST_DAYS: u32 = 14;

/// What sending takes, and receiving ("Amazon SQS API permissions" in the SQS developer guide).
const SENDING: [&str; 3] = ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"];
const RECEIVING: [&str; 5] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
];

/// The same of the key ("Key management" in the SQS developer guide).
const ENCRYPTING: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];
const DECRYPTING: [&str; 1] = ["kms:Decrypt"];

impl Section for Queue {
    const KEY: &'static str = "queues";
    const ABOUT: &'static str = "Queues (SQS), by name.";
    const IS_USABLE: bool = true;

    fn expand(&self, name: &str, _all: &Sections, draft: &mut Draft) {
        self.check(name, draft);
        let key = self.key.as_deref().filter(|key| is_key(key));
        let encryption = match key {
            Some(key) => QueueEncryption::Key(Text::from(key)),
            None => QueueEncryption::Sqs,
        };
        let path = [Self::KEY, name];
        if self.has_dead_letters() {
            let spec = QueueSpec {
                fifo: self.fifo,
                retention: self.dead_letters.0.min(MOST_DAYS) * DAY,
                encryption: encryption.clone(),
                ..QueueSpec::default()
            };
            let fields = [("fifo", "fifo"), ("retention", "dead-letters"), ("encryption", "key")];
            draft.make::<kinds::Queue>(&dead(name), &spec, Origin::new(&path, &fields));
        }
        let after = self.retries.unwrap_or(RETRIES).saturating_add(1);
        let spec = QueueSpec {
            fifo: self.fifo,
            content_deduplication: self.content_deduplication,
            visibility_timeout: self.visibility.0,
            retention: self.retention.0,
            delay: self.delay.0,
            maximum_size: self.max_size.0,
            receive_wait: self.wait.0,
            encryption,
            dead_letters: self
                .has_dead_letters()
                .then(|| DeadLetters { queue: Ref::named(dead(name)), after }),
            ..QueueSpec::default()
        };
        draft.make::<kinds::Queue>(name, &spec, Origin::new(&path, FIELDS));
    }

    fn offer(&self, name: &str, _all: &Sections) -> Option<Offer> {
        let output = |field| Text::output(Address::new("queue", name), field);
        let mut permits = vec![
            Permit { access: Access::Send, statement: Statement::allow(&SENDING, [output("id")]) },
            Permit {
                access: Access::Receive,
                statement: Statement::allow(&RECEIVING, [output("id")]),
            },
        ];
        if let Some(key) = &self.key {
            let key = Text::from(key.as_str());
            permits.extend([
                Permit {
                    access: Access::Send,
                    statement: Statement::allow(&ENCRYPTING, [key.clone()]),
                },
                Permit { access: Access::Receive, statement: Statement::allow(&DECRYPTING, [key]) },
            ]);
        }
        Some(Offer { environment: vec![("URL", output("url"))], permits, ..Offer::default() })
    }

    fn outputs(name: &str, _body: &Node) -> Vec<Output> {
        let output = |word, field| Output::of(word, "queue", name, field);
        vec![output("url", "url"), output("arn", "id"), output("name", "name")]
    }
}

/// Fields of the queue and the keys they are written as.
const FIELDS: &[(&str, &str)] = &[
    ("fifo", "fifo"),
    ("content-deduplication", "content-deduplication"),
    ("visibility-timeout", "visibility"),
    ("retention", "retention"),
    ("delay", "delay"),
    ("maximum-size", "max-size"),
    ("receive-wait", "wait"),
    ("encryption", "key"),
    ("dead-letters", "dead-letters"),
];

impl Queue {
    /// Whether there is a queue for what nobody could handle.
    pub(crate) fn has_dead_letters(&self) -> bool {
        self.dead_letters.0 > 0
    }

    /// Reports what can be seen here alone.
    fn check(&self, name: &str, draft: &mut Draft) {
        let at = |key| [Self::KEY, name, key];
        match self.retries {
            Some(retries) if !self.has_dead_letters() => {
                let title = format!("nothing becomes of a message after {retries} retries");
                let help = "take out `retries:`, or `dead-letters: none`";
                draft.key_error(
                    Code::BadValue,
                    title,
                    &at("retries"),
                    "there is no dead-letter queue",
                    help,
                );
            }
            // What a queue takes is one more: the first time is no retry.
            Some(retries) if retries > 999 => {
                let title = format!("{retries} retries are too many");
                draft.error(Code::BadValue, title, &at("retries"), "", "expected `0` to `999`");
            }
            _ => {}
        }
        let (dead, kept) = (self.dead_letters.0, self.retention);
        if dead > MOST_DAYS {
            let title = format!("SQS does not keep messages for {}", self.dead_letters);
            let help = format!("expected at most `{MOST_DAYS} days`, or `none`");
            draft.error(Code::BadValue, title, &at("dead-letters"), "", help);
        } else if self.has_dead_letters() && !self.fifo && dead * DAY < kept.0.min(MOST_DAYS * DAY)
        {
            // A message that is moved is as old as it was, but in a queue of FIFO ("Amazon SQS
            // dead-letter queues" in the SQS developer guide).
            let title = "some dead letters would be gone before anybody saw them";
            let label = format!("counted from when they were sent, and messages wait for {kept}");
            let help = "write `dead-letters: 14 days`, or a shorter `retention:`";
            draft.error(Code::BadValue, title, &at("dead-letters"), label, help);
        }
        let Some(key) = self.key.as_ref().filter(|key| !is_key(key)) else { return };
        if key.starts_with("keys/") {
            return draft.not_yet(key, &at("key"));
        }
        let partition = Partition::of(&draft.region).name();
        // An alias in a policy is that of a key, and permits nothing (KMS developer guide,
        // "Specifying KMS keys in IAM policy statements").
        let help = format!("write its own ARN, `arn:{partition}:kms:…:…:key/…`");
        let title = format!("`{key}` is not a key");
        draft.error(Code::BadUse, title, &at("key"), "expected the ARN of a key of KMS", help);
    }
}

/// What the queue is called that what nobody could handle goes to.
pub(crate) fn dead(name: &str) -> String {
    format!("{name}-dead")
}

fn is_key(text: &str) -> bool {
    Arn::read(text).is_some_and(|arn| arn.service == "kms" && arn.resource.starts_with("key/"))
}

/// SQS's own.
fn visibility() -> Seconds {
    Seconds(30)
}

/// As long as SQS keeps messages.
fn dead_letters() -> DaysOrNone {
    DaysOrNone(MOST_DAYS)
}

/// SQS's own.
fn retention() -> Lifetime {
    Lifetime(4 * DAY)
}

fn delay() -> Seconds {
    Seconds(0)
}

/// The most that SQS takes.
fn max_size() -> Size {
    Size(1024 * 1024)
}

/// The longest that SQS lets receivers wait.
fn wait() -> Seconds {
    Seconds(20)
}
