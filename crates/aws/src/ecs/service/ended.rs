//! The tasks of a rollout that stopped.

use aws_sdk_ecs::types::{Deployment, DesiredStatus, Service as Description};
use deployer_engine::{Result, StopCause, Task};

use super::tasks;
use crate::Aws;
use crate::ecs::stopped::Stopped;
use crate::missing::Required;

/// The tasks of a rollout that stopped.
pub(super) struct Ended {
    /// How many were themselves why they stopped.
    pub(super) by_themselves: i32,
    /// The one to blame: one that failed by itself before one that ECS stopped, and the newest of
    /// them; none that ECS merely no longer needed.
    pub(super) newest: Option<Stopped>,
}

impl Ended {
    /// What there is to say of them while it goes on; `most` may end by themselves.
    pub(super) fn words(&self, most: i32) -> Option<String> {
        let reason = self.newest.as_ref()?.reason();
        Some(match self.by_themselves {
            0 => format!("one stopped: {reason}"),
            ended => format!("{ended} ended ({most} are too many): {reason}"),
        })
    }
}

/// What is rolled out: by its deployment, or by its task definition once ECS has gone back and
/// forgotten the deployment.
pub(super) enum Rollout<'a> {
    Deployment(&'a Deployment),
    TaskDefinition(&'a str),
}

impl Rollout<'_> {
    /// Whether it started a task: the tasks of a service are started by its deployment (ECS API
    /// reference, `startedBy`).
    pub(super) fn has_started(&self, task: &Task) -> bool {
        match self {
            Self::Deployment(deployment) => task.started_by.as_deref() == deployment.id(),
            Self::TaskDefinition(arn) => task.revision == *arn,
        }
    }

    /// What it rolls out, by its ARN.
    pub(super) fn revision(&self) -> Option<&str> {
        match self {
            Self::Deployment(deployment) => deployment.task_definition(),
            Self::TaskDefinition(arn) => Some(arn),
        }
    }
}

/// The tasks of a rollout that stopped.
pub(super) async fn ended(
    aws: &Aws,
    service: &Description,
    rollout: &Rollout<'_>,
) -> Result<Ended> {
    let cluster = service.cluster_arn().required("the cluster of a service")?;
    let name = service.service_name().required("the name of a service")?;
    let tasks = tasks::find(aws, cluster, name, DesiredStatus::Stopped).await?.into_iter();
    let stopped = tasks.filter(|task| rollout.has_started(task)).filter_map(Stopped::of);
    let stopped: Vec<Stopped> = stopped.collect();
    let by_themselves = stopped.iter().filter(|task| task.is_its_own_fault()).count();
    // What ECS no longer needed says nothing.
    let telling = stopped.into_iter().filter(|task| task.1.cause != StopCause::Surplus);
    let newest = telling.max_by_key(|task| (task.is_its_own_fault(), task.0.stopping));
    Ok(Ended { by_themselves: i32::try_from(by_themselves).unwrap_or(i32::MAX), newest })
}
