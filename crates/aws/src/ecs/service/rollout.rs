//! How far the rollout of a service is that replaces a few tasks at a time.
//!
//! What is followed is the deployment that the change began, by its identifier: an answer may be
//! older than the change, somebody else may roll out next, and ECS may go back. The deployment
//! says how far it is, not the `ServicesStable` waiter: that becomes true a few seconds before the
//! deployment is COMPLETED, and also once ECS has gone back.

use aws_sdk_ecs::types::{
    Deployment, DeploymentRolloutState, DesiredStatus, Service as Description, ThresholdType,
};
use deployer_core::{Cause, Failure};
use deployer_engine::{
    Context, Health, Progress, Result, Rollout as Recorded, RolloutState, Task, TaskState,
};
use deployer_kinds::ServiceOutput;
use jiff::{SignedDuration, Timestamp};

use super::described::primary;
use super::ended::{Rollout, ended};
use super::explain;
use super::{rollouts, tasks};
use crate::Aws;
use crate::missing::Required;
use crate::moment::moment;

/// How long a task runs before it is believed to stay: ECS counts one that nothing checks as
/// healthy 40 s after it runs (`minimumHealthyPercent` in the ECS API reference).
const STEADY: SignedDuration = SignedDuration::from_secs(40);

/// How the circuit breaker counts unless it is set: so many percent of the tasks, within bounds
/// (`ThresholdConfiguration` in the ECS API reference; "How the Amazon ECS deployment circuit
/// breaker detects failures" in the developer guide).
const PERCENT: i32 = 50;
const BOUNDS: (i32, i32) = (3, 200);

/// Whether ECS has nothing to do for it. A rollout that failed is not over: asked again, it says
/// why.
pub(super) fn is_over(service: &Description) -> bool {
    let state = primary(service).and_then(Deployment::rollout_state);
    state.is_none_or(|state| *state == DeploymentRolloutState::Completed)
}

/// When its newest deployment last changed, in milliseconds since 1970.
pub(super) fn last_change(service: &Description) -> Option<i64> {
    let changes = service.deployments().iter().filter_map(|it| it.updated_at());
    changes.filter_map(|at| at.to_millis().ok()).max()
}

/// One look.
pub(super) async fn progress(
    cx: &Context<'_, Aws>,
    service: &Description,
    output: ServiceOutput,
) -> Result<Progress<ServiceOutput>> {
    let newest = primary(service).required("the deployment of a service")?;
    let id = output.deployment.as_deref().or(newest.id());
    let followed = service.deployments().iter().find(|it| it.id() == id);
    match followed {
        Some(followed) if followed.status() == Some("PRIMARY") => {
            if last_change(service) < output.changed {
                return Ok(not_shown());
            }
            current(cx, service, followed, output).await
        }
        // The circuit breaker went back to what ran before.
        Some(followed) if followed.rollout_state() == Some(&DeploymentRolloutState::Failed) => {
            Err(gone_back(cx, service, &Rollout::Deployment(followed)).await?)
        }
        _ => former(cx, service, followed, output).await,
    }
}

/// That an answer is older than the change.
pub(super) fn not_shown() -> Progress<ServiceOutput> {
    Progress::Waiting("ECS does not show the change yet".to_owned())
}

