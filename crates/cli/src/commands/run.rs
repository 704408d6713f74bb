//! `deployer run`: runs a job, or a command with what a service has.

use deployer_core::{Live, Snapshot};
use deployer_engine::{Heard, Run, RunOrder, StopCause, begin, follow};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Answer, Form, Page, document};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit, RequestError};
use crate::masking::said;
use crate::session::Session;
use crate::wire::document::Position;
use crate::workload::{SERVICE, in_full, split, workloads};
use crate::world::Connect;

/// What stands for a task that never ran.
const NEVER_RAN: u8 = 125;

/// What `run` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Run a job, or a command of a service, and follow it to its end",
    long_about = "Run a job, or a command of a service, and follow it to its end.\n\n\
        A task starts as the job or the service was last deployed, beside those that run already: \
        with the same image, network, security groups, role and secrets, and with its sidecars. A \
        service needs a command, which its own container runs instead of its own. Its log is \
        printed as it is written, and what it ended with is what this ends with; 125 for one that \
        never started. Interrupted, this stops following: the task goes on.",
    after_long_help = "\
Examples:
  deployer run migrate --env prod
  deployer run report --env prod -- /app report --month 2027-01
  deployer run services/api --env prod -- /app console --eval 'User.count'"
)]
pub(crate) struct Args {
    /// The job or the service: `migrate`, `api`; `jobs/api` or `services/api` where both are
    /// called so
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    stack: StackArgs,
    /// What its container runs instead of its own command
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<Ran>);

    /// Begins a run and follows it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let snapshot = &known.snapshot;
        let live = self.meant(snapshot)?;
        let kind = &live.address.kind;
        let registry = session.world.registry();
        let (Some(runs), Some(logs)) = (registry.runs(kind), registry.logs(kind)) else {
            return Err(self.unknown(snapshot).into());
        };
        let cloud = session.reach(&known, live).await?;
        // What may have begun is not left before it is known which task it is.
        let begun = begin(runs, (&*cloud, live), &RunOrder::new(self.command.clone())).await;
        let id = begun.map_err(|failure| Error::Cloud(vec![failure]))?;
        session.note(&format!("{}\n", session.err.faint.style(format!("task {id}"))));
        let running = async {
            let hear = |heard: Heard<'_>| match heard {
                Heard::State(state) => {
                    let state = format!("{}\n", session.err.faint.style(state.to_lowercase()));
                    session.note(&state);
                }
                Heard::Line(written) if session.is_json => {
                    session.warn(&format!("{}\n", said(&written.text)));
                }
                Heard::Line(written) => session.print(&format!("{}\n", said(&written.text))),
                Heard::Unheard(failure) => {
                    session.warn(&format!("its log cannot be read: {failure}\n"));
                }
            };
            follow((runs, logs), (&*cloud, live), &id, hear).await
        };
        let run = session.unless_cancelled(running).await?;
        let run = run.map_err(|failure| Error::Cloud(vec![failure]))?;
        let ran = Ran::of(live, &run);
        session.answer(&ran);
        if let Some(why) = ran.why() {
            session.note(&format!("{}: {why}\n", session.err.bad.style("failed")));
        }
        Ok(ran.exit())
    }
}

impl Args {
    /// What is to be run.
    fn meant<'s>(&self, snapshot: &'s Snapshot) -> Result<&'s Live, RequestError> {
        let (kind, name) = split(&self.name);
        let mut found = workloads(snapshot);
        found.retain(|live| {
            live.address.name == name && kind.is_none_or(|kind| live.address.kind == kind)
        });
        match found[..] {
            [] => Err(self.unknown(snapshot)),
            [live] if live.address.kind == SERVICE && self.command.is_empty() => {
                Err(RequestError::NoCommand(in_full(&live.address)))
            }
            [live] => Ok(live),
            _ => Err(RequestError::Ambiguous {
                asked: name.to_owned(),
                meanings: found.iter().map(|live| in_full(&live.address)).collect(),
            }),
        }
    }

    fn unknown(&self, snapshot: &Snapshot) -> RequestError {
        let (kind, name) = split(&self.name);
        let mut all = workloads(snapshot);
        all.retain(|live| kind.is_none_or(|kind| live.address.kind == kind));
        let known = all.iter().map(|live| live.address.name.clone()).collect();
        RequestError::NoWorkload { asked: name.to_owned(), known }
    }
}

/// How a task ended that was run by hand.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Ran {
    /// Of what it is: a job, or a service.
    #[serde(flatten)]
    of: Position,
    /// What it is called.
    #[serde(skip)]
    name: String,
    /// The identifier of its task.
    task: String,
    /// With what its container ended; none for one that never started.
    exit_code: Option<i32>,
    /// Whether something else stopped it: then nobody knows whether it did all it was to do.
    is_stopped: bool,
    /// Why it stopped, in the cloud's words.
    reason: Option<String>,
    /// When its container began; none for one that never did.
    started: Option<String>,
    /// When its task had stopped.
    stopped: Option<String>,
}

impl Ran {
    fn of(live: &Live, run: &Run) -> Self {
        let reasons = run.task.containers.iter().filter_map(|container| container.reason.clone());
        let stop = run.task.stop.as_ref().and_then(|stop| stop.reason.clone());
        let all: Vec<String> = stop.into_iter().chain(reasons).collect();
        Self {
            of: Position::of(&live.address, &live.place),
            name: live.address.name.clone(),
            task: run.task.id.clone(),
            exit_code: run.exit_code,
            is_stopped: run
                .task
                .stop
                .as_ref()
                .is_none_or(|stop| !matches!(stop.cause, StopCause::Ended | StopCause::NotStarted)),
            reason: (!all.is_empty()).then(|| said(&all.join("; "))),
            started: run.task.started.map(|at| at.to_string()),
            stopped: run.task.stopped.map(|at| at.to_string()),
        }
    }

    /// Why it failed, if it did.
    fn why(&self) -> Option<String> {
        let what = match self.exit_code {
            Some(0) if self.is_stopped => format!("`{}` was stopped", self.name),
            Some(0) => return None,
            Some(code) => format!("`{}` ended with exit code {code}", self.name),
            None => format!("`{}` never started", self.name),
        };
        Some(match &self.reason {
            Some(reason) => format!("{what}: {reason}"),
            None => what,
        })
    }

    /// The container's code; one beyond those of a process is that of a process that failed.
    fn exit(&self) -> Exit {
        match self.exit_code {
            Some(0) if self.is_stopped => Exit::Ran(1),
            Some(0) => Exit::Done,
            Some(code) => Exit::Ran(u8::try_from(code).unwrap_or(1)),
            None => Exit::Ran(NEVER_RAN),
        }
    }
}

impl Answer for Ran {
    type Wire = Self;

    fn wire(&self) -> Self {
        self.clone()
    }

    /// Nothing beside its log where it ended well: that may be what somebody reads on.
    fn text(&self, _page: &Page) -> String {
        String::new()
    }
}
