//! Queues of SQS: `CreateQueue`, `ListQueues`, `GetQueueAttributes`, `SetQueueAttributes`,
//! `DeleteQueue`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::types::QueueAttributeName as Name;
use deployer_core::{Partition, Phase, Ref, Scope};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey, Unit, Vital, Vitals};
use deployer_kinds::{DeadLetters, Queue, QueueOutput, QueueSpec};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Aws;
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Owned, prefix, readable};
use crate::send::unless_gone;
use crate::sqs::{self, named, tagged};

const CREATE: &str = "create the queue";

/// The most queues of a page. There are pages only where it is said (`ListQueues` in the SQS API
/// reference).
const A_PAGE: i32 = 1000;

type Attributes = HashMap<Name, String>;

impl Resource<Aws> for Queue {
    /// What was made or changed shows within a minute (`SetQueueAttributes` in the SQS API
    /// reference).
    const SHOWN_LATE: bool = true;
    const READ_BY_NAME: bool = true;

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
                tags.get(&arn).and_then(|it| Owned::named::<Self>(scope, Some(named(&arn)), it));
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
        let owned = Owned::read::<Self>(survey.scope, Some(name), &tags);
        found(&owned, &arn(aws, name).await?, &url, &attributes).map(Some)
    }

    fn misnamed(scope: &Scope, output: &QueueOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.name.starts_with(prefix))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &QueueSpec) -> Result<QueueOutput> {
        let name = &cx.identity.name;
        let id = arn(cx.cloud, name).await?;
        // CreateQueue hands back one of that name whosever it is, if it has the same attributes.
        let there = match sqs::url(cx.cloud, name).await? {
            Some(url) => sqs::tags_at(cx.cloud, &url).await?.map(|tags| (url, tags)),
            None => None,
        };
        let url = match there {
            Some((_, tags)) if !ownership::is_this::<Self>(cx, &id, Some(name), Some(&tags)) => {
                return Err(ownership::taken(cx, sqs::CREATE_QUEUE.attempted(CREATE), &id));
            }
            Some((url, _)) => {
                sqs::remember(cx, &url).await?;
                set(cx.cloud, &url, written(spec)).await?;
                url
            }
            None => {
                let request = cx
                    .cloud
                    .sqs
                    .create_queue()
                    .queue_name(name)
                    .set_attributes(Some(written(spec)))
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
        let mut attributes = written(spec);
        if live.spec.dead_letters.is_some() {
            // An empty one takes what is there away.
            attributes.entry(Name::RedrivePolicy).or_default();
        }
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
    let number = |name: &Name| attributes.get(name).and_then(|text| text.parse().ok());
    let redrive = has(&Name::RedrivePolicy).map(|text| dead_letters(text));
    // What a stack cannot say stays as it is: a change names the attributes that it sets.
    let mut foreign = Vec::new();
    if has(&Name::Policy).is_some() {
        foreign.push("a policy of the queue".to_owned());
    }
    if let Some(key) = has(&Name::KmsMasterKeyId) {
        foreign.push(format!("it is encrypted with the key {key}"));
    } else if attributes.get(&Name::SqsManagedSseEnabled).is_some_and(|it| it == "false") {
        foreign.push("it is not encrypted".to_owned());
    }
    if has(&Name::RedriveAllowPolicy).is_some() {
        foreign.push("it says whose dead letters it takes".to_owned());
    }
    if let Some(delay) = has(&Name::DelaySeconds).filter(|it| *it != "0") {
        foreign.push(format!("its messages are delayed by {delay} seconds"));
    }
    Ok(Found {
        badge: owned.badge(),
        spec: QueueSpec {
            visibility_timeout: number(&Name::VisibilityTimeout)
                .required("the visibility timeout of a queue")?,
            retention: number(&Name::MessageRetentionPeriod)
                .required("the retention of a queue")?,
            dead_letters: redrive
                .map(|redrive| redrive.required("the dead letters of a queue"))
                .transpose()?,
        },
        output: QueueOutput {
            id: arn.to_owned(),
            url: url.to_owned(),
            name: named(arn).to_owned(),
        },
        phase: Phase::Ready,
        state: String::new(),
        foreign,
    })
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

/// The attributes that a spec stands for.
fn written(spec: &QueueSpec) -> Attributes {
    let redrive = spec.dead_letters.as_ref().map(|DeadLetters { queue, after }| {
        json!({ "deadLetterTargetArn": queue.id(), "maxReceiveCount": after }).to_string()
    });
    let plain = [
        (Name::VisibilityTimeout, spec.visibility_timeout.to_string()),
        (Name::MessageRetentionPeriod, spec.retention.to_string()),
    ];
    plain.into_iter().chain(redrive.map(|policy| (Name::RedrivePolicy, policy))).collect()
}

async fn set(aws: &Aws, url: &str, attributes: Attributes) -> Result<()> {
    let request = aws.sqs.set_queue_attributes().queue_url(url).set_attributes(Some(attributes));
    aws.send(&sqs::SET_QUEUE_ATTRIBUTES, "change the queue", || request.clone().send()).await?;
    Ok(())
}

async fn attributes(aws: &Aws, url: &str) -> Result<Attributes> {
    let request = aws.sqs.get_queue_attributes().queue_url(url).attribute_names(Name::All);
    let answer = aws
        .send(&sqs::GET_QUEUE_ATTRIBUTES, "look at the queue", || request.clone().send())
        .await?;
    Ok(answer.attributes.unwrap_or_default())
}

impl Vitals<Aws> for Queue {
    /// How many messages wait, which SQS knows to within a minute (`GetQueueAttributes` in its API
    /// reference).
    async fn vitals(aws: &Aws, live: &Found<Self>, _now: &Timestamp) -> Result<Vec<Vital>> {
        let attributes = attributes(aws, &live.output.url).await?;
        let number = |name: &Name| attributes.get(name).and_then(|value| value.parse().ok());
        let vital = |name: &Name, what| Some(Vital::new(what, number(name)?, Unit::Count));
        let waiting = vital(&Name::ApproximateNumberOfMessages, "messages waiting");
        let taken = vital(&Name::ApproximateNumberOfMessagesNotVisible, "being worked on");
        Ok(waiting.into_iter().chain(taken).collect())
    }
}

/// The ARN of the queue of a name (SQS developer guide, "Queue and message identifiers").
async fn arn(aws: &Aws, name: &str) -> Result<String> {
    let (partition, region) = (Partition::of(&aws.region).name(), &aws.region);
    Ok(format!("arn:{partition}:sqs:{region}:{}:{name}", aws.account().await?))
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
}
