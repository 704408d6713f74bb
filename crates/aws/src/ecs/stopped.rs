//! Why a task stopped: in the words of ECS, of its containers, and of its log.

use deployer_engine::{Container, Health, Result, Stop, StopCause, Task};

use crate::Aws;
use crate::ecs::logging;
use crate::logs;

/// How a container ends that is stopped because another one has ended: by SIGKILL, or by SIGTERM.
const STOPPED: [i32; 2] = [128 + 9, 128 + 15];

/// How many lines of a container's log are shown.
const LINES: i32 = 10;

/// A task that stopped, and why.
pub(super) struct Stopped(pub(super) Task, pub(super) Stop);

impl Stopped {
    /// What ECS says of a task that is over; nothing where it does not say why.
    pub(super) fn of(mut task: Task) -> Option<Self> {
        let stop = task.stop.take().filter(|stop| stop.code.is_some())?;
        Some(Self(task, stop))
    }

    /// Whether the task itself is why it stopped: it did not start, or an essential container
    /// ended. Others stop because ECS or somebody wanted it.
    pub(super) fn is_its_own_fault(&self) -> bool {
        self.1.cause.is_its_own_fault()
    }

    /// Whether none of it ever ran.
    pub(super) fn has_not_started(&self) -> bool {
        self.1.cause == StopCause::NotStarted
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
        with_names(&words.join("; "))
    }

    /// The container to look at: one that ended badly, rather by itself than with the others; else
    /// one that is not healthy, else the first.
    pub(super) fn culprit(&self) -> Option<&Container> {
        let containers = &self.0.containers;
        let ended_badly = |it: &&Container| it.exit_code.is_some_and(|code| code != 0);
        let by_itself = |it: &&Container| {
            ended_badly(it)
                && (it.reason.is_some()
                    || it.exit_code.is_some_and(|code| !STOPPED.contains(&code)))
        };
        let is_ill = |it: &&Container| it.health == Health::Unhealthy;
        let find = |is: &dyn Fn(&&Container) -> bool| containers.iter().find(is);
        find(&by_itself)
            .or_else(|| find(&ended_badly))
            .or_else(|| find(&is_ill))
            .or_else(|| containers.first())
    }
}

/// The last lines that the container to blame wrote. Logs only help to explain, so a log that
/// cannot be read is no failure.
pub(super) async fn log(aws: &Aws, task: &Stopped) -> Result<Vec<String>> {
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

/// The text with target groups by their names, which is all that a person needs of their ARNs.
pub(super) fn with_names(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let arn = word.trim_matches(['(', ')', '.', ',']);
        let name = arn.split_once(":targetgroup/").and_then(|(_, rest)| rest.split('/').next());
        name.map_or_else(|| word.to_owned(), |name| word.replace(arn, name))
    });
    words.collect::<Vec<_>>().join(" ")
}