/// One look at the deployment that is followed while ECS works on it.
async fn current(
    cx: &Context<'_, Aws>,
    service: &Description,
    followed: &Deployment,
    output: ServiceOutput,
) -> Result<Progress<ServiceOutput>> {
    let (aws, of) = (cx.cloud, (service, cx.identity.address.name.as_str()));
    let rollout = Rollout::Deployment(followed);
    let (running, desired) = (followed.running_count(), followed.desired_count());
    if followed.rollout_state() == Some(&DeploymentRolloutState::Failed) {
        let fate = "ECS does not try it again";
        return Err(explain::failure(aws, of, &rollout, fate).await?);
    }
    let ended = ended(aws, service, &rollout).await?;
    let is_complete = followed.rollout_state() == Some(&DeploymentRolloutState::Completed);
    let is_complete = is_complete && running == desired;
    // A load balancer has checked them, and ECS has judged by that.
    if is_complete && ended.by_themselves == 0 && !service.load_balancers().is_empty() {
        return Ok(Progress::Done(output));
    }
    let tasks = match (is_complete, ended.by_themselves) {
        (false, 0) => Vec::new(),
        _ => started(aws, service, &rollout).await?,
    };
    let now = Timestamp::now();
    let stays = |task: &Task| is_steady(task, ended.by_themselves == 0, now);
    let all = usize::try_from(running).unwrap_or_default();
    if is_complete && tasks.len() >= all && tasks.iter().all(stays) {
        return Ok(Progress::Done(output));
    }
    let (threshold, failed) = (threshold(service, desired), followed.failed_tasks());
    // Those that ECS does not count.
    let keep_ending = ended.by_themselves - failed >= threshold && !tasks.iter().any(stays);
    if keep_ending || (failed >= threshold && !has_breaker(service)) {
        let fate = Some(fate(service));
        return Err(explain::failure_by(aws, of, &rollout, (ended, fate)).await?);
    }
    let new = if service.deployments().len() > 1 { " new" } else { "" };
    let mut words = vec![format!("{running} of {desired}{new} tasks running")];
    if is_complete {
        words.push("whether they stay".to_owned());
    }
    words.extend(ended.words(threshold));
    words.extend(explain::newest_event(service, followed));
    Ok(Progress::Waiting(words.join("; ")))
}

/// One look at a deployment that is not the newest, by what ECS has recorded of it: ECS has gone
/// back, somebody else has rolled out, or the answer is older than the deployment.
async fn former(
    cx: &Context<'_, Aws>,
    service: &Description,
    followed: Option<&Deployment>,
    output: ServiceOutput,
) -> Result<Progress<ServiceOutput>> {
    use RolloutState::{
        Failed, GoingBack, Pending, RolledBack, Stopped, Succeeded, UnderWay, Unknown,
    };
    let Some(recorded) = rollouts::of(cx.cloud, &output).await? else { return Ok(not_shown()) };
    let rollout =
        followed.map_or(Rollout::TaskDefinition(&output.task_definition), Rollout::Deployment);
    match recorded.state {
        Succeeded => Ok(Progress::Done(output)),
        Pending | UnderWay | Unknown => Ok(not_shown()),
        Stopped if is_overtaken(service, &recorded) => Err(overtaken(service)),
        GoingBack | RolledBack | Stopped | Failed => Err(gone_back(cx, service, &rollout).await?),
    }
}

/// Whether the newest deployment of a service came after one that ended: what ECS goes back to was
/// there before.
pub(super) fn is_overtaken(service: &Description, ended: &Recorded) -> bool {
    let newest = primary(service).and_then(|it| moment(it.created_at()));
    newest.zip(ended.created).is_some_and(|(newest, ended)| newest > ended)
}

pub(super) fn overtaken(service: &Description) -> Failure {
    let other = primary(service).and_then(Deployment::task_definition).unwrap_or("another");
    let name = other.rsplit('/').next().unwrap_or(other);
    let message = format!("somebody has begun another deployment since, of {name}");
    Failure::new(Cause::Refused, "follow its rollout", message)
        .help("when that one is done, run this again")
}

async fn gone_back(
    cx: &Context<'_, Aws>,
    service: &Description,
    rollout: &Rollout<'_>,
) -> Result<Failure> {
    let of = (service, cx.identity.address.name.as_str());
    explain::failure(cx.cloud, of, rollout, "ECS has gone back to what ran before").await
}

/// The tasks of a rollout that are to run.
async fn started(aws: &Aws, service: &Description, rollout: &Rollout<'_>) -> Result<Vec<Task>> {
    let cluster = service.cluster_arn().required("the cluster of a service")?;
    let name = service.service_name().required("the name of a service")?;
    let mut tasks = tasks::find(aws, cluster, name, DesiredStatus::Running).await?;
    tasks.retain(|task| rollout.has_started(task));
    Ok(tasks)
}

