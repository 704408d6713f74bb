//! `deployer logs`: what services and jobs have written.

use std::ops::ControlFlow;

use deployer_core::{Live, Snapshot};
use deployer_engine::{Line, LogFollower, LogQuery, LogSource, Logged, read_logs};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Form, as_json, document};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit, RequestError};
use crate::masking::said;
use crate::session::Session;
use crate::since::{Since, moment};
use crate::wire::document::Position;
use crate::workload::{is_meant, named, services, short_id, workloads};
use crate::world::Connect;

/// How many characters a task's identifier has (ECS developer guide, "Amazon Resource Names and
/// IDs").
const WHOLE: usize = 32;

/// How long lines are let become visible before it is followed what else is written.
const SETTLED: SignedDuration = SignedDuration::from_secs(20);

/// What `logs` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show what services and jobs have written",
    long_about = "Show what services and jobs have written.\n\n\
        The lines of all that are named stand in the order in which they were written, each with \
        its time (UTC), who wrote it and the beginning of the task's identifier; the container is \
        named where it is not the service's own. With `--follow` new lines are shown until it is \
        interrupted. They are kept back for a few seconds, so that one which CloudWatch Logs shows \
        up to five seconds late still stands in its place; one that is up to half a minute late is \
        marked with `late`. What a container sends elsewhere (`logs: { driver: awsfirelens }`) or \
        nowhere is not there.",
    after_long_help = "\
Examples:
  deployer logs --follow              all services, from ten minutes ago
  deployer logs web --since 2h        two hours of one service
  deployer logs jobs/migrate --since 2027-01-31T08:00
  deployer logs web worker --grep 'status=500' --json"
)]
pub(crate) struct Args {
    /// Services and jobs: `web`, `jobs/migrate`; all services when left out
    #[arg(value_name = "NAME")]
    writers: Vec<String>,
    #[command(flatten)]
    stack: StackArgs,
    /// Go on with what is written from now on, until interrupted
    #[arg(long)]
    follow: bool,
    /// From when: so long ago (`30s`, `10m`, `2h`, `7d`), or a time (`2027-01-31T08:00`, UTC)
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = moment)]
    since: Since,
    /// Only lines that contain this text
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only lines of this task, by its identifier or the beginning of that
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Only lines of this container
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
}

impl Command for Args {
    const FORM: Form = Form::Stream(document::<Entry>);

    /// Reads the logs, or follows them.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let registry = session.world.registry();
        let writers = self.writers(&known.snapshot)?;
        let mut sources = Vec::new();
        for live in &writers {
            let Some(logs) = registry.logs(&live.address.kind) else { continue };
            let cloud = session.reach(&known, live).await?;
            sources.push(LogSource { cloud, logs, live });
        }
        let now = Timestamp::now();
        let query = LogQuery {
            since: Some(self.since.before(now)),
            containing: self.grep.clone(),
            tasks: self.task.iter().filter(|task| task.len() == WHOLE).cloned().collect(),
            container: self.container.clone(),
            ..LogQuery::default()
        };
        let shown = Shown { session, writers: &writers, task: self.task.as_deref() };
        let mut count = 0_usize;
        let hear = |logged: Logged| {
            count += 1;
            shown.line(&logged)
        };
        // What was written long ago is read in parts, and does not pile up.
        let until = if self.follow { now - SETTLED } else { now };
        let reading = read_logs(&sources, &query, until, hear);
        match session.unless_cancelled(reading).await {
            Ok(read) => read.map_err(|failure| Error::Cloud(vec![failure]))?,
            Err(Error::Interrupted) => return Ok(Exit::Interrupted),
            Err(error) => return Err(error),
        }
        if self.follow && !session.terminal.stdout.is_closed() {
            let since = query.since.max(Some(until + SignedDuration::from_millis(1)));
            let query = LogQuery { since, ..query };
            return shown.follow(LogFollower::new(sources, &query)).await;
        }
        if count == 0 {
            session.note(&self.silence(&query));
        }
        Ok(Exit::Done)
    }
}

