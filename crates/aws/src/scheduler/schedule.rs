//! Schedules of EventBridge Scheduler, each in a group of its own: `CreateSchedule`, `GetSchedule`,
//! `UpdateSchedule`, `DeleteSchedule`.

use std::collections::BTreeMap;

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput as Description;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode,
    RetryPolicy, ScheduleState, Target,
};
use deployer_core::{Cause, Failure, Opaque, Phase, Ref, Scope};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{Schedule, ScheduleOutput, ScheduleSpec};

use super::group::{self, Group};
use crate::Aws;
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Owned, prefix, readable};
use crate::scheduler;
use crate::send::unless_gone;

impl Resource<Aws> for Schedule {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let index = survey.shared.get::<TagIndex>();
        // Most environments have none, and then nobody need ask.
        let arns = ("scheduler", "schedule-group/");
        if index.all_of::<Self>(survey, arns, |_| false).await.is_some() {
            return Ok(Vec::new());
        }
        let groups = group::beginning(survey.cloud, &prefix(survey.scope)).await?;
        let groups: BTreeMap<String, Group> =
            groups.into_iter().map(|group| (group.arn.clone(), group)).collect();
        let ask = |arns| one_by_one(survey.cloud, arns, scheduler::tags);
        let tags = index.of(survey, groups.keys().cloned().collect(), ask).await?;
        let mut all = Vec::new();
        for (arn, group) in &groups {
            let owned = tags
                .get(arn)
                .and_then(|tags| Owned::named::<Self>(survey.scope, Some(&group.name), tags));
            let Some(owned) = owned else { continue };
            let inside = Inside::of(survey.cloud, &group.name).await?;
            all.extend(readable(survey, &owned, Some(arn), found(&owned, group, &inside)));
        }
        all.into_iter().collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let name = id.rsplit('/').next().unwrap_or(id);
        let Some(group) = group::look(survey.cloud, name).await? else { return Ok(None) };
        let Some(tags) = scheduler::tags(survey.cloud, &group.arn).await? else {
            return Ok(None);
        };
        let inside = Inside::of(survey.cloud, name).await?;
        let owned = Owned::read::<Self>(survey.scope, Some(name), &tags);
        found(&owned, &group, &inside).map(Some)
    }

    fn misnamed(scope: &Scope, output: &ScheduleOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.name.starts_with(prefix))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &ScheduleSpec) -> Result<ScheduleOutput> {
        let name = &cx.identity.name;
        let id = match group::look(cx.cloud, name).await? {
            Some(group) => {
                let tags = scheduler::tags(cx.cloud, &group.arn).await?;
                if !ownership::is_this::<Self>(cx, &group.arn, Some(name), tags.as_ref()) {
                    let attempted = scheduler::CREATE_SCHEDULE_GROUP.attempted(group::CREATE);
                    return Err(ownership::taken(cx, attempted, &group.arn));
                }
                scheduler::remember(cx, &group.arn).await?;
                group.arn
            }
            None => group::create(cx).await?,
        };
        put(cx.cloud, name, spec).await?;
        Ok(ScheduleOutput { id, name: name.clone() })
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &ScheduleSpec,
    ) -> Result<ScheduleOutput> {
        put(cx.cloud, &live.output.name, spec).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ScheduleOutput) -> Result<()> {
        scheduler::remember(cx, &output.id).await
    }

    /// The schedule goes first: in a group that is being deleted it may still come round
    /// (`DeleteScheduleGroup` in the EventBridge Scheduler API reference). What others have put
    /// into the group would go with it, so that is not deleted before they have gone.
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let (aws, name) = (cx.cloud, &live.output.name);
        let request = aws.scheduler.delete_schedule().group_name(name).name(name);
        let done = aws
            .send(&scheduler::DELETE_SCHEDULE, "delete the schedule", || request.clone().send())
            .await;
        unless_gone(done)?;
        let mut others = group::inside(aws, name).await?;
        others.retain(|other| other != name);
        if let Some(other) = others.first() {
            let message = format!("others have put schedules into it: {}", others.join(", "));
            let attempted = format!("delete the schedule group {name}");
            let help = format!(
                "move them elsewhere: `aws scheduler delete-schedule --group-name {name} --name \
                 {other}` takes one out"
            );
            return Err(Failure::new(Cause::Refused, attempted, message).help(help));
        }
        group::delete(aws, name).await?;
        Ok(Vec::new())
    }

    async fn gone(cx: &Context<'_, Aws>, output: &ScheduleOutput) -> Result<Progress<()>> {
        Ok(match group::look(cx.cloud, &output.name).await? {
            Some(group) if group.is_leaving => Progress::Waiting("DELETING".to_owned()),
            Some(_) => Progress::Waiting("not deleted yet".to_owned()),
            None => Progress::Done(()),
        })
    }
}

/// What is in a group: the schedule of its name, and the names of others.
struct Inside {
    schedule: Option<Description>,
    others: Vec<String>,
}

impl Inside {
    async fn of(aws: &Aws, name: &str) -> Result<Self> {
        let mut others = group::inside(aws, name).await?;
        others.retain(|other| other != name);
        Ok(Self { schedule: look(aws, name).await?, others })
    }
}

