//! How far the rollout of a service is.
//!
//! The deployment says it, not the `ServicesStable` waiter: that becomes true a few seconds before
//! the deployment is COMPLETED.

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service as Description};
use deployer_engine::{Context, Progress, Result};
use deployer_kinds::ServiceOutput;

use super::explain::{self, Rollout, Stopped};
use crate::Aws;
use crate::missing::Required;

/// How many tasks may fail before the rollout is taken for failed. One failure can be a machine's;
/// the same twice is the task's own, and waiting for the circuit breaker (three at least) only
/// takes longer to say so.
const FAILURES: i32 = 2;

/// Whether ECS has nothing to do for it. A rollout that failed is not over: asked again, it says
/// why.
pub(super) fn is_over(service: &Description) -> bool {
    let state = primary(service).and_then(Deployment::rollout_state);
    state.is_none_or(|state| *state == DeploymentRolloutState::Completed)
}

/// One look.
pub(super) async fn progress(
    cx: &Context<'_, Aws>,
    service: &Description,
    output: ServiceOutput,
) -> Result<Progress<ServiceOutput>> {
    let primary = primary(service).required("the deployment of a service")?;
    // The circuit breaker went back to what ran before.
    if primary.task_definition() != Some(&output.task_definition) {
        let failed = service.deployments().iter();
        let failed = failed
            .filter(|deployment| deployment.task_definition() == Some(&output.task_definition))
            .max_by_key(|deployment| deployment.created_at().copied());
        let failed =
            failed.map_or(Rollout::TaskDefinition(&output.task_definition), Rollout::Deployment);
        let fate = "ECS has gone back to what ran before";
        return Err(explain::failure(cx.cloud, service, &failed, fate).await?);
    }
    let rollout = Rollout::Deployment(primary);
    let (running, desired) = (primary.running_count(), primary.desired_count());
    let stopped = match primary.failed_tasks() {
        0 => None,
        _ => explain::stopped(cx.cloud, service, &rollout).await?,
    };
    match primary.rollout_state() {
        Some(DeploymentRolloutState::Failed) => {
            let fate = "ECS does not try it again";
            Err(explain::failure(cx.cloud, service, &rollout, fate).await?)
        }
        Some(DeploymentRolloutState::Completed) if running == desired => Ok(Progress::Done(output)),
        _ if primary.failed_tasks() >= FAILURES
            && stopped.as_ref().is_some_and(Stopped::is_its_own_fault) =>
        {
            Err(explain::failure(cx.cloud, service, &rollout, fate(service)).await?)
        }
        _ => {
            let mut words = vec![format!("{running} of {desired} tasks running")];
            words.extend(stopped.map(|task| format!("one stopped: {}", task.reason())));
            words.extend(explain::newest_event(service, primary));
            Ok(Progress::Waiting(words.join("; ")))
        }
    }
}

/// What becomes of a service whose new tasks keep failing.
fn fate(service: &Description) -> &'static str {
    let configuration = service.deployment_configuration();
    let breaker = configuration.and_then(|it| it.deployment_circuit_breaker());
    let ran_before = service.deployments().len() > 1;
    match breaker.filter(|breaker| breaker.enable()) {
        Some(breaker) if breaker.rollback() && ran_before => {
            "ECS tries a little longer, then goes back to what ran before"
        }
        Some(_) => "ECS tries a little longer, then gives up",
        None => "ECS goes on trying",
    }
}

fn primary(service: &Description) -> Option<&Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}