/// Whether a task is believed to stay: its containers' own checks say so, where none of its like
/// has ended by itself, or it has run for long enough. A clock that is wrong here makes that wait
/// shorter or longer, and nothing else.
fn is_steady(task: &Task, all_stay: bool, now: Timestamp) -> bool {
    let is_checked = task.health == Health::Healthy && all_stay;
    let has_run = task.started.is_some_and(|started| now.duration_since(started) >= STEADY);
    task.state == TaskState::Running && (is_checked || has_run)
}

/// How many tasks may fail before a rollout has failed: as many as the circuit breaker takes, also
/// where it is off. One failure can be a machine's.
pub(super) fn threshold(service: &Description, desired: i32) -> i32 {
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(|it| it.deployment_circuit_breaker());
    let set = breaker.and_then(|it| it.threshold_configuration());
    let value = set.map_or(PERCENT, |it| it.value());
    let share = i64::from(value) * i64::from(desired);
    let share = i32::try_from((share + 99) / 100).unwrap_or(i32::MAX);
    match set.map(|it| it.r#type()) {
        Some(ThresholdType::Count) => value.max(1),
        Some(ThresholdType::UnboundedPercent) => share.max(1),
        _ => share.clamp(BOUNDS.0, BOUNDS.1),
    }
}

/// What becomes of a service whose new tasks keep failing, where ECS does not give up.
fn fate(service: &Description) -> &'static str {
    if has_breaker(service) {
        "ECS goes on trying: its circuit breaker does not count tasks that end after they ran"
    } else {
        "ECS goes on trying"
    }
}

fn has_breaker(service: &Description) -> bool {
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(|it| it.deployment_circuit_breaker());
    breaker.is_some_and(|breaker| breaker.enable())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{
        DeploymentCircuitBreaker, DeploymentConfiguration, ThresholdConfiguration,
    };

    use super::*;

    fn service(breaker: DeploymentCircuitBreaker) -> Description {
        let configuration =
            DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build();
        Description::builder().deployment_configuration(configuration).build()
    }

    fn of_type(kind: ThresholdType, value: i32) -> DeploymentCircuitBreaker {
        let set = ThresholdConfiguration::builder().r#type(kind).value(value).build().unwrap();
        DeploymentCircuitBreaker::builder().enable(true).threshold_configuration(set).build()
    }

    #[test]
    fn as_many_tasks_may_fail_as_the_circuit_breaker_takes() {
        let usual = service(DeploymentCircuitBreaker::builder().enable(false).build());
        let taken = [1, 2, 7, 50, 1000].map(|desired| threshold(&usual, desired));
        assert_eq!(taken, [3, 3, 4, 25, 200]);
        let set = |kind, value, desired| threshold(&service(of_type(kind, value)), desired);
        assert_eq!(set(ThresholdType::Count, 1, 50), 1);
        assert_eq!(set(ThresholdType::UnboundedPercent, 1, 50), 1);
        assert_eq!(set(ThresholdType::UnboundedPercent, 50, 1000), 500);
        assert_eq!(set(ThresholdType::BoundedPercent, 10, 10), 3);
    }

    #[test]
    fn a_task_that_nothing_checks_has_run_for_a_while_before_it_is_believed() {
        let now = Timestamp::UNIX_EPOCH;
        let task = |seconds, health| Task {
            id: "1a".to_owned(),
            state: TaskState::Running,
            status: "RUNNING".to_owned(),
            desired: "RUNNING".to_owned(),
            health,
            revision: "web:1".to_owned(),
            started_by: None,
            containers: vec![],
            created: None,
            started: Some(now - SignedDuration::from_secs(seconds)),
            stopping: None,
            stopped: None,
            stop: None,
            zone: None,
            address: None,
        };
        let is_steady = |seconds, health, all| is_steady(&task(seconds, health), all, now);
        assert!(!is_steady(39, Health::Unknown, true));
        assert!(is_steady(40, Health::Unknown, true));
        assert!(is_steady(1, Health::Healthy, true), "its own check says so");
        assert!(!is_steady(1, Health::Healthy, false), "others like it have ended");
        assert!(is_steady(40, Health::Healthy, false));
    }
}
