//! The tasks of a service: `ListTasks`, `DescribeTasks`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use aws_sdk_ecs::types::DesiredStatus;
use deployer_engine::{Found, Result, Task, Tasks, Which};
use deployer_kinds::Service;
use futures_util::future::try_join_all;

use crate::Aws;
use crate::ecs;
use crate::ecs::tasks::{describe, task};

impl Tasks<Aws> for Service {
    async fn tasks(aws: &Aws, live: &Found<Self>, which: &Which) -> Result<Vec<Task>> {
        let statuses: &[DesiredStatus] = match which {
            Which::Wanted => &[DesiredStatus::Running],
            Which::Stopped => &[DesiredStatus::Stopped],
            Which::All => &[DesiredStatus::Running, DesiredStatus::Stopped],
        };
        let of_status = |status| find(aws, &live.output.cluster, &live.output.name, status);
        let found = try_join_all(statuses.iter().cloned().map(of_status)).await?;
        // One that is told to stop between two calls is in both answers; the later is right.
        let found = found.into_iter().flatten().map(|task| (task.id.clone(), task));
        let mut tasks: Vec<Task> = found.collect::<BTreeMap<_, _>>().into_values().collect();
        tasks.sort_by_key(|task| Reverse(task.created));
        Ok(tasks)
    }
}

/// The tasks of a service that are to be in a state. ECS shows stopped ones for an hour.
pub(super) async fn find(
    aws: &Aws,
    cluster: &str,
    service: &str,
    status: DesiredStatus,
) -> Result<Vec<Task>> {
    let request =
        aws.ecs.list_tasks().cluster(cluster).service_name(service).desired_status(status);
    let pages = aws
        .pages(
            &ecs::LIST_TASKS,
            "find the tasks",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    let arns: Vec<String> =
        pages.into_iter().flat_map(|page| page.task_arns.unwrap_or_default()).collect();
    describe(aws, cluster, &arns).await?.iter().map(task).collect()
}
