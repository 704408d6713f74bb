//! The scheduled actions of a scalable target: `PutScheduledAction`, `DescribeScheduledActions`,
//! `DeleteScheduledAction`.

use aws_sdk_applicationautoscaling::types::{ScalableTargetAction, ScheduledAction as Description};
use deployer_engine::Result;
use deployer_kinds::ScalingSchedule;

use super::{DIMENSION, NAMESPACE, OURS, number};
use crate::Aws;
use crate::autoscaling;
use crate::send::unless_gone;

/// The scheduled actions of a target, or those of all where none is named.
pub(super) async fn list(aws: &Aws, target: Option<&str>) -> Result<Vec<Description>> {
    let request = aws
        .autoscaling
        .describe_scheduled_actions()
        .service_namespace(NAMESPACE)
        .set_resource_id(target.map(ToOwned::to_owned))
        .set_scalable_dimension(target.map(|_| DIMENSION));
    let pages = aws
        .pages(
            &autoscaling::DESCRIBE_SCHEDULED_ACTIONS,
            "find the scheduled actions",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.scheduled_actions.unwrap_or_default()).collect())
}

/// Makes a scheduled action, or changes it. What is left out of its bounds stays as it was, so that
/// a bound is taken away by a new action alone: see [`is_narrower`].
pub(super) async fn put(
    aws: &Aws,
    target: &str,
    name: &str,
    schedule: &ScalingSchedule,
) -> Result<()> {
    let bounds = ScalableTargetAction::builder()
        .set_min_capacity(schedule.min.map(number))
        .set_max_capacity(schedule.max.map(number))
        .build();
    let request = aws
        .autoscaling
        .put_scheduled_action()
        .scheduled_action_name(format!("{OURS}{name}"))
        .service_namespace(NAMESPACE)
        .resource_id(target)
        .scalable_dimension(DIMENSION)
        .schedule(&schedule.at)
        .timezone(&schedule.timezone)
        .scalable_target_action(bounds);
    let purpose = format!("set the scheduled action {name}");
    aws.send(&autoscaling::PUT_SCHEDULED_ACTION, &purpose, || request.clone().send()).await?;
    Ok(())
}

/// Takes a scheduled action away. One that is gone is no failure.
pub(super) async fn delete(aws: &Aws, target: &str, action: &str) -> Result<()> {
    let request = aws
        .autoscaling
        .delete_scheduled_action()
        .scheduled_action_name(action)
        .service_namespace(NAMESPACE)
        .resource_id(target)
        .scalable_dimension(DIMENSION);
    let purpose = format!("delete the scheduled action {action}");
    let answer =
        aws.send(&autoscaling::DELETE_SCHEDULED_ACTION, &purpose, || request.clone().send()).await;
    unless_gone(answer)?;
    Ok(())
}

/// Whether a change takes a bound away.
pub(super) fn is_narrower(live: &ScalingSchedule, wanted: &ScalingSchedule) -> bool {
    let goes = |live: Option<u32>, wanted: Option<u32>| live.is_some() && wanted.is_none();
    goes(live.min, wanted.min) || goes(live.max, wanted.max)
}

/// A scheduled action as a stack says it; none for one that no stack can say, such as one that
/// begins or ends at a time.
pub(super) fn read(action: &Description) -> Option<ScalingSchedule> {
    if action.start_time().is_some() || action.end_time().is_some() {
        return None;
    }
    let bounds = action.scalable_target_action()?;
    let number = |number: Option<i32>| number.map(u32::try_from).transpose().ok();
    Some(ScalingSchedule {
        at: action.schedule().to_owned(),
        timezone: action.timezone().unwrap_or("UTC").to_owned(),
        min: number(bounds.min_capacity())?,
        max: number(bounds.max_capacity())?,
    })
}
