//! A way into what runs.

use std::time::Duration;

use deployer_core::{Cause, Live};
use serde::{Deserialize, Serialize};

use super::{Session, capability};
use crate::wait::Wait;
use crate::work::Work;
use crate::{Cloud, Result};

/// How long a task may let nobody in after it has started: ECS Exec's agent connects within seconds.
const PATIENCE: Duration = Duration::from_secs(30);

capability! {
    /// A kind into whose tasks one can get.
    Shell, AnyShell {
        /// Starts a command in a task and opens a session with it. It is a change, made once: where
        /// the reply got lost a session may be open that ends by itself. A task that lets nobody in
        /// yet is [`Cause::NotYet`]; [`Session::opened`] asks again.
        fn open(command: Command) -> Session;
    }
}

/// What is to be run, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Command {
    /// The task, as [`Task::id`](crate::Task).
    pub task: String,
    /// The container; its own, or the only or first one, when there is none.
    pub container: Option<String>,
    /// What is run, as one line, by no shell unless it names one: `sh -c "ls /"`.
    pub line: String,
}

impl Session {
    /// Opens one, and asks again for half a minute while the task has only just started and lets
    /// nobody in yet.
    ///
    /// # Errors
    /// As for [`Shell::open`].
    pub async fn opened<C: Cloud>(
        shell: &dyn AnyShell<C>,
        cloud: &C,
        live: &Live,
        command: &Command,
    ) -> Result<Self> {
        let wait = Wait::of(PATIENCE);
        loop {
            let failure = match shell.open(cloud, live, command).await {
                Err(failure) if failure.cause == Cause::NotYet => failure,
                opened => return opened,
            };
            match wait.next_look() {
                Some(pause) => Work::current().pause(pause).await,
                None => return Err(failure),
            }
        }
    }
}
