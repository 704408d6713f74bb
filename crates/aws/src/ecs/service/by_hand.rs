//! One-off tasks of a service: its own containers, one of them with another command.

use aws_sdk_ecs::types::{ContainerDefinition, Task as Description};
use deployer_engine::{Found, Result, Run, RunOrder, Runs};
use deployer_kinds::Service;

use crate::Aws;
use crate::ecs::one_off::{OneOff, described, exit_code};
use crate::ecs::{logging, network, tasks};
use crate::missing::Required;

impl Runs<Aws> for Service {
    /// With the task definition, the network and the security groups that the service has by now, and
    /// so with its image, its roles and its secrets. On Fargate's own capacity, wherever the service
    /// is: what somebody waits for is not taken back. ECS counts it among no service's tasks.
    async fn begin(aws: &Aws, live: &Found<Self>, order: &RunOrder) -> Result<String> {
        let (spec, output) = (&live.spec, &live.output);
        let definition = logging::definition(aws, &output.task_definition).await?;
        let container = own(definition.container_definitions(), &live.badge.name);
        let task = OneOff {
            cluster: &output.cluster,
            task_definition: &output.task_definition,
            container: container.required("a container of the service")?,
            network: network(&spec.subnets, &spec.security_groups, spec.public_address),
            platform: Some(&spec.platform_version),
        };
        let task = task.start(aws, &order.command, &order.token).await?;
        Ok(tasks::id(&task).to_owned())
    }

    async fn run(aws: &Aws, live: &Found<Self>, id: &str) -> Result<Option<Run>> {
        let Some(found) = described(aws, &live.output.cluster, id).await? else { return Ok(None) };
        let container = instructed(&found).unwrap_or(&live.badge.name);
        let task = tasks::task(&found)?;
        Ok(Some(Run { exit_code: exit_code(&task, container), task }))
    }
}

/// The container that is the service's own: the one of its name, as sections make it, or the first
/// that the task cannot do without.
fn own<'a>(containers: &'a [ContainerDefinition], service: &str) -> Option<&'a str> {
    let names = || containers.iter().filter_map(|it| it.name());
    let is_essential = |it: &&ContainerDefinition| it.essential() != Some(false);
    names()
        .find(|name| *name == service)
        .or_else(|| containers.iter().find(is_essential).and_then(|it| it.name()))
}

/// The container of a task that was given another command. ECS may list the others beside it, without
/// one.
fn instructed(task: &Description) -> Option<&str> {
    let instead = task.overrides()?.container_overrides();
    instead.iter().find(|it| !it.command().is_empty())?.name()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ContainerOverride, TaskOverride};

    use super::*;

    #[test]
    fn the_services_own_container_gets_the_command() {
        let named = |name: &str, essential| {
            ContainerDefinition::builder().name(name).essential(essential).build()
        };
        let all = [named("proxy", false), named("log", true), named("web", true)];
        assert_eq!(own(&all, "web"), Some("web"));
        assert_eq!(own(&all, "shop"), Some("log"));
        assert_eq!(own(&[], "web"), None);
    }

    #[test]
    fn what_counts_is_how_the_container_ended_that_was_given_the_command() {
        let of = |name: &str, command: &[&str]| {
            let command = command.iter().map(|word| (*word).to_owned()).collect();
            ContainerOverride::builder().name(name).set_command(Some(command)).build()
        };
        let instead = TaskOverride::builder().container_overrides(of("log", &[]));
        let instead = instead.container_overrides(of("web", &["console"])).build();
        let task = Description::builder().overrides(instead).build();
        assert_eq!(instructed(&task), Some("web"));
        assert_eq!(instructed(&Description::builder().build()), None);
    }
}
