//! Groups of schedules, and what is inside of them: `CreateScheduleGroup`, `ListScheduleGroups`,
//! `GetScheduleGroup`, `ListSchedules`, `DeleteScheduleGroup`.

use aws_sdk_scheduler::types::{ScheduleGroupState, ScheduleGroupSummary};
use deployer_engine::{Context, Result};

use crate::Aws;
use crate::missing::Required;
use crate::scheduler::{self, tagged};
use crate::send::unless_gone;

pub(super) const CREATE: &str = "create the schedule group";

/// A group as AWS has it.
pub(super) struct Group {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) is_leaving: bool,
}

/// The groups whose names begin so.
pub(super) async fn beginning(aws: &Aws, prefix: &str) -> Result<Vec<Group>> {
    let request = aws.scheduler.list_schedule_groups().name_prefix(prefix);
    let pages = aws
        .pages(
            &scheduler::LIST_SCHEDULE_GROUPS,
            "find the schedule groups",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    pages.into_iter().flat_map(|page| page.schedule_groups).map(of_summary).collect()
}

fn of_summary(group: ScheduleGroupSummary) -> Result<Group> {
    Ok(Group {
        arn: group.arn.required("the ARN of a schedule group")?,
        name: group.name.required("the name of a schedule group")?,
        is_leaving: group.state == Some(ScheduleGroupState::Deleting),
    })
}

/// The group of a name; none when there is none.
pub(super) async fn look(aws: &Aws, name: &str) -> Result<Option<Group>> {
    let request = aws.scheduler.get_schedule_group().name(name);
    let answer = aws
        .send(&scheduler::GET_SCHEDULE_GROUP, "look at the schedule group", || {
            request.clone().send()
        })
        .await;
    let Some(group) = unless_gone(answer)? else { return Ok(None) };
    Ok(Some(Group {
        arn: group.arn.required("the ARN of a schedule group")?,
        name: name.to_owned(),
        is_leaving: group.state == Some(ScheduleGroupState::Deleting),
    }))
}

/// Makes the group of an identity, and gives its ARN.
pub(super) async fn create(cx: &Context<'_, Aws>) -> Result<String> {
    let request = cx
        .cloud
        .scheduler
        .create_schedule_group()
        .name(&cx.identity.name)
        .set_tags(Some(tagged(cx.identity)));
    let made =
        cx.cloud.send(&scheduler::CREATE_SCHEDULE_GROUP, CREATE, || request.clone().send()).await?;
    Ok(made.schedule_group_arn)
}

/// The names of the schedules in a group; none when it is gone.
pub(super) async fn inside(aws: &Aws, name: &str) -> Result<Vec<String>> {
    let request = aws.scheduler.list_schedules().group_name(name);
    let pages = aws
        .pages(
            &scheduler::LIST_SCHEDULES,
            "list the schedules of a group",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await;
    let pages = unless_gone(pages)?.unwrap_or_default();
    let schedules = pages.into_iter().flat_map(|page| page.schedules);
    Ok(schedules.filter_map(|schedule| schedule.name).collect())
}

/// Deletes a group with all that is inside. It is `DELETING` for a while.
pub(super) async fn delete(aws: &Aws, name: &str) -> Result<()> {
    let request = aws.scheduler.delete_schedule_group().name(name);
    let done = aws
        .send(&scheduler::DELETE_SCHEDULE_GROUP, "delete the schedule group", || {
            request.clone().send()
        })
        .await;
    unless_gone(done).map(drop)
}
