//! SQS: its kind, and how tags are written, read and rewritten.

mod content;
mod operations;
mod queue;

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;

use deployer_engine::{Context, Identity, Result, unless_gone_for_good};

use crate::Aws;
use crate::missing::Required;
use crate::ownership::{self, Kept, Tags};
use crate::send::unless_gone;

pub(crate) use operations::*;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> HashMap<String, String> {
    ownership::tags(identity, &Kept::new()).into_iter().collect()
}

/// Writes who a queue is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, url: &str) -> Result<()> {
    let request = cx.cloud.sqs.tag_queue().queue_url(url).set_tags(Some(tagged(cx.identity)));
    cx.cloud.send(&TAG_QUEUE, "tag the queue", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = cx.cloud.sqs.untag_queue().queue_url(url).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_QUEUE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of a queue by its ARN; none when it is gone.
pub(crate) async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    match url(aws, named(arn)).await? {
        Some(url) => tags_at(aws, &url).await,
        None => Ok(None),
    }
}

/// The tags of the queue at a URL; none when it is gone.
pub(crate) async fn tags_at(aws: &Aws, url: &str) -> Result<Option<Tags>> {
    let request = aws.sqs.list_queue_tags().queue_url(url);
    let ask = || aws.send(&LIST_QUEUE_TAGS, "read the queue's tags", || request.clone().send());
    let answer = unless_gone_for_good(ask).await?;
    Ok(answer.map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}

/// The URL of the queue of a name; none when there is none.
pub(crate) async fn url(aws: &Aws, name: &str) -> Result<Option<String>> {
    let request = aws.sqs.get_queue_url().queue_name(name);
    let answer = aws.send(&GET_QUEUE_URL, "look for the queue", || request.clone().send()).await;
    let Some(answer) = unless_gone(answer)? else { return Ok(None) };
    answer.queue_url.required("the URL of a queue").map(Some)
}

/// What SQS says of a queue.
pub(crate) type Attributes = HashMap<QueueAttributeName, String>;

/// All that SQS says of the queue at a URL.
pub(crate) async fn attributes(aws: &Aws, url: &str) -> Result<Attributes> {
    let request =
        aws.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let answer =
        aws.send(&GET_QUEUE_ATTRIBUTES, "look at the queue", || request.clone().send()).await?;
    Ok(answer.attributes.unwrap_or_default())
}

/// The name in an ARN or a URL, or a name as it is: it has neither of the marks.
pub(crate) fn named(id: &str) -> &str {
    id.rsplit([':', '/']).next().unwrap_or(id)
}
