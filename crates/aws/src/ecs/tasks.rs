//! Tasks, as ECS describes them: `DescribeTasks`.

use aws_sdk_ecs::types::{
    Container as ContainerDescription, HealthStatus, ManagedAgentName, Task as Description,
    TaskStopCode,
};
use deployer_engine::{Container, Health, Result, Stop, StopCause, Task, TaskState};

use crate::Aws;
use crate::ecs;
use crate::missing::Required;
use crate::moment::moment;

/// The most tasks that `DescribeTasks` takes (ECS API reference).
const TASKS_A_CALL: usize = 100;

/// How the reason begins of a task that ECS merely no longer needs: after a rollback, or since the
/// number of tasks is smaller (ECS developer guide, "Viewing Amazon ECS stopped task errors").
const SURPLUS: &str = "Scaling activity";

/// Tasks of a cluster; those that are not there are left out.
pub(crate) async fn describe(
    aws: &Aws,
    cluster: &str,
    tasks: &[String],
) -> Result<Vec<Description>> {
    let mut found = Vec::new();
    for tasks in tasks.chunks(TASKS_A_CALL) {
        let request = aws.ecs.describe_tasks().cluster(cluster).set_tasks(Some(tasks.to_vec()));
        let answer =
            aws.send(&ecs::DESCRIBE_TASKS, "look at the tasks", || request.clone().send()).await?;
        found.extend(answer.tasks.unwrap_or_default());
    }
    Ok(found)
}

/// What ECS says of a task.
pub(super) fn task(task: &Description) -> Result<Task> {
    let text = |value: Option<&str>| value.map(ToOwned::to_owned);
    let status = task.last_status().required("the status of a task")?;
    let arn = task.task_arn().required("the ARN of a task")?;
    let revision = task.task_definition_arn().required("the task definition of a task")?;
    let desired = task.desired_status().required("the wanted status of a task")?;
    let mut addresses = task.containers().iter().flat_map(|it| it.network_interfaces());
    Ok(Task {
        id: id(arn).to_owned(),
        state: state(status),
        status: status.to_owned(),
        desired: desired.to_owned(),
        health: health(task.health_status()),
        revision: revision.to_owned(),
        started_by: text(task.started_by()),
        containers: task.containers().iter().map(container).collect::<Result<_>>()?,
        created: moment(task.created_at()),
        started: moment(task.started_at()),
        stopping: moment(task.stopping_at()),
        stopped: moment(task.stopped_at()),
        stop: (desired == "STOPPED").then(|| stop(task)),
        zone: text(task.availability_zone()),
        address: addresses.find_map(|interface| text(interface.private_ipv4_address())),
    })
}

fn container(container: &ContainerDescription) -> Result<Container> {
    let text = |value: Option<&str>| value.map(ToOwned::to_owned);
    Ok(Container {
        name: text(container.name()).required("the name of a container")?,
        image: text(container.image()).required("the image of a container")?,
        digest: text(container.image_digest()),
        // Not said before it has begun.
        status: container.last_status().unwrap_or_default().to_owned(),
        health: health(container.health_status()),
        exit_code: container.exit_code(),
        reason: text(container.reason()).filter(|text| !text.is_empty()),
        has_shell: has_shell(container),
    })
}

/// Whether ECS Exec's agent runs in it, which it does some seconds after the container.
pub(super) fn has_shell(container: &ContainerDescription) -> bool {
    container.managed_agents().iter().any(|agent| {
        agent.name() == Some(&ManagedAgentName::ExecuteCommandAgent)
            && agent.last_status() == Some("RUNNING")
    })
}

/// The last part of a task's ARN, by which the console, the events and the logs know it.
pub(super) fn id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The states of a task's life (ECS developer guide, "Amazon ECS task lifecycle").
fn state(status: &str) -> TaskState {
    match status {
        "PROVISIONING" | "PENDING" | "ACTIVATING" => TaskState::Starting,
        "RUNNING" => TaskState::Running,
        "DEACTIVATING" | "STOPPING" | "DEPROVISIONING" => TaskState::Stopping,
        "STOPPED" | "DELETED" => TaskState::Stopped,
        _ => TaskState::Unknown,
    }
}

fn health(status: Option<&HealthStatus>) -> Health {
    match status {
        Some(HealthStatus::Healthy) => Health::Healthy,
        Some(HealthStatus::Unhealthy) => Health::Unhealthy,
        _ => Health::Unknown,
    }
}

fn stop(task: &Description) -> Stop {
    let reason = task.stopped_reason();
    let is_surplus = reason.is_some_and(|reason| reason.starts_with(SURPLUS));
    let cause = match task.stop_code() {
        Some(TaskStopCode::TaskFailedToStart) => StopCause::NotStarted,
        Some(TaskStopCode::EssentialContainerExited) => StopCause::Ended,
        _ if is_surplus => StopCause::Surplus,
        Some(TaskStopCode::ServiceSchedulerInitiated) => StopCause::Scheduler,
        Some(TaskStopCode::UserInitiated) => StopCause::Person,
        Some(
            TaskStopCode::SpotInterruption
            | TaskStopCode::TerminationNotice
            | TaskStopCode::InfrastructureHealth,
        ) => StopCause::Interrupted,
        _ => StopCause::Unknown,
    };
    Stop {
        cause,
        code: task.stop_code().map(|code| code.as_str().to_owned()),
        reason: reason.map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(code: Option<TaskStopCode>, reason: &str) -> StopCause {
        stop(&Description::builder().set_stop_code(code).stopped_reason(reason).build()).cause
    }

    #[test]
    fn a_task_that_ecs_no_longer_needs_is_told_from_one_that_it_found_ill() {
        let by_ecs = Some(TaskStopCode::ServiceSchedulerInitiated);
        let surplus = "Scaling activity initiated by (deployment ecs-svc/1)";
        let ill = "Task failed ELB health checks in (target-group arn:…)";
        assert_eq!(stopped(by_ecs.clone(), surplus), StopCause::Surplus);
        assert_eq!(stopped(by_ecs, ill), StopCause::Scheduler);
        assert_eq!(stopped(Some(TaskStopCode::UserInitiated), "by me"), StopCause::Person);
        assert_eq!(stopped(Some("Novelty".into()), ""), StopCause::Unknown);
        assert_eq!(stopped(None, ""), StopCause::Unknown);
    }

    #[test]
    fn a_state_that_this_version_does_not_know_fails_nothing() {
        assert_eq!(state("DEPROVISIONING"), TaskState::Stopping);
        assert_eq!(state("HIBERNATING"), TaskState::Unknown);
    }
}
