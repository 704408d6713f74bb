//! Application Auto Scaling: its kind, and how tags are written, read and rewritten.

mod backlog;
mod operations;
mod policy;
mod scalable_target;
mod schedule;

use std::collections::HashMap;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use deployer_engine::{Context, Identity, Result, unless_gone_for_good};

use crate::Aws;
use crate::ownership::{self, Kept, Tags};

pub(crate) use operations::*;

/// What is scaled: the tasks of services of ECS.
const NAMESPACE: ServiceNamespace = ServiceNamespace::Ecs;
const DIMENSION: ScalableDimension = ScalableDimension::EcsServiceDesiredCount;

/// What the names of our policies and scheduled actions begin with: they carry no tags.
const OURS: &str = "deployer-";

/// A number as AWS takes it.
fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> HashMap<String, String> {
    ownership::tags(identity, &Kept::new()).into_iter().collect()
}

/// Writes who a resource is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    let tags = tagged(cx.identity);
    let request = cx.cloud.autoscaling.tag_resource().resource_arn(arn).set_tags(Some(tags));
    cx.cloud.send(&TAG_RESOURCE, "tag the scalable target", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request =
            cx.cloud.autoscaling.untag_resource().resource_arn(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of a scalable target that has just been listed; none when it is gone.
pub(crate) async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let request = aws.autoscaling.list_tags_for_resource().resource_arn(arn);
    let ask = || {
        aws.send(&LIST_TAGS_FOR_RESOURCE, "read the scalable target's tags", || {
            request.clone().send()
        })
    };
    Ok(unless_gone_for_good(ask)
        .await?
        .map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}
