//! The rollouts of a service, which ECS calls service deployments: `ListServiceDeployments`,
//! `DescribeServiceDeployments`, `DescribeServiceRevisions`, `StopServiceDeployment`,
//! `ContinueServiceDeployment`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{
    ContainerImage, DeploymentLifecycleHookAction, DeploymentLifecycleHookDetail,
    DeploymentLifecycleHookTargetType, ServiceDeployment as Description, ServiceDeploymentAlarms,
    ServiceDeploymentCircuitBreaker, ServiceDeploymentRollbackMonitorsStatus,
    ServiceDeploymentStatus, ServiceRevision, ServiceRevisionSummary,
    StopServiceDeploymentStopType,
};
use deployer_core::{Cause, Failure};
use deployer_engine::{Found, Hold, Result, Revision, Rollout, RolloutState, Rollouts, Steering};
use deployer_kinds::{Service, ServiceOutput};
use jiff::{SignedDuration, Timestamp};

use crate::Aws;
use crate::ecs;
use crate::missing::Required;
use crate::moment::moment;
use crate::send::unless_gone;

/// The most rollouts that a page of `ListServiceDeployments` has (ECS API reference).
const LISTED: i32 = 100;

/// The most that `DescribeServiceDeployments` and `DescribeServiceRevisions` take (ECS API
/// reference).
pub(super) const A_CALL: usize = 20;

/// ECS remembers them for 90 days, and those since 25 October 2024 (ECS API reference).
impl Rollouts<Aws> for Service {
    async fn rollouts(aws: &Aws, live: &Found<Self>) -> Result<Vec<Rollout>> {
        newest(aws, &live.output, A_CALL).await
    }

    async fn rollout(aws: &Aws, _live: &Found<Self>, id: &str) -> Result<Option<Rollout>> {
        Ok(described(aws, vec![id.to_owned()]).await?.into_iter().next())
    }

    async fn steer(aws: &Aws, live: &Found<Self>, id: &str, how: &Steering) -> Result<()> {
        if !is_of(&live.output.id, id) {
            let message = format!("{id} is no rollout of {}", live.output.name);
            return Err(Failure::new(Cause::Refused, "steer the rollout", message));
        }
        match how {
            Steering::RollBack => stop(aws, id).await,
            Steering::Continue(hold) => {
                go_on(aws, id, hold, DeploymentLifecycleHookAction::Continue).await
            }
            Steering::Decline(hold) => {
                go_on(aws, id, hold, DeploymentLifecycleHookAction::Rollback).await
            }
        }
    }
}

/// How much later than its deployment a rollout may be recorded, or earlier. An assumption.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(5);

/// The newest rollouts of a service, so many at most, the newest first.
pub(super) async fn newest(aws: &Aws, output: &ServiceOutput, most: usize) -> Result<Vec<Rollout>> {
    let request = aws
        .ecs
        .list_service_deployments()
        .cluster(&output.cluster)
        .service(&output.name)
        .max_results(LISTED);
    let listed = aws
        .send(&ecs::LIST_SERVICE_DEPLOYMENTS, "find the rollouts", || request.clone().send())
        .await?;
    let mut listed = listed.service_deployments.unwrap_or_default();
    listed.sort_by_key(|brief| Reverse(brief.created_at));
    let arns = listed.into_iter().filter_map(|brief| brief.service_deployment_arn);
    let mut rollouts = described(aws, arns.take(most).collect()).await?;
    rollouts.sort_by_key(|rollout| Reverse(rollout.created));
    Ok(rollouts)
}

/// What ECS has recorded of the deployment that a change of a service began; none while it has
/// recorded nothing.
pub(super) async fn of(aws: &Aws, output: &ServiceOutput) -> Result<Option<Rollout>> {
    let mut rollouts = newest(aws, output, A_CALL).await?.into_iter();
    Ok(rollouts.find(|rollout| is_recorded(rollout, output)))
}

