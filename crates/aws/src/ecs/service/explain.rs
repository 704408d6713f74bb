//! Why the tasks of a service stop: in the words of ECS, of the containers, and of their logs.

use aws_sdk_ecs::types::{Deployment, DesiredStatus, Service as Description};
use deployer_core::{Cause, Failure};
use deployer_engine::{Container, Result, Stop, StopCause, Task};
use jiff::Timestamp;

use super::{logging, tasks};
use crate::Aws;
use crate::logs;
use crate::missing::Required;
use crate::moment::moment;

/// How many lines of a container's log are told.
const LINES: i32 = 10;

/// How many events of a service are told.
const EVENTS: usize = 5;

/// How the events begin that tell of nothing but the ordinary course (ECS developer guide,
/// "Amazon ECS service event messages").
const ORDINARY: &[&str] = &[
    "deregistered ",
    "has begun draining ",
    "has reached a steady state",
    "has started ",
    "has stopped ",
    "registered ",
    "rolling back to ",
];

/// A task that stopped, and why.
pub(super) struct Stopped(Task, Stop);

impl Stopped {
    /// Whether the task itself is why it stopped: it did not start, or an essential container
    /// ended. Others stop because ECS or somebody wanted it.
    pub(super) fn is_its_own_fault(&self) -> bool {
        self.1.cause.is_its_own_fault()
    }

    /// Why it stopped, in one line. One that ECS stopped ends with the code of its signal, which
    /// says nothing.
    pub(super) fn reason(&self) -> String {
        let reason = self.1.reason.as_deref().unwrap_or("ECS does not say why");
        let mut words = vec![reason.trim_end_matches('.').to_owned()];
        for container in &self.0.containers {
            let name = &container.name;
            if let Some(code) = container.exit_code.filter(|code| *code != 0)
                && self.is_its_own_fault()
            {
                words.push(format!("{name} ended with exit code {code}"));
            }
            if let Some(reason) = &container.reason {
                words.push(format!("{name}: {}", reason.trim_end_matches('.')));
            }
        }
        words.join("; ")
    }

    /// What can be done about it.
    fn advice(&self, service: &Description) -> String {
        let name = self.culprit().map_or("the container", |container| &container.name);
        match self.1.cause {
            StopCause::NotStarted => "check that the image, the secrets and the \
                 log group it names exist, and that its execution role may read them; then \
                 publish again"
                .to_owned(),
            StopCause::Ended => {
                format!(
                    "find out why `{name}` ends, in its log or by running it here; then publish again"
                )
            }
            _ => {
                let ports = service.load_balancers().iter().filter_map(|it| it.container_port());
                let ports: Vec<String> = ports.map(|port| port.to_string()).collect();
                let listens = match ports.as_slice() {
                    [] => String::new(),
                    ports => format!(" listens on port {} and", ports.join(", ")),
                };
                format!(
                    "check that `{name}`{listens} passes its health check, soon enough for the \
                     grace period; then publish again"
                )
            }
        }
    }

