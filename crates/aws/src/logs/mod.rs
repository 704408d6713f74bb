//! CloudWatch Logs: its kinds, and what they share: how tags are written, read and rewritten.

mod lines;
mod log_group;
mod operations;

use std::collections::HashMap;

use deployer_engine::{Context, Identity, Result, unless_gone_for_good};

use crate::Aws;
use crate::ownership::{self, Kept, Tags};

pub(crate) use lines::{Source, Streams, page};
pub(crate) use operations::*;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> HashMap<String, String> {
    ownership::tags(identity, &Kept::new()).into_iter().collect()
}

/// Writes who a resource is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    let tags = tagged(cx.identity);
    let request = cx.cloud.logs.tag_resource().resource_arn(arn).set_tags(Some(tags));
    cx.cloud.send(&TAG_RESOURCE, "tag the log group", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = cx.cloud.logs.untag_resource().resource_arn(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of a log group that has just been listed; none when it is gone.
pub(crate) async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let request = aws.logs.list_tags_for_resource().resource_arn(arn);
    let ask = || {
        aws.send(&LIST_TAGS_FOR_RESOURCE, "read the log group's tags", || request.clone().send())
    };
    Ok(unless_gone_for_good(ask)
        .await?
        .map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}
