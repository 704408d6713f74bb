//! A task that runs to its end because somebody or something asks for it, beside those that ECS
//! keeps running: `RunTask`, `DescribeTasks`.

use aws_sdk_ecs::types::{
    ContainerOverride, LaunchType, NetworkConfiguration, PropagateTags, Task as Description,
    TaskOverride,
};
use deployer_core::{Cause, Failure};
use deployer_engine::{Result, Task};

use crate::Aws;
use crate::ecs::{self, tasks};
use crate::missing::Required;
use crate::send::unless_gone;

/// What a failure to begin one says.
pub(super) const START: &str = "start the task";

/// What is run, and where.
pub(super) struct OneOff<'a> {
    pub(super) cluster: &'a str,
    pub(super) task_definition: &'a str,
    /// The container that does the work; all others of the task definition run beside it.
    pub(super) container: &'a str,
    pub(super) network: NetworkConfiguration,
    /// The version of Fargate's platform; ECS's own choice when there is none.
    pub(super) platform: Option<&'a str>,
}

impl OneOff<'_> {
    /// Starts it with a command in place of the container's own, which it keeps where that is empty;
    /// or finds the task that was started with this token. Gives the task's ARN.
    pub(super) async fn start(&self, aws: &Aws, command: &[String], token: &str) -> Result<String> {
        let instead = ContainerOverride::builder()
            .name(self.container)
            .set_command(Some(command.to_vec()))
            .build();
        let instead = TaskOverride::builder().container_overrides(instead).build();
        let request = aws
            .ecs
            .run_task()
            .cluster(self.cluster)
            .task_definition(self.task_definition)
            .launch_type(LaunchType::Fargate)
            .set_platform_version(self.platform.map(ToOwned::to_owned))
            .network_configuration(self.network.clone())
            .propagate_tags(PropagateTags::TaskDefinition)
            .enable_ecs_managed_tags(true)
            .started_by(starter(token))
            .client_token(token)
            .set_overrides((!command.is_empty()).then_some(instead));
        let answer = aws.send(&ecs::RUN_TASK, START, || request.clone().send()).await?;
        // An answer without a task is no error of the call (ECS API reference, `Failure`).
        if let Some(failure) = answer.failures().first() {
            let reason = failure.reason().unwrap_or("ECS does not say why");
            let detail = failure.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
            return Err(Failure::new(Cause::NotYet, START, format!("{reason}{detail}")));
        }
        let task = answer.tasks.unwrap_or_default().pop().and_then(|task| task.task_arn);
        task.required("the ARN of a task")
    }
}

/// By what a task is found that was started with a token.
pub(super) fn starter(token: &str) -> String {
    format!("deployer-{token}")
}

/// A task of a cluster as ECS describes it, by its identifier or its ARN; none where ECS does not
/// show it.
pub(super) async fn described(aws: &Aws, cluster: &str, id: &str) -> Result<Option<Description>> {
    let found = tasks::describe(aws, cluster, std::slice::from_ref(&id.to_owned())).await;
    Ok(unless_gone(found)?.unwrap_or_default().into_iter().next())
}

/// The same, without what only ECS has a word for.
pub(super) async fn look(aws: &Aws, cluster: &str, id: &str) -> Result<Option<Task>> {
    described(aws, cluster, id).await?.as_ref().map(tasks::task).transpose()
}

/// With what a container ended.
pub(super) fn exit_code(task: &Task, container: &str) -> Option<i32> {
    task.containers.iter().find(|it| it.name == container)?.exit_code
}
