//! Systems Manager: its parameters keep the lock, the record and the keys of an environment, and what
//! is known of each job; how their tags are written, read and rewritten; and which parameters of
//! others there are.

mod below;
mod operations;
mod parameters;
mod session;

use aws_sdk_ssm::types::{ResourceTypeForTagging, Tag};
use deployer_engine::{Context, Identity, Result, unless_gone_for_good};

use crate::Aws;
use crate::ownership::{self, Kept, Tags};

pub(crate) use operations::*;

/// How many parameters a page has at most (Systems Manager API reference).
const PAGE: i32 = 10;

const PARAMETER: ResourceTypeForTagging = ResourceTypeForTagging::Parameter;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> Vec<Tag> {
    let tags = ownership::tags(identity, &Kept::new());
    tags.into_iter().map(|(key, value)| tag(&key, &value)).collect()
}

/// Writes who a parameter is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, name: &str) -> Result<()> {
    let parameters = &cx.cloud.parameters;
    let request = parameters.add_tags_to_resource().set_tags(Some(tagged(cx.identity)));
    let request = request.resource_type(PARAMETER).resource_id(name);
    cx.cloud.send(&ADD_TAGS_TO_RESOURCE, "tag the parameter", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = parameters.remove_tags_from_resource().set_tag_keys(Some(dropped));
        let request = request.resource_type(PARAMETER).resource_id(name);
        cx.cloud
            .send(&REMOVE_TAGS_FROM_RESOURCE, "take tags off", || request.clone().send())
            .await?;
    }
    Ok(())
}

/// The tags of a parameter; none when it is gone.
pub(crate) async fn tags(aws: &Aws, name: &str) -> Result<Option<Tags>> {
    let request = aws.parameters.list_tags_for_resource();
    let request = request.resource_type(PARAMETER).resource_id(name);
    let ask = || {
        aws.send(&LIST_TAGS_FOR_RESOURCE, "read the parameter's tags", || request.clone().send())
    };
    let answer = unless_gone_for_good(ask).await?;
    Ok(answer.map(|answer| {
        let tags = answer.tag_list().iter();
        ownership::collect(tags.map(|tag| (Some(tag.key()), Some(tag.value()))))
    }))
}

/// A tag. Ours have a key and a value.
fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("it has a key and a value")
}
