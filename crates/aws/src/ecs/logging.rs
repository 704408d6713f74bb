//! Where tasks write: `DescribeTaskDefinition`, and `FilterLogEvents` for what they
//! have written.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{ContainerDefinition, LogDriver, TaskDefinition};
use deployer_engine::{LogPage, LogQuery, Result};

use crate::Aws;
use crate::ecs;
use crate::logs::{self, Source, Streams};
use crate::missing::Required;

/// Where one container writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Log {
    pub(super) group: String,
    prefix: String,
}

impl Log {
    /// The stream of a container of a task: `prefix/container/task` (ECS developer guide, "Using
    /// the awslogs log driver").
    pub(super) fn stream(&self, container: &str, task: &str) -> String {
        format!("{}/{container}/{task}", self.prefix)
    }
}

/// A page of what the containers of a task definition have written.
pub(super) async fn page(aws: &Aws, definition: &str, query: &LogQuery) -> Result<LogPage> {
    let logging = of(aws, definition).await?;
    let asked = logging
        .iter()
        .filter(|(name, _)| query.container.as_ref().is_none_or(|container| container == *name));
    let sources: BTreeSet<Source> =
        asked.flat_map(|(container, log)| sources(container, log, query)).collect();
    logs::page(aws, &sources.into_iter().collect::<Vec<_>>(), query).await
}

/// Where a container's lines are to be looked for. Those of all its tasks are together with those
/// of other containers that have its prefix.
fn sources(container: &str, log: &Log, query: &LogQuery) -> Vec<Source> {
    let source = |streams| Source { group: log.group.clone(), streams };
    if !query.tasks.is_empty() {
        let streams = query.tasks.iter().map(|task| log.stream(container, task));
        return streams.map(|stream| source(Streams::Named(stream))).collect();
    }
    let prefix = match &query.container {
        Some(container) => format!("{}/{container}/", log.prefix),
        None => format!("{}/", log.prefix),
    };
    vec![source(Streams::Beginning(prefix))]
}

/// Where the containers of a task definition write, those that write to CloudWatch Logs.
pub(super) async fn of(aws: &Aws, definition: &str) -> Result<BTreeMap<String, Log>> {
    Ok(of_each(self::definition(aws, definition).await?.container_definitions()))
}

/// Where each of these containers writes, if that is CloudWatch Logs.
pub(super) fn of_each(containers: &[ContainerDefinition]) -> BTreeMap<String, Log> {
    containers.iter().filter_map(log).collect()
}

/// A task definition, by its family and revision or by its ARN.
pub(super) async fn definition(aws: &Aws, definition: &str) -> Result<TaskDefinition> {
    let request = aws.ecs.describe_task_definition().task_definition(definition);
    let answer = aws
        .send(&ecs::DESCRIBE_TASK_DEFINITION, "look at the task definition", || {
            request.clone().send()
        })
        .await?;
    answer.task_definition.required("the task definition")
}

fn log(container: &ContainerDefinition) -> Option<(String, Log)> {
    let logging = container.log_configuration()?;
    let options = logging.options().filter(|_| *logging.log_driver() == LogDriver::Awslogs)?;
    let option = |name| options.get(name).cloned();
    let log = Log { group: option("awslogs-group")?, prefix: option("awslogs-stream-prefix")? };
    Some((container.name()?.to_owned(), log))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(query: &LogQuery) -> Vec<Streams> {
        let log = Log { group: "/web".to_owned(), prefix: "ecs".to_owned() };
        sources("web", &log, query).into_iter().map(|source| source.streams).collect()
    }

    #[test]
    fn lines_are_asked_for_as_narrowly_as_they_are_wanted() {
        let all = LogQuery::default();
        assert_eq!(streams(&all), [Streams::Beginning("ecs/".to_owned())]);
        let of_container = LogQuery { container: Some("web".to_owned()), ..LogQuery::default() };
        assert_eq!(streams(&of_container), [Streams::Beginning("ecs/web/".to_owned())]);
        let of_task = LogQuery { tasks: ["1a".to_owned()].into(), ..LogQuery::default() };
        assert_eq!(streams(&of_task), [Streams::Named("ecs/web/1a".to_owned())]);
    }
}
