//! Secrets Manager: its kinds, and what they share: how tags are written, read and rewritten.

mod operations;
mod secret;

use aws_sdk_secretsmanager::types::Tag;
use deployer_engine::{Context, Identity, Result};

use crate::Aws;
use crate::ownership::{self, Kept, Tags};

pub(crate) use operations::*;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity, kept: &Kept) -> Vec<Tag> {
    let tags = ownership::tags(identity, kept).into_iter();
    tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Writes who a resource is, what it was last given, and what is kept as tags.
pub(crate) async fn remember(cx: &Context<'_, Aws>, id: &str, kept: &Kept) -> Result<()> {
    let tags = tagged(cx.identity, kept);
    let request = cx.cloud.secrets.tag_resource().secret_id(id).set_tags(Some(tags));
    cx.cloud.send(&TAG_RESOURCE, "tag the secret", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = cx.cloud.secrets.untag_resource().secret_id(id).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of an answer.
pub(crate) fn tags(tags: &[Tag]) -> Tags {
    ownership::collect(tags.iter().map(|tag| (tag.key(), tag.value())))
}
