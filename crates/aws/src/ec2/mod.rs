//! EC2: its kinds, and what they share: how tags are written, read, rewritten and searched for.

pub(crate) mod blockers;
mod elastic_ip;
mod endpoints;
mod existing;
mod flow_log;
mod gateway_endpoint;
mod inside;
mod interface_endpoint;
mod internet_gateway;
mod nat_gateway;
mod network_acl;
mod operations;
mod route_table;
mod secondary_ranges;
mod security_group;
mod subnet;
pub(crate) mod usage;
mod vpc;
mod vpcs;
mod zones;

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification, UnsuccessfulItem};
use deployer_core::{Cause, Failure, Scope};
use deployer_engine::{Context, Identity, Operation, Result};

use crate::Aws;
use crate::ownership::{self, ENVIRONMENT, Kept, STACK, Tags};

pub(crate) use operations::*;

/// What a call has made or changed may be missing from the answers to the next ones for a while
/// (EC2 user guide, "Eventual consistency in the Amazon EC2 API").
pub(crate) const SHOWN_LATE: bool = true;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity, kind: ResourceType) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(ownership_tags(identity))).build()
}

/// The same of one of which fields are kept as tags.
pub(crate) fn keeping(identity: &Identity, kept: &Kept, kind: ResourceType) -> TagSpecification {
    let tags = written(ownership::tags(identity, kept));
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}

/// The tags that say whose a resource is.
pub(crate) fn ownership_tags(identity: &Identity) -> Vec<Tag> {
    written(ownership::tags(identity, &Kept::new()))
}

/// Writes what is kept as tags.
pub(crate) async fn keep(cx: &Context<'_, Aws>, id: &str, kept: &Kept) -> Result<()> {
    let kept = kept.iter().map(|(field, value)| (ownership::kept_key(field), value.clone()));
    let request = cx.cloud.ec2.create_tags().resources(id).set_tags(Some(written(kept.collect())));
    cx.cloud.send(&CREATE_TAGS, "write down what it is given", || request.clone().send()).await?;
    Ok(())
}

fn written(tags: Tags) -> Vec<Tag> {
    let tags = tags.into_iter();
    tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Writes who a resource is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, id: &str) -> Result<()> {
    let tags = ownership_tags(cx.identity);
    let request = cx.cloud.ec2.create_tags().resources(id).set_tags(Some(tags));
    cx.cloud.send(&CREATE_TAGS, "tag it", || request.clone().send()).await?;
    untag(cx, &[id.to_owned()]).await
}

/// Takes off the tags of the user's own that are not wanted any more.
pub(crate) async fn untag(cx: &Context<'_, Aws>, ids: &[String]) -> Result<()> {
    let dropped = ownership::dropped(cx.identity).into_iter();
    let tags: Vec<Tag> = dropped.map(|key| Tag::builder().key(key).build()).collect();
    if tags.is_empty() || ids.is_empty() {
        return Ok(());
    }
    let request = cx.cloud.ec2.delete_tags().set_resources(Some(ids.to_vec())).set_tags(Some(tags));
    cx.cloud.send(&DELETE_TAGS, "take tags off", || request.clone().send()).await?;
    Ok(())
}

/// The tags of an answer.
pub(crate) fn tags(tags: &[Tag]) -> Tags {
    ownership::collect(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// The failure among what an answer says was not done, though the call went well.
pub(crate) fn unsuccessful(
    operation: &'static Operation,
    purpose: &str,
    items: &[UnsuccessfulItem],
) -> Result<()> {
    let Some(error) = items.iter().find_map(UnsuccessfulItem::error) else { return Ok(()) };
    let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
    let cause = operation.meaning(code, message).unwrap_or(Cause::Refused);
    let failure = Failure::new(cause, operation.attempted(purpose), message);
    Err(Failure { code: Some(code.to_owned()), ..failure })
}

/// Filters that find what the scope owns.
pub(crate) fn owned_by(scope: &Scope) -> Vec<Filter> {
    let wanted = BTreeMap::from([(STACK, &scope.stack), (ENVIRONMENT, &scope.environment)]);
    let filter = |(key, value): (&str, &String)| filter(&format!("tag:{key}"), value);
    wanted.into_iter().map(filter).collect()
}

/// A filter for one value.
pub(crate) fn filter(name: &str, value: &str) -> Filter {
    one_of(name, [value])
}

/// How many values a filter takes (EC2 API reference, filtering).
pub(crate) const FILTERED: usize = 200;

/// A filter for any of some values, at most [`FILTERED`].
pub(crate) fn one_of<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Filter {
    let values = values.into_iter().map(ToOwned::to_owned).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}
