//! What the tasks of a job have written.

use deployer_engine::{Found, LogPage, LogQuery, Logs, Result};
use deployer_kinds::Job;

use crate::Aws;
use crate::ecs::logging;

impl Logs<Aws> for Job {
    async fn log(aws: &Aws, live: &Found<Self>, query: &LogQuery) -> Result<LogPage> {
        logging::page(aws, live.spec.task_definition.id(), query).await
    }
}
