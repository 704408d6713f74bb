//! A way into the tasks of a service, by ECS Exec: `ExecuteCommand`.

use aws_sdk_ecs::types::{Container, Task as Description};
use deployer_core::{Cause, Failure};
use deployer_engine::{Command, Found, Result, Session, Shell, Token};
use deployer_kinds::Service;

use crate::Aws;
use crate::ecs;
use crate::ecs::tasks;
use crate::missing::Required;

const OPEN: &str = "open a session in the task";

impl Shell<Aws> for Service {
    async fn open(aws: &Aws, live: &Found<Self>, command: &Command) -> Result<Session> {
        let cluster = &live.output.cluster;
        let task = tasks::describe(aws, cluster, std::slice::from_ref(&command.task)).await?;
        let task = task.first().ok_or_else(|| not_there(&format!("task {}", command.task)))?;
        let container = container(task, command.container.as_deref(), &live.badge.name)?;
        let name = container.name().required("the name of a container")?;
        let runtime = container.runtime_id();
        let request = aws
            .ecs
            .execute_command()
            .cluster(cluster)
            .task(&command.task)
            .container(name)
            .command(&command.line)
            // ECS takes no other (ECS API reference).
            .interactive(true);
        let opened = aws.send(&ecs::EXECUTE_COMMAND, OPEN, || request.clone().send()).await;
        let opened = opened.map_err(|failure| advise(failure, task))?;
        let session = opened.session().required("the session")?;
        let text = |value: Option<&str>, what: &str| value.map(ToOwned::to_owned).required(what);
        Ok(Session {
            id: text(session.session_id(), "the id of the session")?,
            url: text(session.stream_url(), "the address of the session")?,
            token: Token::new(text(session.token_value(), "the token of the session")?),
            target: target(cluster, &command.task, runtime.required("the id of a container")?),
        })
    }
}

/// The container to get into: the one that is named, or the service's own, which is called as it is,
/// or the first.
fn container<'a>(
    task: &'a Description,
    name: Option<&str>,
    service: &str,
) -> Result<&'a Container> {
    let named = |name| task.containers().iter().find(move |it| it.name() == Some(name));
    let found = match name {
        Some(name) => named(name),
        None => named(service).or_else(|| task.containers().first()),
    };
    found.ok_or_else(|| match name {
        Some(name) => not_there(&format!("container `{name}`")),
        None => not_there("container in it"),
    })
}

fn not_there(what: &str) -> Failure {
    Failure::new(Cause::Gone, OPEN, format!("there is no {what}"))
}

/// How the Session Manager plugin names a container, as the AWS CLI tells it (aws-cli,
/// `customizations/ecs/executecommand.py`).
fn target(cluster: &str, task: &str, runtime: &str) -> String {
    let cluster = cluster.rsplit('/').next().unwrap_or(cluster);
    format!("ecs:{cluster}_{}_{runtime}", tasks::id(task))
}

/// A task keeps what it was started with, and ECS has one sentence for that and for an agent that
/// does not run.
fn advise(failure: Failure, task: &Description) -> Failure {
    match failure.cause {
        Cause::Refused if !task.enable_execute_command() => failure.help(
            "set `execute-command: true` for the service and apply it: tasks that start after that \
             can be opened",
        ),
        // "Using ECS Exec" in the ECS developer guide; a root file system that is read-only keeps the
        // agent from starting (containers-roadmap#1359).
        Cause::NotYet => failure.help(
            "the agent in the task has not connected: its task role must allow \
             `ssmmessages:CreateControlChannel`, `ssmmessages:CreateDataChannel`, \
             `ssmmessages:OpenControlChannel` and `ssmmessages:OpenDataChannel`, its subnet needs a way \
             to `ssmmessages` (a NAT gateway or an endpoint), and its root file \
             system must not be read-only",
        ),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_end_is_named_as_the_plugin_wants_it() {
        let cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/notes-dev-main";
        assert_eq!(target(cluster, "1a", "1a-2"), "ecs:notes-dev-main_1a_1a-2");
    }

    #[test]
    fn without_a_name_it_is_the_services_own_container_or_the_first() {
        let named = |name: &str| Container::builder().name(name).build();
        let task = Description::builder().containers(named("web")).containers(named("log")).build();
        assert_eq!(container(&task, None, "shop").unwrap().name(), Some("web"));
        assert_eq!(container(&task, None, "log").unwrap().name(), Some("log"));
        assert_eq!(container(&task, Some("log"), "web").unwrap().name(), Some("log"));
        assert_eq!(container(&task, Some("db"), "web").unwrap_err().cause, Cause::Gone);
    }
}
