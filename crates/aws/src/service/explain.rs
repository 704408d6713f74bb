//! Why the tasks of a service stop: in the words of ECS, of the containers, and of their logs.

use aws_sdk_ecs::types::{
    Container, Deployment, DesiredStatus, LogDriver, Service as Description, Task, TaskStopCode,
};
use deployer_engine::Result;

use crate::Aws;
use crate::call::read;

/// How many lines of a container's log are told.
const LINES: i32 = 10;

/// A task that stopped.
pub(super) struct Stopped(Task);

impl Stopped {
    /// Whether the task itself is why it stopped: it did not start, or an essential container
    /// ended. Others stop because ECS or somebody wanted it.
    pub(super) fn is_its_own_fault(&self) -> bool {
        matches!(
            self.0.stop_code(),
            Some(TaskStopCode::TaskFailedToStart | TaskStopCode::EssentialContainerExited)
        )
    }

    /// Why it stopped, in one line.
    pub(super) fn reason(&self) -> String {
        let reason = self.0.stopped_reason().unwrap_or("ECS does not say why");
        let mut words = vec![reason.trim_end_matches('.').to_owned()];
        for container in self.0.containers() {
            let name = container.name().unwrap_or("a container");
            if let Some(code) = container.exit_code().filter(|code| *code != 0) {
                words.push(format!("{name} ended with exit code {code}"));
            }
            if let Some(reason) = container.reason().filter(|text| !text.is_empty()) {
                words.push(format!("{name}: {}", reason.trim_end_matches('.')));
            }
        }
        words.join("; ")
    }

    /// The container to look at: the first that ended badly, else the first.
    fn culprit(&self) -> Option<&Container> {
        let ended_badly = |container: &&Container| container.exit_code().is_some_and(|it| it != 0);
        let containers = self.0.containers();
        containers.iter().find(ended_badly).or_else(|| containers.first())
    }
}

/// Why a rollout failed: what ECS says of it, of its newest stopped task, and what that wrote.
pub(super) async fn failure(
    aws: &Aws,
    service: &Description,
    deployment: Option<&Deployment>,
) -> Result<String> {
    let mut lines = Vec::new();
    let reason = deployment.and_then(Deployment::rollout_state_reason);
    lines.extend(reason.filter(|text| !text.ends_with("in progress.")).map(ToOwned::to_owned));
    let stopped = match deployment {
        Some(deployment) => stopped(aws, service, deployment).await?,
        None => None,
    };
    if let Some(task) = &stopped {
        lines.push(format!("a task stopped: {}", task.reason()));
        lines.extend(log(aws, task).await?);
    } else {
        let event = service.events().first().and_then(|event| event.message());
        lines.extend(event.map(ToOwned::to_owned));
    }
    if lines.is_empty() {
        lines.push("its rollout failed, and ECS no longer says why".to_owned());
    }
    Ok(lines.join("\n"))
}

/// The newest task of a deployment that stopped. ECS shows stopped tasks for an hour (ECS
/// developer guide, "Viewing stopped task errors").
pub(super) async fn stopped(
    aws: &Aws,
    service: &Description,
    deployment: &Deployment,
) -> Result<Option<Stopped>> {
    let request = aws
        .ecs
        .list_tasks()
        .set_cluster(service.cluster_arn.clone())
        .set_service_name(service.service_name.clone())
        .desired_status(DesiredStatus::Stopped);
    let listed = read("find the stopped tasks (ecs:ListTasks)", || request.clone().send()).await?;
    let arns = listed.task_arns.unwrap_or_default();
    if arns.is_empty() {
        return Ok(None);
    }
    // A page of ListTasks has no more than DescribeTasks takes: 100 (ECS API reference).
    let request =
        aws.ecs.describe_tasks().set_cluster(service.cluster_arn.clone()).set_tasks(Some(arns));
    let described =
        read("look at the stopped tasks (ecs:DescribeTasks)", || request.clone().send()).await?;
    let tasks = described.tasks.unwrap_or_default().into_iter();
    // The tasks of a service are started by its deployment (ECS API reference, `startedBy`).
    let stopped = tasks
        .filter(|task| task.started_by() == deployment.id())
        .filter(|task| task.stop_code().is_some())
        .map(Stopped);
    // The newest, but one that is to blame before one that is not.
    Ok(stopped.max_by_key(|task| (task.is_its_own_fault(), task.0.stopping_at().copied())))
}

/// What the service last said, if that was after the deployment began.
pub(super) fn newest_event(service: &Description, deployment: &Deployment) -> Option<String> {
    let event = service.events().first()?;
    let is_new = event.created_at()? >= deployment.created_at()?;
    // Each event begins with `(service name) `.
    let message = event.message().filter(|_| is_new)?;
    let message = message.strip_prefix("(service ").and_then(|rest| rest.split_once(") "));
    message.map(|(_, words)| words.trim_end_matches('.').to_owned())
}

/// The last lines that the container to blame wrote. Logs only help to explain, so a log that
/// cannot be read is no failure.
async fn log(aws: &Aws, task: &Stopped) -> Result<Vec<String>> {
    let Some((group, stream)) = stream(aws, task).await? else { return Ok(Vec::new()) };
    let request =
        aws.logs.get_log_events().log_group_name(&group).log_stream_name(stream).limit(LINES);
    let attempted = "read the container's log (logs:GetLogEvents)";
    match read(attempted, || request.clone().send()).await {
        Ok(answer) => {
            let lines = answer.events().iter().filter_map(|event| event.message());
            let mut told: Vec<String> = lines.map(|line| format!("  {line}")).collect();
            if !told.is_empty() {
                told.insert(0, format!("the end of its log in {group}:"));
            }
            Ok(told)
        }
        Err(failure) => {
            tracing::debug!(%failure, "explains without the log");
            Ok(Vec::new())
        }
    }
}

/// The log group and stream of the container to blame: `prefix/container/task` (ECS developer
/// guide, "Using the awslogs log driver").
async fn stream(aws: &Aws, task: &Stopped) -> Result<Option<(String, String)>> {
    let Some(definition) = task.0.task_definition_arn() else { return Ok(None) };
    let request = aws.ecs.describe_task_definition().task_definition(definition);
    let attempted = "look at the task definition (ecs:DescribeTaskDefinition)";
    let answer = read(attempted, || request.clone().send()).await?;
    let find = || {
        let name = task.culprit()?.name()?;
        let mut containers = answer.task_definition()?.container_definitions().iter();
        let logging = containers.find(|other| other.name() == Some(name))?.log_configuration()?;
        let options = logging.options().filter(|_| *logging.log_driver() == LogDriver::Awslogs)?;
        let id = task.0.task_arn()?.rsplit('/').next()?;
        let stream = format!("{}/{name}/{id}", options.get("awslogs-stream-prefix")?);
        Some((options.get("awslogs-group")?.clone(), stream))
    };
    Ok(find())
}
