//! What all kinds of RDS share: how tags are written and read.

use aws_sdk_rds::types::Tag;
use deployer_engine::Identity;

use crate::ownership::{self, Kept, Tags};

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity, kept: &Kept) -> Vec<Tag> {
    ownership::tags(identity, kept)
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// The tags of an answer.
pub(crate) fn tags(tags: &[Tag]) -> Tags {
    ownership::collect(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// A name as RDS stores it (RDS API reference).
pub(crate) fn name(identity: &Identity) -> String {
    identity.name.to_lowercase()
}
