//! Queues of SQS: `CreateQueue`, `ListQueues`, `GetQueueAttributes`, `SetQueueAttributes`,
//! `DeleteQueue`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::types::QueueAttributeName as Name;
use deployer_core::{Partition, Phase, Ref, Scope, Text};
use deployer_engine::{Context, Found, Progress, Resource, Result, Rival, Survey};
use deployer_kinds::{DeadLetters, Queue, QueueEncryption, QueueOutput, QueueSpec, RedriveAllow};
use serde_json::{Value, json};

use crate::Aws;
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Owned, prefix, readable};
use crate::send::unless_gone;
use crate::sqs::{self, Attributes, attributes, named, tagged};

const CREATE: &str = "create the queue";

/// The most queues of a page. There are pages only where it is said (`ListQueues` in the SQS API
/// reference).
const A_PAGE: i32 = 1000;

/// What the name of a FIFO queue ends in (`QueueName` of `CreateQueue` in the SQS API reference).
const FIFO: &str = ".fifo";

impl Resource<Aws> for Queue {
    /// What was made or changed shows within a minute (`SetQueueAttributes` in the SQS API
    /// reference).
    const SHOWN_LATE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let (aws, scope) = (survey.cloud, survey.scope);
        let index = survey.shared.get::<TagIndex>();
        // Most environments have none, and then nobody need ask.
        if index.all_of::<Self>(survey, ("sqs", ""), |_| false).await.is_some() {
            return Ok(Vec::new());
        }
        let mut urls = BTreeMap::new();
        for url in beginning(aws, &prefix(scope)).await? {
            urls.insert(arn(aws, named(&url)).await?, url);
        }
        let ask = |arns| one_by_one(aws, arns, sqs::tags);
        let tags = index.of(survey, urls.keys().cloned().collect(), ask).await?;
        let mut all = Vec::new();
        for (arn, url) in urls {
            let owned =
                tags.get(&arn).and_then(|it| Owned::named::<Self>(scope, Some(plain(&arn)), it));
            let Some(owned) = owned else { continue };
            // One that was deleted is listed for a minute or two (aws-sdk-net#2127).
            let Some(attributes) = unless_gone(attributes(aws, &url).await)? else { continue };
            all.extend(readable(
                survey,
                &owned,
                Some(&arn),
                found(&owned, &arn, &url, &attributes),
            ));
        }
        all.into_iter().collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let (aws, name) = (survey.cloud, named(id));
        let Some(url) = sqs::url(aws, name).await? else { return Ok(None) };
        let Some(attributes) = unless_gone(attributes(aws, &url).await)? else { return Ok(None) };
        let Some(tags) = sqs::tags_at(aws, &url).await? else { return Ok(None) };
        let owned = Owned::read::<Self>(survey.scope, Some(plain(name)), &tags);
        found(&owned, &arn(aws, name).await?, &url, &attributes).map(Some)
    }

    async fn rival(
        survey: &Survey<'_, Aws>,
        name: &str,
        spec: &QueueSpec,
    ) -> Result<Option<Rival<Self>>> {
        let name = whole(name, spec);
        let found = Self::read(survey, &name).await?;
        Ok(found.map(|found| Rival::namesake(found, &name)))
    }

    fn misnamed(scope: &Scope, output: &QueueOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.name.starts_with(prefix))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &QueueSpec) -> Result<QueueOutput> {
        let name = &whole(&cx.identity.name, spec);
        let id = arn(cx.cloud, name).await?;
        // CreateQueue hands back one of that name whosever it is, if it has the same attributes.
        let there = match sqs::url(cx.cloud, name).await? {
            Some(url) => sqs::tags_at(cx.cloud, &url).await?.map(|tags| (url, tags)),
            None => None,
        };
        let url = match there {
            Some((_, tags))
                if !ownership::is_this::<Self>(cx, &id, Some(plain(name)), Some(&tags)) =>
            {
                return Err(ownership::taken(cx, sqs::CREATE_QUEUE.attempted(CREATE), &id));
            }
            Some((url, _)) => {
                sqs::remember(cx, &url).await?;
                let mut attributes = attributes_of(spec);
                attributes.retain(|_, value| !value.is_empty());
                set(cx.cloud, &url, attributes).await?;
                url
            }
            None => {
                let request = cx
                    .cloud
                    .sqs
                    .create_queue()
                    .queue_name(name)
                    .set_attributes(Some(given(spec)))
                    .set_tags(Some(tagged(cx.identity)));
                let made =
                    cx.cloud.send(&sqs::CREATE_QUEUE, CREATE, || request.clone().send()).await?;
                made.queue_url.required("the URL of the queue")?
            }
        };
        Ok(QueueOutput { id, url, name: name.clone() })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &QueueSpec,
    ) -> Result<QueueOutput> {
        let there = attributes_of(&live.spec);
        let mut attributes = attributes_of(spec);
        // An empty one takes away what is there.
        let has = |name: &Name| there.get(name).is_some_and(|value| !value.is_empty());
        attributes.retain(|name, value| !value.is_empty() || has(name));
        set(cx.cloud, &live.output.url, attributes).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &QueueOutput) -> Result<()> {
        sqs::remember(cx, &output.url).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.sqs.delete_queue().queue_url(&live.output.url);
        cx.cloud.send(&sqs::DELETE_QUEUE, "delete the queue", || request.clone().send()).await?;
        Ok(Vec::new())
    }

    async fn gone(cx: &Context<'_, Aws>, output: &QueueOutput) -> Result<Progress<()>> {
        Ok(match sqs::url(cx.cloud, &output.name).await? {
            Some(_) => Progress::Waiting("not deleted yet".to_owned()),
            None => Progress::Done(()),
        })
    }
}

