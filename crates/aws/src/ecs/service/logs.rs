//! What the tasks of a service have written.

use deployer_engine::{Found, LogPage, LogQuery, Logs, Result};
use deployer_kinds::Service;

use crate::Aws;
use crate::ecs::logging;

/// A log is found by what the service runs by now: lines that earlier revisions wrote to another
/// log group are not among them.
impl Logs<Aws> for Service {
    async fn log(aws: &Aws, live: &Found<Self>, query: &LogQuery) -> Result<LogPage> {
        logging::page(aws, &live.output.task_definition, query).await
    }
}