fn found(owned: &Owned, group: &Group, inside: &Inside) -> Result<Found<Schedule>> {
    let mut foreign: Vec<String> =
        inside.others.iter().map(|other| format!("the schedule {other} in its group")).collect();
    let spec = match &inside.schedule {
        Some(schedule) => {
            foreign.extend(unsaid(schedule).into_iter().map(str::to_owned));
            spec(schedule)?
        }
        None => half_made(),
    };
    let state = match (&inside.schedule, group.is_leaving) {
        (_, true) => "DELETING",
        (None, false) => "its group has no schedule",
        (Some(_), false) => "",
    };
    Ok(Found {
        badge: owned.badge(),
        spec,
        output: ScheduleOutput { id: group.arn.clone(), name: group.name.clone() },
        phase: if group.is_leaving { Phase::Leaving } else { Phase::Ready },
        state: state.to_owned(),
        foreign,
    })
}

fn spec(schedule: &Description) -> Result<ScheduleSpec> {
    let target = schedule.target().required("the target of a schedule")?;
    let policy = target.retry_policy();
    let retries = policy.and_then(|it| it.maximum_retry_attempts());
    let age = policy.and_then(|it| it.maximum_event_age_in_seconds());
    let number = |number: Option<i32>| number.and_then(|it| u32::try_from(it).ok());
    let dead_letters = target.dead_letter_config().and_then(|it| it.arn());
    Ok(ScheduleSpec {
        expression: schedule.schedule_expression().map(str::to_owned).into(),
        timezone: schedule.schedule_expression_timezone().unwrap_or("UTC").to_owned(),
        role: Opaque::Known(Ref::physical(target.role_arn())),
        target: Opaque::Known(Ref::physical(target.arn())),
        retries: number(retries).required("the retries of a schedule")?,
        maximum_age: number(age).required("the maximum age of a schedule")?,
        dead_letters: dead_letters.map(Ref::physical),
        enabled: schedule.state() != Some(&ScheduleState::Disabled),
    })
}

/// The spec of a group whose schedule was not made yet, or deleted by others. Nothing of it is
/// kept: the schedule that is put there has all of what is wanted.
fn half_made() -> ScheduleSpec {
    ScheduleSpec {
        expression: Opaque::Unread,
        timezone: "UTC".to_owned(),
        role: Opaque::Unread,
        target: Opaque::Unread,
        retries: 0,
        maximum_age: 0,
        dead_letters: None,
        enabled: false,
    }
}

/// What a stack cannot say of a schedule. The next change takes it off, since AWS replaces all of
/// one (`UpdateSchedule` in the EventBridge Scheduler API reference).
fn unsaid(schedule: &Description) -> Vec<&'static str> {
    let is_flexible =
        schedule.flexible_time_window().is_some_and(|it| *it.mode() != FlexibleTimeWindowMode::Off);
    let vanishes = schedule.action_after_completion() == Some(&ActionAfterCompletion::Delete);
    [
        (is_flexible, "a flexible time window"),
        (vanishes, "it deletes itself after its last time"),
        (schedule.start_date().is_some(), "a date from which it comes round"),
        (schedule.end_date().is_some(), "a date until which it comes round"),
        (schedule.target().is_some_and(|it| it.input().is_some()), "an input for its target"),
        (schedule.kms_key_arn().is_some(), "a key that it is encrypted with"),
    ]
    .into_iter()
    .filter_map(|(is_so, what)| is_so.then_some(what))
    .collect()
}

/// Makes the schedule of a group, or replaces it.
async fn put(aws: &Aws, name: &str, spec: &ScheduleSpec) -> Result<()> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let retries = RetryPolicy::builder()
        .maximum_retry_attempts(number(spec.retries))
        .maximum_event_age_in_seconds(number(spec.maximum_age));
    let dead_letters =
        spec.dead_letters.as_ref().map(|queue| DeadLetterConfig::builder().arn(queue.id()).build());
    let target = Target::builder()
        .arn(spec.target.wanted()?.id())
        .role_arn(spec.role.wanted()?.id())
        .retry_policy(retries.build())
        .set_dead_letter_config(dead_letters)
        .build()
        .expect("it has an ARN and a role");
    let at_once = FlexibleTimeWindow::builder()
        .mode(FlexibleTimeWindowMode::Off)
        .build()
        .expect("it has a mode");
    let state = if spec.enabled { ScheduleState::Enabled } else { ScheduleState::Disabled };
    let expression = spec.expression.wanted()?;
    if look(aws, name).await?.is_some() {
        let request = aws
            .scheduler
            .update_schedule()
            .group_name(name)
            .name(name)
            .schedule_expression(expression)
            .schedule_expression_timezone(&spec.timezone)
            .target(target)
            .flexible_time_window(at_once)
            .state(state);
        aws.send(&scheduler::UPDATE_SCHEDULE, "change the schedule", || request.clone().send())
            .await?;
    } else {
        let request = aws
            .scheduler
            .create_schedule()
            .group_name(name)
            .name(name)
            .schedule_expression(expression)
            .schedule_expression_timezone(&spec.timezone)
            .target(target)
            .flexible_time_window(at_once)
            .state(state);
        aws.send(&scheduler::CREATE_SCHEDULE, "create the schedule", || request.clone().send())
            .await?;
    }
    Ok(())
}

/// The schedule of a group of its own; none when it has none.
async fn look(aws: &Aws, name: &str) -> Result<Option<Description>> {
    let request = aws.scheduler.get_schedule().group_name(name).name(name);
    let look =
        aws.send(&scheduler::GET_SCHEDULE, "look at the schedule", || request.clone().send());
    unless_gone(look.await)
}