fn found(owned: &Owned, arn: &str, url: &str, attributes: &Attributes) -> Result<Found<Queue>> {
    let has = |name: &Name| attributes.get(name).filter(|text| !text.is_empty());
    let is = |name: &Name| attributes.get(name).is_some_and(|text| text == "true");
    let number = |name: &Name, what: &str| {
        let number = attributes.get(name).and_then(|text| text.parse().ok());
        number.required(what)
    };
    let redrive = has(&Name::RedrivePolicy).map(|text| dead_letters(text));
    // What a stack cannot say stays as it is: a change names the attributes that it sets.
    let mut foreign = Vec::new();
    if has(&Name::Policy).is_some() {
        foreign.push("a policy of the queue".to_owned());
    }
    if has(&Name::FifoThroughputLimit).is_some_and(|it| it == "perMessageGroupId") {
        foreign.push("high throughput of FIFO".to_owned());
    }
    Ok(Found {
        badge: owned.badge(),
        spec: QueueSpec {
            fifo: is(&Name::FifoQueue),
            content_deduplication: is(&Name::ContentBasedDeduplication),
            visibility_timeout: number(
                &Name::VisibilityTimeout,
                "the visibility timeout of a queue",
            )?,
            retention: number(&Name::MessageRetentionPeriod, "the retention of a queue")?,
            delay: number(&Name::DelaySeconds, "the delay of a queue")?,
            maximum_size: number(&Name::MaximumMessageSize, "the size of a queue's messages")?,
            receive_wait: number(
                &Name::ReceiveMessageWaitTimeSeconds,
                "how long receivers of a queue wait",
            )?,
            encryption: match has(&Name::KmsMasterKeyId) {
                Some(key) => QueueEncryption::Key(Text::from(key.as_str())),
                None if has(&Name::SqsManagedSseEnabled).is_some_and(|it| it == "false") => {
                    QueueEncryption::None
                }
                None => QueueEncryption::Sqs,
            },
            dead_letters: redrive
                .map(|redrive| redrive.required("the dead letters of a queue"))
                .transpose()?,
            redrive_allow: match has(&Name::RedriveAllowPolicy) {
                Some(text) => redrive_allow(text).required("whose dead letters a queue takes")?,
                None => RedriveAllow::All,
            },
        },
        output: QueueOutput {
            id: arn.to_owned(),
            url: url.to_owned(),
            name: named(arn).to_owned(),
        },
        phase: Phase::Ready,
        state: content(attributes),
        foreign,
    })
}