/// Whether a rollout is the record of a service's deployment. ECS does not say so anywhere
/// (containers-roadmap#2709). A revision and its deployment seem to have one number; otherwise it
/// is the one that brings up the task definition, and was recorded when the deployment began.
fn is_recorded(rollout: &Rollout, output: &ServiceOutput) -> bool {
    let Some(to) = &rollout.to else { return false };
    let number = |id: &str| id.rsplit('/').next().map(ToOwned::to_owned);
    if output.deployment.as_deref().is_some_and(|id| number(id) == number(&to.id)) {
        return true;
    }
    let begun = output.changed.and_then(|at| Timestamp::from_millisecond(at).ok());
    to.runs.as_deref() == Some(&output.task_definition)
        && begun
            .zip(rollout.created)
            .is_some_and(|(begun, recorded)| recorded.duration_since(begun).abs() <= AT_ONCE)
}

/// Whether a rollout is one of a service, by their ARNs: nobody ends another's by a slip.
fn is_of(service: &str, rollout: &str) -> bool {
    let Some((begin, name)) = service.split_once(":service/") else { return false };
    rollout.starts_with(&format!("{begin}:service-deployment/{name}/"))
}

async fn stop(aws: &Aws, id: &str) -> Result<()> {
    let request = aws
        .ecs
        .stop_service_deployment()
        .service_deployment_arn(id)
        .stop_type(StopServiceDeploymentStopType::Rollback);
    aws.send(&ecs::STOP_SERVICE_DEPLOYMENT, "take the rollout back", || request.clone().send())
        .await?;
    Ok(())
}

async fn go_on(
    aws: &Aws,
    id: &str,
    hold: &str,
    action: DeploymentLifecycleHookAction,
) -> Result<()> {
    let request = aws
        .ecs
        .continue_service_deployment()
        .service_deployment_arn(id)
        .hook_id(hold)
        .action(action);
    aws.send(&ecs::CONTINUE_SERVICE_DEPLOYMENT, "answer what the rollout waits for", || {
        request.clone().send()
    })
    .await?;
    Ok(())
}

/// Rollouts, at most as many as one call takes, with the revisions that they go from and to. Those
/// that are not there are left out.
async fn described(aws: &Aws, arns: Vec<String>) -> Result<Vec<Rollout>> {
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let request = aws.ecs.describe_service_deployments().set_service_deployment_arns(Some(arns));
    let answer = aws
        .send(&ecs::DESCRIBE_SERVICE_DEPLOYMENTS, "look at the rollouts", || request.clone().send())
        .await;
    let answer = unless_gone(answer)?;
    let found = answer.and_then(|answer| answer.service_deployments).unwrap_or_default();
    let revisions = revisions(aws, &found).await?;
    found.iter().map(|deployment| rollout(deployment, &revisions)).collect()
}

/// The revisions that rollouts go from and to, by their ARNs. They are gone with their service.
async fn revisions(
    aws: &Aws,
    deployments: &[Description],
) -> Result<BTreeMap<String, ServiceRevision>> {
    let arns: BTreeSet<String> = deployments
        .iter()
        .flat_map(|it| it.source_service_revisions().iter().chain(it.target_service_revision()))
        .filter_map(|revision| revision.arn.clone())
        .collect();
    let arns: Vec<String> = arns.into_iter().collect();
    let mut found = BTreeMap::new();
    for arns in arns.chunks(A_CALL) {
        let request =
            aws.ecs.describe_service_revisions().set_service_revision_arns(Some(arns.to_vec()));
        let answer = aws
            .send(&ecs::DESCRIBE_SERVICE_REVISIONS, "look at what they roll out", || {
                request.clone().send()
            })
            .await;
        let revisions = unless_gone(answer)?.and_then(|answer| answer.service_revisions);
        let revisions = revisions.unwrap_or_default().into_iter();
        found.extend(revisions.filter_map(|it| Some((it.service_revision_arn.clone()?, it))));
    }
    Ok(found)
}

