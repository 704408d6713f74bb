//! Elastic Load Balancing: its kinds, and what they share: how tags are written, read and
//! rewritten.

mod action;
mod certificates;
mod checks;
mod existing;
pub(crate) mod inventory;
mod listener;
mod listener_certificate;
mod listener_rule;
mod load_balancer;
mod metrics;
mod operations;
mod placement;
pub(crate) mod target_group;

use std::collections::BTreeMap;
use std::str::FromStr;

use aws_sdk_elasticloadbalancingv2::types::{Tag, TagDescription};
use deployer_core::Opaque;
use deployer_engine::{Context, Identity, Result};
use futures_util::future::try_join_all;

use crate::Aws;
use crate::ownership::{self, Kept, Tags};
use crate::send::unless_gone;

pub(crate) use operations::*;

/// The attributes of a load balancer or a target group, as AWS has them.
pub(crate) type Attributes = BTreeMap<String, String>;

/// The attributes that a spec speaks of; none for what is unread.
pub(crate) type Settings = BTreeMap<&'static str, Option<String>>;

/// An attribute: unread where a partition or a type does not have it, or where it is of a form that
/// this version does not know.
pub(crate) fn attribute<T: FromStr>(attributes: &Attributes, key: &str) -> Opaque<T> {
    attributes.get(key).and_then(|value| value.parse().ok()).into()
}

/// A value of a spec as an attribute.
pub(crate) fn setting<T: ToString>(value: &Opaque<T>) -> Option<String> {
    value.known().map(ToString::to_string)
}

/// What is to be set to come from one spec to another. Of what AWS does not show nothing is said:
/// it would refuse a key that it does not know.
pub(crate) fn differing(live: &Settings, wanted: Settings) -> Attributes {
    let differs = |key: &str, value: &String| match live.get(key) {
        Some(Some(is)) => is != value,
        Some(None) => false,
        None => true,
    };
    let wanted = wanted.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    wanted.filter(|(key, value)| differs(key, value)).collect()
}

/// How many resources DescribeTags takes (ELB API reference).
const TAGGED: usize = 20;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> Vec<Tag> {
    keeping(identity, &Kept::new())
}

/// The same, with what is kept as tags.
pub(crate) fn keeping(identity: &Identity, kept: &Kept) -> Vec<Tag> {
    written(ownership::tags(identity, kept))
}

fn written(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Writes what is kept as tags.
pub(crate) async fn keep(aws: &Aws, arn: &str, kept: &Kept) -> Result<()> {
    let kept = kept.iter().map(|(field, value)| (ownership::kept_key(field), value.clone()));
    let request = aws.elb.add_tags().resource_arns(arn).set_tags(Some(written(kept.collect())));
    aws.send(&ADD_TAGS, "tag it", || request.clone().send()).await?;
    Ok(())
}

/// Writes who a resource is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    let request = cx.cloud.elb.add_tags().resource_arns(arn).set_tags(Some(tagged(cx.identity)));
    cx.cloud.send(&ADD_TAGS, "tag it", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = cx.cloud.elb.remove_tags().resource_arns(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&REMOVE_TAGS, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// Whether something that is to be looked for is named by its ARN, and not by its name.
pub(crate) fn is_arn(id: &str) -> bool {
    id.starts_with("arn:")
}

/// The tags of these resources, as ELB itself has them; none of one that is gone.
pub(crate) async fn tags(aws: &Aws, arns: &[String]) -> Result<BTreeMap<String, Tags>> {
    let answers = try_join_all(arns.chunks(TAGGED).map(|some| async move {
        if let Some(found) = unless_gone(descriptions(aws, some).await)? {
            return Ok(found);
        }
        // One of them is gone, and ELB tells of none then (API reference, errors of DescribeTags).
        let each = some.chunks(1).map(|one| async move {
            unless_gone(descriptions(aws, one).await).map(Option::unwrap_or_default)
        });
        Ok(try_join_all(each).await?.concat())
    }));
    Ok(answers
        .await?
        .into_iter()
        .flatten()
        .filter_map(|description| {
            let tags = description.tags().iter().map(|tag| (tag.key(), tag.value()));
            let tags = ownership::collect(tags);
            Some((description.resource_arn?, tags))
        })
        .collect())
}

/// The tags of one resource; none when it is gone.
pub(crate) async fn tags_of(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    Ok(tags(aws, &[arn.to_owned()]).await?.remove(arn))
}

async fn descriptions(aws: &Aws, arns: &[String]) -> Result<Vec<TagDescription>> {
    let request = aws.elb.describe_tags().set_resource_arns(Some(arns.to_vec()));
    let answer = aws.send(&DESCRIBE_TAGS, "read tags", || request.clone().send());
    Ok(answer.await?.tag_descriptions.unwrap_or_default())
}

/// How the metrics of a load balancer or a target group name it, by its ARN ("CloudWatch metrics for
/// your Application Load Balancer" in the ELB user guide).
pub(crate) fn named_in_metrics(arn: &str) -> String {
    let end = arn.rsplit(':').next().unwrap_or_default();
    end.strip_prefix("loadbalancer/").unwrap_or(end).to_owned()
}
