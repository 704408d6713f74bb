//! How a resource is run by hand.

use std::time::Duration;

use deployer_core::{Cause, Failure, Live};

use super::{AnyLogs, Line, LogQuery, Tail, capability};
use crate::random::random;
use crate::retry::insist;
use crate::wait::Wait;
use crate::work::Work;
use crate::{Cloud, Result, Task, TaskState};

/// How long there is between two looks at a run.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a run that was begun may not be shown yet.
const UNSEEN: Duration = Duration::from_mins(5);

/// How many looks at the log in a row show nothing new once the run is over, since lines become
/// visible some seconds late.
const QUIET: u32 = 3;

capability! {
    /// A kind whose resources are run to their end when somebody asks for it.
    Runs, AnyRuns {
        /// Begins a run beside those that go on, and gives the identifier of its task. It is a change,
        /// made once for each token: 1 to 64 letters and digits.
        fn begin(order: RunOrder) -> String;

        /// How far the run of this identifier is; none where the cloud does not show it yet, or no
        /// longer.
        fn run(id: str) -> Option<Run>;
    }
}

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOrder {
    /// What the container runs instead of what it is given otherwise; that where it is empty.
    pub command: Vec<String>,
    /// What makes the same of two orders.
    pub token: String,
}

impl RunOrder {
    /// One that is the same as no other.
    pub fn new(command: Vec<String>) -> Self {
        let token = format!("{:032x}", u128::from_be_bytes(random()));
        Self { command, token }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its task.
    pub task: Task,
    /// With what the container ended that does the work; none before that, and where it never ran.
    pub exit_code: Option<i32>,
}

/// What is heard of a run while it is followed.
pub enum Heard<'a> {
    /// The cloud has another word for how far it is.
    State(&'a str),
    /// It has written a line.
    Line(&'a Line),
    /// What it writes cannot be read, or could not once: said once.
    Unheard(&'a Failure),
}

/// Begins a run, and asks again where the reply got lost or the cloud has no room for it yet.
///
/// # Errors
/// As for [`Runs::begin`].
pub async fn begin<C: Cloud>(
    runs: &dyn AnyRuns<C>,
    (cloud, live): (&C, &Live),
    order: &RunOrder,
) -> Result<String> {
    insist(|| runs.begin(cloud, live, order)).await
}

/// Follows a run until it is over and its log says nothing new.
///
/// # Errors
/// When it cannot be looked at, or the cloud does not show it.
pub async fn follow<C: Cloud>(
    (runs, logs): (&dyn AnyRuns<C>, &dyn AnyLogs<C>),
    (cloud, live): (&C, &Live),
    id: &str,
    mut hear: impl FnMut(Heard<'_>),
) -> Result<Run> {
    let mut tail = Tail::new(LogQuery { tasks: [id.to_owned()].into(), ..LogQuery::default() });
    let mut unseen = Wait::of(UNSEEN);
    let (mut state, mut quiet, mut is_unheard) = (String::new(), 0, false);
    loop {
        let run = insist(|| runs.run(cloud, live, id)).await?;
        let Some(run) = run else {
            if unseen.is_over() {
                let message = format!("the cloud does not show task {id}");
                return Err(Failure::new(Cause::Refused, "follow the run", message));
            }
            Work::current().pause(PAUSE).await;
            continue;
        };
        unseen = Wait::of(UNSEEN);
        if run.task.status != state {
            state.clone_from(&run.task.status);
            hear(Heard::State(&state));
        }
        // What never ran has written nothing, and may have nowhere to write to.
        let lines = match run.task.started {
            Some(_) => tail.look(logs, cloud, live).await,
            None => Ok(Vec::new()),
        };
        let lines = lines.unwrap_or_else(|failure| {
            // The next look gives the same lines.
            if !is_unheard {
                hear(Heard::Unheard(&failure));
            }
            is_unheard = true;
            Vec::new()
        });
        for line in &lines {
            hear(Heard::Line(line));
        }
        if run.task.state == TaskState::Stopped {
            quiet = if lines.is_empty() { quiet + 1 } else { 0 };
            if quiet == QUIET || run.task.started.is_none() {
                return Ok(run);
            }
        }
        Work::current().pause(PAUSE).await;
    }
}
