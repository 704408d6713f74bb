//! Why a task stopped: in the words of ECS, of its containers, and of its log.

use aws_sdk_ecs::types::{ContainerDefinition, TaskDefinition};
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

    /// Why it stopped, in one line. One that ECS stopped ends with the code of its signal, which
    /// says nothing.
    pub(super) fn reason(&self) -> String {
        let reason = self.1.reason.as_deref().unwrap_or("ECS does not say why");
        let mut words = vec![reason.trim_end_matches('.').to_owned()];
        // Where none ended badly one that ended well is why.
        let is_good_end = !self.0.containers.iter().any(ended_by_itself);
        for container in &self.0.containers {
            let name = &container.name;
            let is_why = is_good_end || ended_by_itself(container);
            if let Some(code) = container.exit_code.filter(|_| is_why)
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

    /// The container to look at, which is an essential one where one of these ended the task: what ended
    /// by itself, rather badly than well, made the others end. Where ECS stopped the task it is one that
    /// is not healthy; else the first.
    fn culprit(&self, is_essential: impl Fn(&str) -> bool) -> Option<&Container> {
        let containers = &self.0.containers;
        let ended_well = |it: &Container| it.exit_code == Some(0);
        let is_ill = |it: &Container| it.health == Health::Unhealthy;
        let signs: &[&dyn Fn(&Container) -> bool] = if self.is_its_own_fault() {
            &[&ended_by_itself, &ended_well, &ended_badly, &is_ill]
        } else {
            &[&is_ill, &ended_by_itself, &ended_badly]
        };
        let may_be_why =
            |it: &&Container| self.1.cause != StopCause::Ended || is_essential(&it.name);
        let find = |is: &&dyn Fn(&Container) -> bool| {
            containers.iter().filter(may_be_why).find(|it| is(it))
        };
        signs.iter().find_map(find).or_else(|| containers.first())
    }
}

fn ended_badly(container: &Container) -> bool {
    container.exit_code.is_some_and(|code| code != 0)
}

/// Whether it ended badly, and not because it was told to.
fn ended_by_itself(container: &Container) -> bool {
    let was_told = container.exit_code.is_some_and(|code| STOPPED.contains(&code));
    ended_badly(container) && (container.reason.is_some() || !was_told)
}

/// The container to blame for a task that stopped.
pub(super) struct Culprit<'a> {
    pub(super) container: &'a Container,
    /// What the task definition says of it.
    pub(super) definition: Option<&'a ContainerDefinition>,
    /// The group and the stream of its log, where that is in CloudWatch Logs.
    log: Option<(String, String)>,
}

impl<'a> Culprit<'a> {
    /// Finds it, by what the task definition says of its containers.
    pub(super) fn of(task: &'a Stopped, definition: &'a TaskDefinition) -> Option<Self> {
        let definitions = definition.container_definitions();
        let is_essential = |name: &str| {
            definitions.iter().any(|it| it.name() == Some(name) && it.essential() != Some(false))
        };
        let container = task.culprit(is_essential)?;
        let name = &container.name;
        let log = logging::of_each(definitions).remove(name);
        let log = log.map(|log| (log.group.clone(), log.stream(name, &task.0.id)));
        let definition = definitions.iter().find(|it| it.name() == Some(name));
        Some(Self { container, definition, log })
    }
}

/// The last lines that the container to blame wrote. Logs only help to explain, so a log that
/// cannot be read is no failure.
pub(super) async fn log(aws: &Aws, culprit: Option<&Culprit<'_>>) -> Result<Vec<String>> {
    let Some((group, stream)) = culprit.and_then(|it| it.log.as_ref()) else {
        return Ok(Vec::new());
    };
    let request =
        aws.logs.get_log_events().log_group_name(group).log_stream_name(stream).limit(LINES);
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

/// The text with target groups by their names, which is all that a person needs of their ARNs.
pub(super) fn with_names(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let arn = word.trim_matches(['(', ')', '.', ',']);
        let name = arn.split_once(":targetgroup/").and_then(|(_, rest)| rest.split('/').next());
        name.map_or_else(|| word.to_owned(), |name| word.replace(arn, name))
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use deployer_engine::TaskState;

    use super::*;

    /// A task whose containers ended so.
    fn stopped(cause: StopCause, codes: &[(&str, i32)]) -> Stopped {
        let container = |(name, code): &(&str, i32)| Container {
            name: (*name).to_owned(),
            image: "image".to_owned(),
            digest: None,
            status: "STOPPED".to_owned(),
            health: Health::Unknown,
            exit_code: Some(*code),
            reason: None,
            has_shell: false,
        };
        let task = Task {
            id: "1a".to_owned(),
            state: TaskState::Stopped,
            status: "STOPPED".to_owned(),
            desired: "STOPPED".to_owned(),
            health: Health::Unknown,
            revision: "web:1".to_owned(),
            started_by: None,
            containers: codes.iter().map(container).collect(),
            created: None,
            started: None,
            stopping: None,
            stopped: None,
            stop: None,
            zone: None,
            address: None,
        };
        let reason = Some("Essential container in task exited".to_owned());
        Stopped(task, Stop { cause, code: Some("code".to_owned()), reason })
    }

    fn blamed(task: &Stopped, essential: &[&str]) -> String {
        task.culprit(|name| essential.contains(&name)).expect("one of them").name.clone()
    }

    #[test]
    fn what_was_told_to_end_is_not_blamed_for_what_ended_well() {
        let task = stopped(StopCause::Ended, &[("agent", 143), ("web", 0)]);
        assert_eq!(blamed(&task, &["agent", "web"]), "web");
        assert!(task.reason().contains("web ended with exit code 0"), "{}", task.reason());
        let task = stopped(StopCause::Ended, &[("agent", 1), ("web", 0)]);
        assert_eq!(blamed(&task, &["web"]), "web", "nothing waits for a container that may end");
        assert_eq!(blamed(&task, &["agent", "web"]), "agent", "a bad end says more");
        let task = stopped(StopCause::Ended, &[("prepare", 0), ("web", 137)]);
        assert_eq!(blamed(&task, &["web"]), "web");
    }

    #[test]
    fn of_a_task_that_ecs_stopped_the_container_that_is_ill_is_blamed() {
        let mut task = stopped(StopCause::Scheduler, &[("agent", 1), ("web", 143)]);
        task.0.containers[1].health = Health::Unhealthy;
        assert_eq!(blamed(&task, &["agent", "web"]), "web");
    }
}
