//! Step Functions: its kind, and how tags are written, read and rewritten.

mod definition;
mod operations;
mod state_machine;

use aws_sdk_sfn::types::Tag;
use deployer_engine::{Context, Identity, Result, unless_gone_for_good};

use crate::Aws;
use crate::ownership::{self, Kept, Tags};

pub(crate) use operations::*;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> Vec<Tag> {
    let tags = ownership::tags(identity, &Kept::new()).into_iter();
    tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Writes who a state machine is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    let client = &cx.cloud.step_functions;
    let request = client.tag_resource().resource_arn(arn).set_tags(Some(tagged(cx.identity)));
    cx.cloud.send(&TAG_RESOURCE, "tag the state machine", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = client.untag_resource().resource_arn(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of a state machine; none when it is gone.
pub(crate) async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let request = aws.step_functions.list_tags_for_resource().resource_arn(arn);
    let ask = || {
        aws.send(&LIST_TAGS_FOR_RESOURCE, "read the state machine's tags", || {
            request.clone().send()
        })
    };
    let answer = unless_gone_for_good(ask).await?;
    Ok(answer
        .map(|answer| ownership::collect(answer.tags().iter().map(|tag| (tag.key(), tag.value())))))
}