    /// The container to look at: the first that ended badly, else the first.
    fn culprit(&self) -> Option<&Container> {
        let ended_badly = |container: &&Container| container.exit_code.is_some_and(|it| it != 0);
        let containers = &self.0.containers;
        containers.iter().find(ended_badly).or_else(|| containers.first())
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
    fn has_started(&self, task: &Task) -> bool {
        match self {
            Self::Deployment(deployment) => task.started_by.as_deref() == deployment.id(),
            Self::TaskDefinition(arn) => task.revision == *arn,
        }
    }
}

/// Why a rollout failed: what ECS says of it, of the task to blame, and what that wrote. `fate`
/// says what becomes of the service.
pub(super) async fn failure(
    aws: &Aws,
    service: &Description,
    rollout: &Rollout<'_>,
    fate: &str,
) -> Result<Failure> {
    let mut lines = Vec::new();
    let deployment = match rollout {
        Rollout::Deployment(deployment) => Some(*deployment),
        Rollout::TaskDefinition(_) => None,
    };
    let reason = deployment.and_then(Deployment::rollout_state_reason);
    lines.extend(reason.filter(|text| !text.ends_with("in progress.")).map(ToOwned::to_owned));
    let stopped = stopped(aws, service, rollout).await?;
    let begun = deployment.and_then(|deployment| moment(deployment.created_at()));
    let begun = begun.or_else(|| stopped.as_ref().and_then(|task| task.0.created));
    if let Some(task) = &stopped {
        lines.push(format!("task {} stopped: {}", task.0.id, task.reason()));
    }
    lines.extend(begun.map(|begun| events(service, begun)).unwrap_or_default());
    if let Some(task) = &stopped {
        lines.extend(log(aws, task).await?);
    }
    if lines.is_empty() {
        lines.push("ECS no longer says why".to_owned());
    }
    lines.push(fate.to_owned());
    let failure = Failure::new(Cause::Refused, "see its new tasks healthy", lines.join("\n"));
    Ok(match &stopped {
        Some(task) => failure.help(task.advice(service)),
        None => failure,
    })
}

/// The task to blame of those of a rollout that stopped: one that failed by itself before one that
/// ECS stopped, and the newest of them.
pub(super) async fn stopped(
    aws: &Aws,
    service: &Description,
    rollout: &Rollout<'_>,
) -> Result<Option<Stopped>> {
    let cluster = service.cluster_arn().required("the cluster of a service")?;
    let name = service.service_name().required("the name of a service")?;
    let tasks = tasks::find(aws, cluster, name, DesiredStatus::Stopped).await?.into_iter();
    let stopped = tasks.filter(|task| rollout.has_started(task)).filter_map(|mut task| {
        let stop = task.stop.take().filter(|stop| stop.code.is_some())?;
        Some(Stopped(task, stop))
    });
    Ok(stopped.max_by_key(|task| {
        (task.is_its_own_fault(), task.1.cause != StopCause::Surplus, task.0.stopping)
    }))
}

/// What ECS said since then that is not the ordinary course, each thing once, the oldest first.
fn events(service: &Description, since: Timestamp) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for event in service.events() {
        let words = event.message().map(words).unwrap_or_default();
        let is_ordinary = words.is_empty()
            || ORDINARY.iter().any(|begin| words.starts_with(begin))
            || words.ends_with("deployment completed");
        if moment(event.created_at()).is_none_or(|at| at < since) || told.len() == EVENTS {
            break;
        }
        if !is_ordinary && !told.iter().any(|line| line == words) {
            told.push(words.to_owned());
        }
    }
    told.into_iter().rev().map(|words| format!("ECS says: {words}")).collect()
}

/// The words of an event, each of which begins with `(service name) `.
fn words(message: &str) -> &str {
    let words = message.strip_prefix("(service ").and_then(|rest| rest.split_once(") "));
    words.map_or(message, |(_, words)| words).trim_end_matches('.')
}

/// What the service last said, if that was after the deployment began.
pub(super) fn newest_event(service: &Description, deployment: &Deployment) -> Option<String> {
    let event = service.events().first()?;
    let is_new = event.created_at()? >= deployment.created_at()?;
    event.message().filter(|_| is_new).map(|message| words(message).to_owned())
}

/// The last lines that the container to blame wrote. Logs only help to explain, so a log that
/// cannot be read is no failure.
async fn log(aws: &Aws, task: &Stopped) -> Result<Vec<String>> {
    let Some((group, stream)) = stream(aws, task).await? else { return Ok(Vec::new()) };
    let request =
        aws.logs.get_log_events().log_group_name(&group).log_stream_name(stream).limit(LINES);
    match aws
        .send(&logs::GET_LOG_EVENTS, "read the container's log", || request.clone().send())
        .await
    {
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

/// The log group and stream of the container to blame.
async fn stream(aws: &Aws, task: &Stopped) -> Result<Option<(String, String)>> {
    let Some(container) = task.culprit() else { return Ok(None) };
    let logging = logging::of(aws, &task.0.revision).await?;
    Ok(logging
        .get(&container.name)
        .map(|log| (log.group.clone(), log.stream(&container.name, &task.0.id))))
}
