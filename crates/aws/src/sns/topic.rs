//! Topics of SNS: `CreateTopic`, `Subscribe`, `ListSubscriptionsByTopic`, `Unsubscribe`,
//! `DeleteTopic`.

use std::collections::BTreeSet;

use aws_sdk_sns::types::Subscription;
use deployer_core::{Cause, Partition, Phase};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{Topic, TopicOutput, TopicSpec};

use crate::Aws;
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, readable};
use crate::send::unless_gone;
use crate::sns::{self, tagged};

const CREATE: &str = "create the topic";

/// The field that keeps who hears of it by us, three characters for each: a subscription carries no tags.
const GIVEN: &str = "given";

/// What stands in the place of the ARN of a subscription that nobody has confirmed.
const PENDING: &str = "PendingConfirmation";

/// What stands there of one that was taken back.
const DELETED: &str = "Deleted";

impl Resource<Aws> for Topic {
    const SHOWN_LATE: bool = true;
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let index = survey.shared.get::<TagIndex>();
        let arns = index.nominated::<Self>(survey, "sns").await;
        let ask = |arns| one_by_one(survey.cloud, arns, sns::tags);
        let tags = index.of(survey, arns, ask).await?;
        let mut all = Vec::new();
        for (arn, tags) in tags {
            let name = named(&arn);
            let Some(owned) = Owned::named::<Self>(survey.scope, name, &tags) else { continue };
            // The index remembers for a while what is gone.
            let Some(told) = unless_gone(subscriptions(survey.cloud, &arn).await)? else {
                continue;
            };
            all.extend(readable(survey, &owned, Some(&arn), Ok(found(&owned, &arn, &told))));
        }
        all.into_iter().collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let by_name =
            if id.starts_with("arn:") { None } else { Some(arn(survey.cloud, id).await?) };
        let id = by_name.as_deref().unwrap_or(id);
        let Some(told) = unless_gone(subscriptions(survey.cloud, id).await)? else {
            return Ok(None);
        };
        let Some(tags) = sns::tags(survey.cloud, id).await? else { return Ok(None) };
        let owned = Owned::read::<Self>(survey.scope, named(id), &tags);
        Ok(Some(found(&owned, id, &told)))
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        let request = survey.cloud.sns.list_topics();
        let pages = survey
            .cloud
            .pages(
                &sns::LIST_TOPICS,
                "list the topics",
                |token| request.clone().set_next_token(token).send(),
                |page| page.next_token(),
            )
            .await?;
        let topics = pages.into_iter().flat_map(|page| page.topics.unwrap_or_default());
        Ok(topics.filter_map(|topic| topic.topic_arn).collect())
    }

    async fn create(cx: &Context<'_, Aws>, spec: &TopicSpec) -> Result<TopicOutput> {
        let name = &cx.identity.name;
        // CreateTopic hands back one of that name whosever it is, or says that its tags are others,
        // so it is looked for first.
        let arn = arn(cx.cloud, name).await?;
        let id = match sns::tags(cx.cloud, &arn).await? {
            Some(tags) if !ownership::is_this::<Self>(cx, &arn, Some(name), Some(&tags)) => {
                return Err(ownership::taken(cx, sns::CREATE_TOPIC.attempted(CREATE), &arn));
            }
            Some(_) => {
                sns::remember(cx, &arn).await?;
                sns::keep(cx, &arn, &kept(&[spec])).await?;
                arn
            }
            None => {
                let tags = tagged(cx.identity, &kept(&[spec]));
                let request = cx.cloud.sns.create_topic().name(name).set_tags(Some(tags));
                let made =
                    cx.cloud.send(&sns::CREATE_TOPIC, CREATE, || request.clone().send()).await?;
                made.topic_arn.required("the ARN of the topic")?
            }
        };
        for (protocol, endpoint) in told(spec) {
            subscribe(cx.cloud, &id, protocol, endpoint).await?;
        }
        Ok(TopicOutput { id })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &TopicSpec,
    ) -> Result<TopicOutput> {
        let id = &live.output.id;
        // Whenever this ends, what was given is known for ours.
        sns::keep(cx, id, &kept(&[&live.spec, spec])).await?;
        let (before, wanted) = (told(&live.spec), told(spec));
        for (protocol, endpoint) in wanted.difference(&before) {
            subscribe(cx.cloud, id, protocol, endpoint).await?;
        }
        let leaving: BTreeSet<_> = before.difference(&wanted).copied().collect();
        if !leaving.is_empty() {
            unsubscribe(cx.cloud, id, &leaving).await?;
        }
        sns::keep(cx, id, &kept(&[spec])).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &TopicOutput) -> Result<()> {
        sns::remember(cx, &output.id).await
    }

    /// Its subscriptions go with it.
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.sns.delete_topic().topic_arn(&live.output.id);
        cx.cloud.send(&sns::DELETE_TOPIC, "delete the topic", || request.clone().send()).await?;
        Ok(Vec::new())
    }
}

