//! `deployer events`: what happened to services, in order.

use deployer_core::{Failure, Live};
use deployer_engine::{
    Remark, RolloutState, Serving, Stop, StopCause, Task, Which, remarks, tasks_of,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Form, as_json, document};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::masking::said;
use crate::services::{chosen, words};
use crate::session::Session;
use crate::since::{Since, moment};
use crate::wire::document::Position;
use crate::workload::short_id;
use crate::world::Connect;

/// What `events` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show what happened to services",
    long_about = "Show what happened to services, in order.\n\n\
        What ECS said of them, when rollouts began and how they ended, and which tasks stopped and \
        why, with their times (UTC). ECS keeps the last hundred things that it said of a service, \
        rollouts for 90 days, and tasks for an hour after they stopped.",
    after_long_help = "\
Examples:
  deployer events --env prod            the last hour, of all services
  deployer events web --since 2d
  deployer events web --json"
)]
pub(crate) struct Args {
    /// The services; all of them when none is named
    #[arg(value_name = "SERVICE", id = "running")]
    services: Vec<String>,
    #[command(flatten)]
    stack: StackArgs,
    /// From when: so long ago (`30s`, `10m`, `2h`, `7d`), or a time (`2027-01-31T08:00`, UTC)
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = moment)]
    since: Since,
}

impl Command for Args {
    const FORM: Form = Form::Stream(document::<Event>);

    /// Gathers what is known, and shows it in order.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let services = chosen(&self.services, &known.snapshot)?;
        let looked = session.serving(&known.connected, &services, &known.snapshot).await?;
        let registry = session.world.registry();
        let mut events = Vec::new();
        for service in &looked {
            let live = service.live;
            events.extend(of_rollouts(service));
            let cloud = session.reach(&known, live).await?;
            let failed = |failure: Failure| Error::Cloud(vec![failure]);
            if let Some(workloads) = registry.workloads(&live.address.kind) {
                let looking = remarks(workloads, (&*cloud, live));
                let said = session.unless_cancelled(looking).await?.map_err(failed)?;
                events.extend(said.into_iter().map(|remark| of_remark(live, remark)));
            }
            if let Some(tasks) = registry.tasks(&live.address.kind) {
                let looking = tasks_of(tasks, (&*cloud, live), Which::Stopped);
                let stopped = session.unless_cancelled(looking).await?.map_err(failed)?;
                events.extend(stopped.iter().filter_map(|task| of_task(live, task)));
            }
        }
        let since = self.since.before(Timestamp::now());
        events.retain(|(at, _)| *at >= since);
        events.sort_by_key(|(at, _)| *at);
        for (at, event) in &events {
            if session.is_json {
                session.terminal.stdout.write_json(&as_json(event).to_string());
            } else {
                let at = session.out.faint.style(at.strftime("%Y-%m-%d %H:%M:%S"));
                let who = session.out.running.style(&event.name);
                session.print(&format!("{at} {who} {}\n", event.text));
            }
        }
        if events.is_empty() {
            let since = since.strftime("%Y-%m-%d %H:%M:%S");
            let text = format!("nothing is known to have happened since {since} UTC\n");
            session.note(&text);
        }
        Ok(Exit::Done)
    }
}

/// Something that happened.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Event {
    /// The service that it happened to.
    #[serde(flatten)]
    service: Position,
    /// When.
    at: String,
    /// What it is about.
    about: About,
    /// What happened, in words.
    text: String,
    #[serde(skip)]
    name: String,
}

/// What something that happened is about.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum About {
    /// The service: ECS has said it.
    Service,
    /// One of its rollouts.
    Rollout,
    /// One of its tasks.
    Task,
}

fn event(live: &Live, at: Timestamp, about: About, text: &str) -> (Timestamp, Event) {
    let service = Position::of(&live.address, &live.place);
    let (name, text) = (live.address.name.clone(), said(text));
    (at, Event { service, at: at.to_string(), about, text, name })
}

fn of_remark(live: &Live, remark: Remark) -> (Timestamp, Event) {
    let Remark { at, text } = remark;
    event(live, at, About::Service, &text)
}

fn of_rollouts(service: &Serving<'_>) -> Vec<(Timestamp, Event)> {
    let mut events = Vec::new();
    for rollout in &service.rollouts {
        let of = service.version(rollout).map(|it| format!(" of release {}", it.number));
        let of = of.unwrap_or_default();
        let mut happened = |at: Option<Timestamp>, what: &str| {
            let text = format!("the rollout{of} {what}");
            events.extend(at.map(|at| event(service.live, at, About::Rollout, &text)));
        };
        happened(rollout.created, "begins");
        match rollout.state {
            RolloutState::Succeeded => happened(rollout.finished, "is done"),
            _ => happened(rollout.finished, &format!("ends: {}", words(rollout))),
        }
    }
    events
}

fn of_task(live: &Live, task: &Task) -> Option<(Timestamp, Event)> {
    let at = task.stopped.or(task.stopping)?;
    let Stop { cause, reason, .. } = task.stop.as_ref()?;
    let id = short_id(&task.id);
    let what = match cause {
        StopCause::NotStarted => "did not start",
        StopCause::Ended => "ended by itself",
        StopCause::Surplus => "was no longer needed",
        StopCause::Scheduler => "was stopped by ECS",
        StopCause::Person => "was stopped by somebody",
        StopCause::Interrupted => "lost its machine",
        StopCause::Unknown => "stopped",
    };
    let mut text = format!("task {id} {what}");
    if let Some(reason) = reason.as_ref().filter(|_| *cause != StopCause::Surplus) {
        text = format!("{text}: {reason}");
    }
    for container in task.containers.iter().filter(|_| cause.is_its_own_fault()) {
        let code = container.exit_code.map(|code| format!("exit code {code}"));
        let said: Vec<String> = code.into_iter().chain(container.reason.clone()).collect();
        if !said.is_empty() {
            text = format!("{text}; {}: {}", container.name, said.join(", "));
        }
    }
    Some(event(live, at, About::Task, &text))
}