/// What is in a queue, in words; empty where nothing is. Some are hidden since somebody has received
/// them, or because they are not to be received yet.
fn content(attributes: &Attributes) -> String {
    let number = |name: &Name| attributes.get(name).and_then(|text| text.parse::<u64>().ok());
    let counts = [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ];
    match counts.iter().filter_map(number).sum() {
        0 => String::new(),
        1 => "1 message".to_owned(),
        many => format!("{many} messages"),
    }
}

/// What a redrive policy says. Its number may be a text (SQS API reference, `SetQueueAttributes`).
fn dead_letters(text: &str) -> Option<DeadLetters> {
    let policy: Value = serde_json::from_str(text).ok()?;
    let after = &policy["maxReceiveCount"];
    let after = after.as_u64().or_else(|| after.as_str()?.parse().ok())?;
    Some(DeadLetters {
        queue: Ref::physical(policy["deadLetterTargetArn"].as_str()?),
        after: u32::try_from(after).ok()?,
    })
}

/// What a redrive allow policy says (`SetQueueAttributes` in the SQS API reference).
fn redrive_allow(text: &str) -> Option<RedriveAllow> {
    let policy: Value = serde_json::from_str(text).ok()?;
    Some(match policy["redrivePermission"].as_str()? {
        "allowAll" => RedriveAllow::All,
        "denyAll" => RedriveAllow::None,
        "byQueue" => {
            let queues = policy["sourceQueueArns"].as_array()?.iter();
            let queues = queues.map(|it| it.as_str().map(Ref::physical));
            RedriveAllow::Queues(queues.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// The attributes that a new queue is given: what SQS does by itself is left out, since it refuses
/// some of that for one of the other type.
fn given(spec: &QueueSpec) -> Attributes {
    let mut attributes = attributes_of(spec);
    attributes.retain(|_, value| !value.is_empty());
    if spec.redrive_allow == RedriveAllow::All {
        attributes.remove(&Name::RedriveAllowPolicy);
    }
    if spec.fifo {
        attributes.insert(Name::FifoQueue, "true".to_owned());
    }
    attributes
}

/// The attributes that a spec stands for, of a queue that is there; empty where it has none. A queue
/// has one encryption at most: that of KMS turns the other off by itself, and that this one may be
/// turned on in the call that takes the key away is an assumption.
fn attributes_of(spec: &QueueSpec) -> Attributes {
    let redrive = spec.dead_letters.as_ref().map(|DeadLetters { queue, after }| {
        json!({ "deadLetterTargetArn": queue.id(), "maxReceiveCount": after }).to_string()
    });
    let allow = match &spec.redrive_allow {
        RedriveAllow::All => json!({ "redrivePermission": "allowAll" }),
        RedriveAllow::None => json!({ "redrivePermission": "denyAll" }),
        RedriveAllow::Queues(queues) => {
            let queues: Vec<&str> = queues.iter().map(Ref::id).collect();
            json!({ "redrivePermission": "byQueue", "sourceQueueArns": queues })
        }
    };
    let mut attributes = HashMap::from([
        (Name::VisibilityTimeout, spec.visibility_timeout.to_string()),
        (Name::MessageRetentionPeriod, spec.retention.to_string()),
        (Name::DelaySeconds, spec.delay.to_string()),
        (Name::MaximumMessageSize, spec.maximum_size.to_string()),
        (Name::ReceiveMessageWaitTimeSeconds, spec.receive_wait.to_string()),
        (Name::RedrivePolicy, redrive.unwrap_or_default()),
        (Name::RedriveAllowPolicy, allow.to_string()),
    ]);
    if spec.fifo {
        let deduplication = spec.content_deduplication.to_string();
        attributes.insert(Name::ContentBasedDeduplication, deduplication);
    }
    let (key, by_sqs) = match &spec.encryption {
        QueueEncryption::Key(key) => (key.resolved(), None),
        QueueEncryption::Sqs => ("", Some("true")),
        QueueEncryption::None => ("", Some("false")),
    };
    attributes.insert(Name::KmsMasterKeyId, key.to_owned());
    attributes.extend(by_sqs.map(|it| (Name::SqsManagedSseEnabled, it.to_owned())));
    attributes
}

async fn set(aws: &Aws, url: &str, attributes: Attributes) -> Result<()> {
    let request = aws.sqs.set_queue_attributes().queue_url(url).set_attributes(Some(attributes));
    aws.send(&sqs::SET_QUEUE_ATTRIBUTES, "change the queue", || request.clone().send()).await?;
    Ok(())
}

/// The ARN of the queue of a name (SQS developer guide, "Queue and message identifiers").
async fn arn(aws: &Aws, name: &str) -> Result<String> {
    let (partition, region) = (Partition::of(&aws.region).name(), &aws.region);
    Ok(format!("arn:{partition}:sqs:{region}:{}:{name}", aws.account().await?))
}

/// The name in AWS of a queue that is to be called so.
fn whole(name: &str, spec: &QueueSpec) -> String {
    if spec.fifo { format!("{name}{FIFO}") } else { name.to_owned() }
}

/// What a queue was called before AWS's ending, by its ARN or its name.
fn plain(id: &str) -> &str {
    let name = named(id);
    name.strip_suffix(FIFO).unwrap_or(name)
}

/// The URLs of the queues whose names begin so.
async fn beginning(aws: &Aws, prefix: &str) -> Result<Vec<String>> {
    let request = aws.sqs.list_queues().queue_name_prefix(prefix).max_results(A_PAGE);
    let pages = aws
        .pages(
            &sqs::LIST_QUEUES,
            "find the queues",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.queue_urls.unwrap_or_default()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_are_read_whether_their_number_is_one_or_a_text() {
        let queue = "arn:aws:sqs:eu-west-1:111122223333:dead";
        for after in [json!(3), json!("3")] {
            let policy = json!({ "deadLetterTargetArn": queue, "maxReceiveCount": after });
            let expected = DeadLetters { queue: Ref::physical(queue), after: 3 };
            assert_eq!(dead_letters(&policy.to_string()), Some(expected));
        }
        assert_eq!(dead_letters("{}"), None);
    }

    #[test]
    fn whose_dead_letters_it_takes_reads_back() {
        let queues =
            ["a", "b"].map(|name| Ref::physical(format!("arn:aws:sqs:eu-west-1:1:{name}")));
        for redrive_allow in
            [RedriveAllow::All, RedriveAllow::None, RedriveAllow::Queues(queues.into())]
        {
            let spec = QueueSpec { redrive_allow: redrive_allow.clone(), ..QueueSpec::default() };
            let text = &attributes_of(&spec)[&Name::RedriveAllowPolicy];
            assert_eq!(super::redrive_allow(text), Some(redrive_allow));
        }
        assert_eq!(redrive_allow(r#"{"redrivePermission":"byMoon"}"#), None);
    }

    #[test]
    fn a_new_queue_is_given_only_what_its_type_takes() {
        let plain = given(&QueueSpec::default());
        for name in [Name::FifoQueue, Name::ContentBasedDeduplication, Name::KmsMasterKeyId] {
            assert_eq!(plain.get(&name), None, "{name}");
        }
        let key = QueueEncryption::Key(Text::from("alias/queues"));
        let fifo = QueueSpec { fifo: true, encryption: key, ..QueueSpec::default() };
        let fifo = given(&fifo);
        assert_eq!(fifo[&Name::FifoQueue], "true");
        assert_eq!(fifo[&Name::KmsMasterKeyId], "alias/queues");
        assert_eq!(fifo.get(&Name::SqsManagedSseEnabled), None);
    }

    #[test]
    fn what_is_in_a_queue_is_told_in_words() {
        let counted = |visible: &str, taken: &str| {
            content(&Attributes::from([
                (Name::ApproximateNumberOfMessages, visible.to_owned()),
                (Name::ApproximateNumberOfMessagesNotVisible, taken.to_owned()),
            ]))
        };
        assert_eq!(counted("0", "0"), "");
        assert_eq!(counted("0", "1"), "1 message");
        assert_eq!(counted("10", "2"), "12 messages");
    }
}