impl Args {
    /// The resources whose logs are meant.
    fn writers<'s>(&self, snapshot: &'s Snapshot) -> Result<Vec<&'s Live>, RequestError> {
        let all = workloads(snapshot);
        let known = || all.iter().map(|live| named(&live.address)).collect();
        if self.writers.is_empty() {
            let services = services(snapshot);
            if services.is_empty() {
                let asked = "services".to_owned();
                return Err(RequestError::NoWorkload { asked, known: known() });
            }
            return Ok(services);
        }
        let mut writers: Vec<&Live> = Vec::new();
        for asked in &self.writers {
            let found = all.iter().find(|live| is_meant(asked, &live.address));
            let Some(found) = found else {
                return Err(RequestError::NoWorkload { asked: asked.clone(), known: known() });
            };
            if !writers.iter().any(|live| live.address == found.address) {
                writers.push(found);
            }
        }
        Ok(writers)
    }

    /// What is said where nothing was written.
    fn silence(&self, query: &LogQuery) -> String {
        let since = query.since.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
        let since = since.unwrap_or_default();
        let such = if self.grep.is_some() { "no such line" } else { "nothing" };
        format!("{such} has been written since {since} UTC; `--since 1d` looks further back\n")
    }
}

/// Lines as they are shown.
struct Shown<'a, 'b, W: Connect> {
    session: &'a Session<'b, W>,
    writers: &'a [&'a Live],
    /// What the identifiers of tasks begin with whose lines are shown.
    task: Option<&'a str>,
}

impl<W: Connect> Shown<'_, '_, W> {
    /// Shows lines until somebody interrupts it, which is how it is meant to end, or nobody reads
    /// them any more.
    async fn follow<C: deployer_engine::Cloud>(
        &self,
        mut follower: LogFollower<'_, C>,
    ) -> Result<Exit, Error> {
        let unheard = |failure: &deployer_core::Failure| {
            self.session.warn(&format!("a log cannot be read: {failure}; it is tried again\n"));
        };
        let following = follower.follow(|logged| self.line(&logged), unheard);
        match self.session.unless_cancelled(following).await {
            Ok(ended) => ended.map_err(|failure| Error::Cloud(vec![failure]))?,
            Err(Error::Interrupted) => {
                for logged in follower.rest() {
                    let _ = self.line(&logged);
                }
                return Ok(Exit::Interrupted);
            }
            Err(error) => return Err(error),
        }
        Ok(Exit::Done)
    }

    /// Shows a line, and whether anybody wants another.
    fn line(&self, logged: &Logged) -> ControlFlow<()> {
        let Logged { source, line, is_late } = logged;
        let is_of = |task: &str| line.task.as_deref().is_some_and(|it| it.starts_with(task));
        if self.task.is_some_and(|task| !is_of(task)) {
            return ControlFlow::Continue(());
        }
        let writer = self.writers[*source];
        let stdout = &self.session.terminal.stdout;
        if self.session.is_json {
            let entry = Entry::of(writer, line, *is_late);
            stdout.write_json(&as_json(entry).to_string());
        } else {
            self.session.print(&self.text(writer, line, *is_late));
        }
        if stdout.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn text(&self, writer: &Live, line: &Line, is_late: bool) -> String {
        let theme = &self.session.out;
        // In a file the day matters, on a screen mostly the second.
        let is_terminal = self.session.terminal.stdout.is_terminal;
        let form = if is_terminal { "%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.3fZ" };
        let at = line.at.strftime(form).to_string();
        let mut who = named(&writer.address);
        if let Some(task) = &line.task {
            who.push('/');
            who.push_str(short_id(task));
        }
        if let Some(container) = line.container.as_ref().filter(|it| **it != writer.address.name) {
            who.push('/');
            who.push_str(container);
        }
        let late = if is_late { " late" } else { "" };
        format!(
            "{} {}{} {}\n",
            theme.faint.style(at),
            theme.running.style(who),
            theme.caution.style(late),
            said(&line.text)
        )
    }
}

/// A line that was written.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    /// Who wrote it.
    #[serde(flatten)]
    writer: Position,
    /// When it was written, to the millisecond.
    at: String,
    /// The identifier of the task that wrote it; none where the log does not say.
    task: Option<String>,
    /// The container that wrote it; none where the log does not say.
    container: Option<String>,
    /// Whether it became visible so late that lines which were written after it stand before it.
    is_late: bool,
    /// The line, without what is plainly secret in it.
    text: String,
}

impl Entry {
    fn of(writer: &Live, line: &Line, is_late: bool) -> Self {
        Self {
            writer: Position::of(&writer.address, &writer.place),
            at: line.at.to_string(),
            task: line.task.clone(),
            container: line.container.clone(),
            is_late,
            text: said(&line.text),
        }
    }
}
