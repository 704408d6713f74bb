//! AWS Cloud Map: its kind, and how tags are written, read and rewritten.

mod namespace;
mod operations;

use aws_sdk_servicediscovery::types::Tag;
use deployer_engine::{Context, Identity, Result, unless_gone_for_good};

use crate::Aws;
use crate::ownership::{self, Kept, Tags};

pub(crate) use operations::*;

/// The tags of a new namespace, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> Vec<Tag> {
    let tag = |(key, value)| {
        Tag::builder().key(key).value(value).build().expect("it has a key and a value")
    };
    ownership::tags(identity, &Kept::new()).into_iter().map(tag).collect()
}

/// Writes who a namespace is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    let client = &cx.cloud.cloud_map;
    let request = client.tag_resource().resource_arn(arn).set_tags(Some(tagged(cx.identity)));
    cx.cloud.send(&TAG_RESOURCE, "tag the namespace", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = client.untag_resource().resource_arn(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of a namespace; none when it is gone.
pub(crate) async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let request = aws.cloud_map.list_tags_for_resource().resource_arn(arn);
    let ask = || {
        aws.send(&LIST_TAGS_FOR_RESOURCE, "read the namespace's tags", || request.clone().send())
    };
    let answer = unless_gone_for_good(ask).await?;
    Ok(answer.map(|answer| {
        ownership::collect(answer.tags().iter().map(|tag| (Some(tag.key()), Some(tag.value()))))
    }))
}