fn rollout(
    deployment: &Description,
    revisions: &BTreeMap<String, ServiceRevision>,
) -> Result<Rollout> {
    let status = deployment.status().required("the status of a rollout")?;
    let id = deployment.service_deployment_arn().required("the ARN of a rollout")?;
    let of = |summary| revision(summary, revisions);
    let rollback = deployment.rollback();
    let reason = deployment.status_reason().or(rollback.and_then(|it| it.reason()));
    let bake = deployment.deployment_configuration().and_then(|it| it.bake_time_in_minutes());
    Ok(Rollout {
        id: id.to_owned(),
        state: state(status),
        status: status.as_str().to_owned(),
        reason: reason.map(ToOwned::to_owned),
        stage: deployment.lifecycle_stage().map(|stage| stage.as_str().to_owned()),
        from: deployment.source_service_revisions().iter().map(of).collect::<Result<_>>()?,
        to: deployment.target_service_revision().map(of).transpose()?,
        back_to: rollback.and_then(|it| it.service_revision_arn.clone()),
        bake: bake.and_then(|minutes| u32::try_from(minutes).ok()),
        failures: deployment.deployment_circuit_breaker().and_then(failures),
        alarms: deployment.alarms().map(alarms).unwrap_or_default(),
        holds: deployment.lifecycle_hook_details().iter().map(hold).collect::<Result<_>>()?,
        created: moment(deployment.created_at()),
        started: moment(deployment.started_at()),
        finished: moment(deployment.finished_at().or(deployment.stopped_at())),
    })
}

fn state(status: &ServiceDeploymentStatus) -> RolloutState {
    match status {
        ServiceDeploymentStatus::Pending => RolloutState::Pending,
        ServiceDeploymentStatus::InProgress => RolloutState::UnderWay,
        ServiceDeploymentStatus::StopRequested
        | ServiceDeploymentStatus::RollbackRequested
        | ServiceDeploymentStatus::RollbackInProgress => RolloutState::GoingBack,
        ServiceDeploymentStatus::Successful => RolloutState::Succeeded,
        ServiceDeploymentStatus::RollbackSuccessful => RolloutState::RolledBack,
        ServiceDeploymentStatus::Stopped => RolloutState::Stopped,
        ServiceDeploymentStatus::RollbackFailed => RolloutState::Failed,
        _ => RolloutState::Unknown,
    }
}

fn revision(
    summary: &ServiceRevisionSummary,
    revisions: &BTreeMap<String, ServiceRevision>,
) -> Result<Revision> {
    let id = summary.arn().required("the ARN of a revision")?;
    let revision = revisions.get(id);
    let images = revision.into_iter().flat_map(|it| it.container_images());
    Ok(Revision {
        id: id.to_owned(),
        runs: revision.and_then(|it| it.task_definition.clone()),
        digests: images
            .filter_map(|it| Some((it.container_name.clone()?, digest(it)?.to_owned())))
            .collect(),
        wanted: count(summary.requested_task_count()),
        running: count(summary.running_task_count()),
        pending: count(summary.pending_task_count()),
        traffic: summary.requested_production_traffic_weight(),
        test_traffic: summary.requested_test_traffic_weight(),
    })
}

/// The digest of an image: what ECS found by its tag, or what it is named by.
fn digest(image: &ContainerImage) -> Option<&str> {
    let named = || image.image().and_then(|image| Some(image.split_once('@')?.1));
    image.image_digest().or_else(named)
}

fn failures(breaker: &ServiceDeploymentCircuitBreaker) -> Option<(u32, u32)> {
    let is_off = breaker.status() == Some(&ServiceDeploymentRollbackMonitorsStatus::Disabled);
    (!is_off).then(|| (count(breaker.failure_count()), count(breaker.threshold())))
}

