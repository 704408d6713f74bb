//! Runs that somebody asks for.

use deployer_engine::{Found, Result, Run, RunOrder, Runs};
use deployer_kinds::Job;

use super::run;
use crate::Aws;
use crate::ecs::{one_off, tasks};

impl Runs<Aws> for Job {
    /// What is known of runs before releases stays as it is: nobody knows whether this one stands for
    /// one of them.
    async fn begin(aws: &Aws, live: &Found<Self>, order: &RunOrder) -> Result<String> {
        let task = run::start(aws, &live.spec, &order.command, &order.token).await?;
        Ok(tasks::id(&task).to_owned())
    }

    async fn run(aws: &Aws, live: &Found<Self>, id: &str) -> Result<Option<Run>> {
        let task = one_off::look(aws, live.spec.cluster.id(), id).await?;
        Ok(task
            .map(|task| Run { exit_code: one_off::exit_code(&task, &live.spec.container), task }))
    }
}
