//! Log groups of CloudWatch Logs: `CreateLogGroup`, `PutRetentionPolicy`, `DeleteRetentionPolicy`,
//! `DescribeLogGroups`, `ListTagsForResource`, `DeleteLogGroup`.

use aws_sdk_cloudwatchlogs::types::LogGroup as Description;
use deployer_core::{Cause, Failure, Phase, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{LogGroup, LogGroupOutput, LogGroupSpec};

use crate::Aws;
use crate::index::{TagIndex, one_by_one};
use crate::logs;
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};

const CREATE: &str = "create the log group";

impl Resource<Aws> for LogGroup {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let aws = survey.cloud;
        let groups = named(aws, &prefix(survey.scope)).await?;
        let arns = groups.iter().map(arn).collect::<Result<Vec<_>>>()?;
        let ask = |arns| one_by_one(aws, arns, logs::tags);
        let tags = survey.shared.get::<TagIndex>().of(survey, arns, ask).await?;
        groups
            .iter()
            .filter_map(|group| {
                let tags = tags.get(&arn(group).ok()?)?;
                let name = group.log_group_name();
                let owned = Owned::named::<Self>(survey.scope, name, tags)?;
                readable(survey, &owned, name, found(&owned, group))
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let groups = named(survey.cloud, id).await?;
        let group = groups.iter().find(|group| group.log_group_name() == Some(id));
        let Some(group) = group else { return Ok(None) };
        let tags = logs::tags(survey.cloud, &arn(group)?).await?;
        tags.map(|tags| found(&Owned::read::<Self>(survey.scope, Some(id), &tags), group))
            .transpose()
    }

    fn misnamed(scope: &Scope, output: &LogGroupOutput) -> Option<String> {
        Some(prefix(scope)).filter(|prefix| !output.id.starts_with(prefix))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &LogGroupSpec) -> Result<LogGroupOutput> {
        let name = &cx.identity.name;
        let request = cx
            .cloud
            .logs
            .create_log_group()
            .log_group_name(name)
            .set_tags(Some(logs::tagged(cx.identity)));
        let made = cx.cloud.send(&logs::CREATE_LOG_GROUP, CREATE, || request.clone().send()).await;
        match made {
            Ok(_) => {}
            Err(failure) if failure.cause == Cause::Taken => {
                if !is_ours(cx, name).await? {
                    return Err(failure);
                }
            }
            Err(failure) => return Err(failure),
        }
        if spec.retention_days != 0 {
            set_retention(cx.cloud, name, spec.retention_days).await?;
        }
        output(&find(cx.cloud, name).await?)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &LogGroupSpec,
    ) -> Result<LogGroupOutput> {
        set_retention(cx.cloud, &live.output.id, spec.retention_days).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &LogGroupOutput) -> Result<()> {
        logs::remember(cx, &output.arn).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.logs.delete_log_group().log_group_name(&live.output.id);
        cx.cloud
            .send(&logs::DELETE_LOG_GROUP, "delete the log group", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }
}

fn found(owned: &Owned, group: &Description) -> Result<Found<LogGroup>> {
    let days = group.retention_in_days().map(u32::try_from).transpose().ok();
    let key = group.kms_key_id().map(|key| format!("it is encrypted with the key {key}"));
    let lock = group.deletion_protection_enabled() == Some(true);
    let lock = lock.then(|| "it is protected against deletion".to_owned());
    Ok(Found {
        badge: owned.badge(),
        spec: LogGroupSpec {
            // A log group without a retention keeps its logs for ever.
            retention_days: days.required("the retention of a log group")?.unwrap_or(0),
        },
        output: output(group)?,
        phase: Phase::Ready,
        state: String::new(),
        foreign: key.into_iter().chain(lock).collect(),
    })
}

fn output(group: &Description) -> Result<LogGroupOutput> {
    let name = group.log_group_name().required("the name of a log group")?;
    Ok(LogGroupOutput { id: name.to_owned(), arn: arn(group)? })
}

/// What the names of a scope's log groups begin with; see [`deployer_core::Naming`].
fn prefix(scope: &Scope) -> String {
    format!("/{}/{}/", scope.stack, scope.environment)
}

/// The ARN as tags and policies want it, without the `:*` of all its streams.
fn arn(group: &Description) -> Result<String> {
    let arn = group.log_group_arn().or(group.arn()).required("the ARN of a log group")?;
    Ok(arn.trim_end_matches(":*").to_owned())
}

async fn named(aws: &Aws, prefix: &str) -> Result<Vec<Description>> {
    let request = aws.logs.describe_log_groups().log_group_name_prefix(prefix);
    let pages = aws
        .pages(
            &logs::DESCRIBE_LOG_GROUPS,
            "find the log groups",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.log_groups.unwrap_or_default()).collect())
}

async fn find(aws: &Aws, name: &str) -> Result<Description> {
    let mut groups = named(aws, name).await?.into_iter();
    groups.find(|group| group.log_group_name() == Some(name)).ok_or_else(|| {
        Failure::new(Cause::NotYet, "find the new log group", format!("`{name}` is not listed"))
    })
}

/// Whether a log group that is in the way is the very one this step is to make. A container whose
/// log group was deleted under it makes one too, without tags
/// (as Terraform's provider found).
async fn is_ours(cx: &Context<'_, Aws>, name: &str) -> Result<bool> {
    let arn = arn(&find(cx.cloud, name).await?)?;
    let tags = logs::tags(cx.cloud, &arn).await?.unwrap_or_default();
    Ok(ownership::is_this::<LogGroup>(cx, name, Some(name), Some(&tags)))
}

async fn set_retention(aws: &Aws, name: &str, days: u32) -> Result<()> {
    if days == 0 {
        let request = aws.logs.delete_retention_policy().log_group_name(name);
        aws.send(&logs::DELETE_RETENTION_POLICY, "keep the logs for ever", || {
            request.clone().send()
        })
        .await?;
    } else {
        let days = i32::try_from(days).ok().required("a number of days")?;
        let request = aws.logs.put_retention_policy().log_group_name(name).retention_in_days(days);
        aws.send(&logs::PUT_RETENTION_POLICY, "set the log group's retention", || {
            request.clone().send()
        })
        .await?;
    }
    Ok(())
}