fn found(owned: &Owned, arn: &str, subscriptions: &[Subscription]) -> Found<Topic> {
    let mut spec = TopicSpec { emails: BTreeSet::new(), urls: BTreeSet::new() };
    let (mut foreign, mut pending) = (Vec::new(), Vec::new());
    for subscription in subscriptions {
        let (protocol, endpoint) = (
            subscription.protocol().unwrap_or_default(),
            subscription.endpoint().unwrap_or_default(),
        );
        // One that was taken back is listed for a while.
        if subscription.subscription_arn() == Some(DELETED) {
            continue;
        }
        let is_pending = subscription.subscription_arn() == Some(PENDING);
        let set = match protocol {
            "email" => &mut spec.emails,
            "https" => &mut spec.urls,
            _ => {
                foreign.push(format!("a subscription of {endpoint}"));
                continue;
            }
        };
        if !owned.is_given(GIVEN, &who(protocol, endpoint)) {
            // One that nobody has confirmed reaches nobody, and ends by itself.
            if is_pending {
                continue;
            }
            foreign.push(format!("a subscription of {endpoint}"));
            continue;
        }
        if is_pending {
            pending.push(endpoint);
        }
        set.insert(endpoint.to_owned());
    }
    let state = match pending.as_slice() {
        [] => String::new(),
        waiting => format!("{} has to confirm what was sent there", waiting.join(", ")),
    };
    Found {
        badge: owned.badge(),
        spec,
        output: TopicOutput { id: arn.to_owned() },
        phase: Phase::Ready,
        state,
        foreign,
    }
}

/// Who hears of it, and how.
fn told(spec: &TopicSpec) -> BTreeSet<(&'static str, &str)> {
    let emails = spec.emails.iter().map(|it| ("email", it.as_str()));
    emails.chain(spec.urls.iter().map(|it| ("https", it.as_str()))).collect()
}

fn kept(specs: &[&TopicSpec]) -> Kept {
    let all = specs.iter().flat_map(|spec| told(spec));
    Kept::from([(GIVEN, ownership::codes(all.map(|(protocol, endpoint)| who(protocol, endpoint))))])
}

/// Somebody who hears of it, for [`GIVEN`].
fn who(protocol: &str, endpoint: &str) -> String {
    format!("{protocol} {endpoint}")
}

/// The name in an ARN; that of a subscription has more behind it.
fn named(arn: &str) -> Option<&str> {
    arn.splitn(6, ':').nth(5)
}

async fn arn(aws: &Aws, name: &str) -> Result<String> {
    let (partition, region) = (Partition::of(&aws.region).name(), &aws.region);
    Ok(format!("arn:{partition}:sns:{region}:{}:{name}", aws.account().await?))
}

async fn subscriptions(aws: &Aws, topic: &str) -> Result<Vec<Subscription>> {
    let request = aws.sns.list_subscriptions_by_topic().topic_arn(topic);
    let pages = aws
        .pages(
            &sns::LIST_SUBSCRIPTIONS_BY_TOPIC,
            "list who hears of the topic",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.subscriptions.unwrap_or_default()).collect())
}

/// One that is there already stays as it is, and nobody is asked again.
async fn subscribe(aws: &Aws, topic: &str, protocol: &str, endpoint: &str) -> Result<()> {
    let request = aws
        .sns
        .subscribe()
        .topic_arn(topic)
        .protocol(protocol)
        .endpoint(endpoint)
        .return_subscription_arn(true);
    aws.send(&sns::SUBSCRIBE, "subscribe to the topic", || request.clone().send()).await?;
    Ok(())
}

/// One that nobody has confirmed cannot be taken back, and ends by itself after some days (SNS
/// developer guide, "Confirming subscriptions").
async fn unsubscribe(aws: &Aws, topic: &str, leaving: &BTreeSet<(&str, &str)>) -> Result<()> {
    for subscription in subscriptions(aws, topic).await? {
        let who = (
            subscription.protocol().unwrap_or_default(),
            subscription.endpoint().unwrap_or_default(),
        );
        let arn = subscription.subscription_arn().filter(|arn| arn.starts_with("arn:"));
        let Some(arn) = arn.filter(|_| leaving.contains(&who)) else { continue };
        let request = aws.sns.unsubscribe().subscription_arn(arn);
        let done = aws
            .send(&sns::UNSUBSCRIBE, "take a subscription away", || request.clone().send())
            .await;
        match done {
            // It is still to be confirmed.
            Err(failure)
                if failure.cause == Cause::Refused
                    && failure.message.to_lowercase().contains("pending confirmation") => {}
            done => drop(unless_gone(done)?),
        }
    }
    Ok(())
}