fn alarms(alarms: &ServiceDeploymentAlarms) -> BTreeMap<String, bool> {
    let went_off = alarms.triggered_alarm_names();
    let all = alarms.alarm_names().iter().chain(went_off);
    all.map(|name| (name.clone(), went_off.contains(name))).collect()
}

fn hold(hook: &DeploymentLifecycleHookDetail) -> Result<Hold> {
    let status = hook.status().required("the status of a hook")?;
    Ok(Hold {
        id: hook.hook_id().required("the id of a hook")?.to_owned(),
        status: status.as_str().to_owned(),
        is_for_people: hook.target_type() == Some(&DeploymentLifecycleHookTargetType::Pause),
        until: moment(hook.expires_at()),
        then: hook.timeout_action().map(|action| action.as_str().to_owned()),
    })
}

/// ECS counts nothing below zero.
fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_this_version_does_not_know_fail_no_look() {
        let deployment = Description::builder()
            .service_deployment_arn("arn")
            .status("REWINDING".into())
            .lifecycle_stage("PRE_PRODUCTION_TRAFFIC_SHIFT".into())
            .build();
        let found = rollout(&deployment, &BTreeMap::new()).unwrap();
        assert_eq!((found.state, found.status.as_str()), (RolloutState::Unknown, "REWINDING"));
        assert_eq!(found.stage.as_deref(), Some("PRE_PRODUCTION_TRAFFIC_SHIFT"));
    }

    #[test]
    fn a_rollout_of_another_service_is_not_steered() {
        let arn = |end: &str| format!("arn:aws:ecs:eu-west-1:123456789012:{end}");
        let service = arn("service/main/web");
        assert!(is_of(&service, &arn("service-deployment/main/web/1a")));
        for other in ["service-deployment/main/web2/1a", "service-deployment/other/web/1a", "x"] {
            assert!(!is_of(&service, &arn(other)), "{other}");
        }
    }

    #[test]
    fn a_deployment_is_found_among_what_ecs_recorded() {
        let output = ServiceOutput {
            id: "arn:aws:ecs:eu-west-1:123456789012:service/main/web".to_owned(),
            name: "web".to_owned(),
            cluster: "main".to_owned(),
            task_definition: "web:3".to_owned(),
            deployment: Some("ecs-svc/77".to_owned()),
            changed: Some(60_000),
        };
        let recorded = |revision: &str, runs: &str, second: i64| {
            let to = ServiceRevisionSummary::builder().arn(format!("revision/{revision}")).build();
            let revisions = ServiceRevision::builder()
                .service_revision_arn(format!("revision/{revision}"))
                .task_definition(runs)
                .build();
            let deployment = Description::builder()
                .service_deployment_arn("arn")
                .status(ServiceDeploymentStatus::Pending)
                .target_service_revision(to)
                .created_at(aws_smithy_types::DateTime::from_secs(second))
                .build();
            let revisions = BTreeMap::from([(format!("revision/{revision}"), revisions)]);
            is_recorded(&rollout(&deployment, &revisions).unwrap(), &output)
        };
        assert!(recorded("77", "web:2", 0), "by its number");
        assert!(recorded("5", "web:3", 61), "by what it runs and when");
        assert!(!recorded("5", "web:3", 0), "the same was tried before");
        assert!(!recorded("5", "web:2", 61), "another that began just then");
    }

    #[test]
    fn only_a_rollout_that_brought_what_was_wanted_has_succeeded() {
        use ServiceDeploymentStatus::{RollbackFailed, RollbackSuccessful, Stopped, Successful};
        let states = [Successful, RollbackSuccessful, Stopped, RollbackFailed].map(|it| state(&it));
        assert!(states.iter().all(|state| state.is_over()));
        assert_eq!(states.iter().filter(|it| **it == RolloutState::Succeeded).count(), 1);
        assert!(!state(&ServiceDeploymentStatus::RollbackInProgress).is_over());
    }
}
