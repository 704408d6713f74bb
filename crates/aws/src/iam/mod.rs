//! IAM: its kinds, and what they share: how tags are written, read and rewritten.

pub(crate) mod linked_role;
mod operations;
pub(crate) mod policy;
pub(crate) mod readers;
mod role;

use aws_sdk_iam::types::Tag;
use deployer_engine::{Context, Identity, Result};

use crate::Aws;
use crate::ownership::{self, Kept, Tags};

pub(crate) use operations::*;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> Vec<Tag> {
    let tags = ownership::tags(identity, &Kept::new()).into_iter();
    tags.map(|(key, value)| {
        Tag::builder().key(key).value(value).build().expect("it has a key and a value")
    })
    .collect()
}

/// Writes who a role is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, role: &str) -> Result<()> {
    let tags = tagged(cx.identity);
    let request = cx.cloud.iam.tag_role().role_name(role).set_tags(Some(tags));
    cx.cloud.send(&TAG_ROLE, "tag the role", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = cx.cloud.iam.untag_role().role_name(role).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_ROLE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of an answer.
pub(crate) fn tags(tags: &[Tag]) -> Tags {
    ownership::collect(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value()))))
}
