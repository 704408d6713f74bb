//! SNS: its kind, and how tags are written, read and rewritten.

mod operations;
mod topic;

use aws_sdk_sns::types::Tag;
use deployer_engine::{Context, Identity, Result, unless_gone_for_good};

use crate::Aws;
use crate::ownership::{self, Kept, Tags};

pub(crate) use operations::*;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity, kept: &Kept) -> Vec<Tag> {
    written(ownership::tags(identity, kept))
}

fn written(tags: Tags) -> Vec<Tag> {
    let tag = |(key, value)| {
        Tag::builder().key(key).value(value).build().expect("it has a key and a value")
    };
    tags.into_iter().map(tag).collect()
}

/// Writes who a topic is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    tag(cx, arn, tagged(cx.identity, &Kept::new())).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = cx.cloud.sns.untag_resource().resource_arn(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// Writes what is kept as tags.
pub(crate) async fn keep(cx: &Context<'_, Aws>, arn: &str, kept: &Kept) -> Result<()> {
    let kept = kept.iter().map(|(field, value)| (ownership::kept_key(field), value.clone()));
    tag(cx, arn, written(kept.collect())).await
}

async fn tag(cx: &Context<'_, Aws>, arn: &str, tags: Vec<Tag>) -> Result<()> {
    let request = cx.cloud.sns.tag_resource().resource_arn(arn).set_tags(Some(tags));
    cx.cloud.send(&TAG_RESOURCE, "tag the topic", || request.clone().send()).await?;
    Ok(())
}

/// The tags of a topic; none when it is gone.
pub(crate) async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let request = aws.sns.list_tags_for_resource().resource_arn(arn);
    let ask =
        || aws.send(&LIST_TAGS_FOR_RESOURCE, "read the topic's tags", || request.clone().send());
    let answer = unless_gone_for_good(ask).await?;
    Ok(answer.map(|answer| {
        ownership::collect(answer.tags().iter().map(|tag| (Some(tag.key()), Some(tag.value()))))
    }))
}
