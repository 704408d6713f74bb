//! How far the rollout of a service is.
//!
//! The deployment says it, not the `ServicesStable` waiter: that becomes true a few seconds before
//! the deployment is COMPLETED.

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service as Description};
use deployer_engine::{Context, Progress, Result};
use deployer_kinds::ServiceOutput;

use super::explain::{self, Stopped};
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
            .filter(|deployment| deployment.task_definition() == Some(&output.task_definition));
        let failed = failed.max_by_key(|deployment| deployment.created_at().copied());
        let why = explain::failure(cx.cloud, service, failed).await?;
        return Ok(Progress::Failed(format!("{why}\nECS has gone back to what ran before")));
    }
    let (running, desired) = (primary.running_count(), primary.desired_count());
    let stopped = match primary.failed_tasks() {
        0 => None,
        _ => explain::stopped(cx.cloud, service, primary).await?,
    };
    Ok(match primary.rollout_state() {
        Some(DeploymentRolloutState::Failed) => {
            Progress::Failed(explain::failure(cx.cloud, service, Some(primary)).await?)
        }
        Some(DeploymentRolloutState::Completed) if running == desired => Progress::Done(output),
        _ if primary.failed_tasks() >= FAILURES
            && stopped.as_ref().is_some_and(Stopped::is_its_own_fault) =>
        {
            Progress::Failed(explain::failure(cx.cloud, service, Some(primary)).await?)
        }
        _ => {
            let mut words = vec![format!("{running} of {desired} tasks running")];
            words.extend(stopped.map(|task| format!("one stopped: {}", task.reason())));
            words.extend(explain::newest_event(service, primary));
            Progress::Waiting(words.join("; "))
        }
    })
}

fn primary(service: &Description) -> Option<&Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}
