//! `deployer status`: what is there, and how it is.

use std::collections::BTreeSet;

use deployer_core::{Address, Fact, Failure, Kinds, Live, Phase, Snapshot};
use deployer_engine::{Health, Running, Task, TaskState, running};

use crate::answer::{Answer, Form, Page, document};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::render;
use crate::services::words;
use crate::session::{Known, Session};
use crate::wire::state::{Endpoint, Resource, Service, Status};
use crate::world::Connect;

/// What `status` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show what exists and its state",
    long_about = "Show what exists and its state.\n\n\
        First the services: how many of their tasks run, what the checks of their containers say, \
        which release they run and how far its rollout is. Then what clients connect to, with its \
        state and address. Then everything that this environment of the stack owns in the \
        account, by its record and its tags, with AWS's own word for its state. The stack need not \
        be right for this. Lines are broken to the width of a terminal, and whole everywhere else.",
    after_long_help = "\
Examples:
  deployer status --env prod
  deployer status --json
  deployer status | grep service/"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<Status>);

    /// Scans what is there, looks at what runs, and shows it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let Known { connected, snapshot, deeds } = &known;
        let registry = session.world.registry();
        let looking = running(&registry, connected, &snapshot.lives, &deeds.record.roles);
        let running = session.unless_cancelled(looking).await?;
        let shown = Shown { snapshot, running, kinds: registry.kinds() };
        session.answer(&shown);
        session.note(&shown.unread(session));
        session.note(&render::failed(&snapshot.failed(), &session.err, session.margin()));
        session.note(&render::strays(&snapshot.strays, &session.err, session.margin()));
        session.note(&render::unseen(&snapshot.unseen, &session.err, session.margin()));
        Ok(Exit::Done)
    }
}

/// What is there, as it is shown.
struct Shown<'a> {
    snapshot: &'a Snapshot,
    running: Vec<Running<'a>>,
    kinds: Kinds,
}

impl Shown<'_> {
    fn services(&self) -> impl Iterator<Item = Service> {
        self.running.iter().map(|running| {
            let kind = self.kinds.find(&running.live.address.kind);
            let facts = kind.and_then(|kind| kind.facts(&running.live.spec)).unwrap_or_default();
            let wanted = facts.into_iter().find_map(|fact| match fact {
                Fact::Runs(run) => run.tasks,
                _ => None,
            });
            service(running, wanted)
        })
    }

    /// What clients connect to, each with where.
    fn endpoints(&self) -> impl Iterator<Item = (&Live, Option<String>)> {
        self.snapshot.lives.iter().filter_map(|live| {
            let kind = self.kinds.find(&live.address.kind).filter(|kind| kind.is_reached)?;
            Some((live, kind.endpoint(&live.output)))
        })
    }

    /// Why what runs could not be read, of each where it could not.
    fn unread<W: Connect>(&self, session: &Session<'_, W>) -> String {
        let failures = self.running.iter().flat_map(|running| {
            let about = render::located(&running.live.address, &running.live.place);
            failures(running)
                .map(move |it| render::without(it, &about, &session.err, session.margin()))
        });
        failures.collect()
    }
}

impl Answer for Shown<'_> {
    type Wire = Status;

    fn wire(&self) -> Status {
        let endpoints =
            self.endpoints().map(|(live, endpoint)| Endpoint { resource: live.into(), endpoint });
        Status {
            scope: self.snapshot.scope.to_string(),
            account: self.snapshot.account.clone(),
            region: self.snapshot.region.clone(),
            services: self.services().collect(),
            endpoints: endpoints.collect(),
            resources: self.snapshot.lives.iter().map(Resource::from).collect(),
            failed: self.snapshot.failed().iter().map(Into::into).collect(),
            strays: self.snapshot.strays.iter().map(Into::into).collect(),
            unseen: self.snapshot.unseen.iter().map(Into::into).collect(),
        }
    }

    fn text(&self, page: &Page) -> String {
        let Snapshot { lives, scope, region, account, .. } = self.snapshot;
        if lives.is_empty() {
            return format!("There is nothing of {scope} in {region}.\n");
        }
        let title = page.theme.strong.style(format!("{scope} in {region}, account {account}"));
        let table = |headings: &[&str], rows: Vec<Vec<String>>| match rows.as_slice() {
            [] => String::new(),
            rows => format!("\n{}", render::table(headings, rows, &page.theme, page.width)),
        };
        let services = self.services().zip(&self.running);
        let services = services.map(|(service, running)| service_row(&service, running));
        let endpoints = self.endpoints().map(|(live, endpoint)| {
            let address = endpoint.unwrap_or_else(|| "(not known yet)".to_owned());
            vec![render::located(&live.address, &live.place), state(live), address]
        });
        // Most are the first of their name, and then the number says nothing.
        let is_shown = lives.iter().any(|live| live.generation > 1);
        let all = lives.iter().map(|live| row(live, is_shown));
        let mut headings = vec!["RESOURCE", "STATE", "ID"];
        if is_shown {
            headings.insert(2, "GENERATION");
        }
        [
            format!("{title}\n"),
            table(&["SERVICE", "TASKS", "HEALTH", "RELEASE", "ROLLOUT"], services.collect()),
            table(&["ENDPOINT", "STATE", "ADDRESS"], endpoints.collect()),
            table(&headings, all.collect()),
        ]
        .concat()
    }
}

/// Why its tasks or its rollouts could not be read.
fn failures<'a>(running: &'a Running<'_>) -> impl Iterator<Item = &'a Failure> {
    [running.tasks.as_ref().err(), running.rollouts.as_ref().err()].into_iter().flatten()
}

/// What there is to say of one service.
fn service(running: &Running<'_>, wanted: Option<u32>) -> Service {
    let known = running.tasks.is_ok();
    let tasks = running.tasks.as_deref().unwrap_or_default();
    let count = |is_meant: &dyn Fn(&Task) -> bool| tasks.iter().filter(|it| is_meant(it)).count();
    let releases: BTreeSet<&str> = tasks.iter().map(|task| task.revision.as_str()).collect();
    let containers = tasks.iter().flat_map(|task| &task.containers);
    Service {
        resource: running.live.into(),
        name: running.live.address.name.clone(),
        wanted,
        running: known.then(|| count(&|task| task.state == TaskState::Running)),
        starting: known.then(|| count(&|task| task.state == TaskState::Starting)),
        healthy: count(&|task| task.health == Health::Healthy),
        unhealthy: count(&|task| task.health == Health::Unhealthy),
        releases: releases.into_iter().map(str::to_owned).collect(),
        digests: containers.filter_map(|container| container.digest.clone()).collect(),
        rollout: running.rollouts.iter().flatten().next().map(Into::into),
        failures: failures(running).map(Into::into).collect(),
    }
}

fn service_row(service: &Service, running: &Running<'_>) -> Vec<String> {
    const UNREAD: &str = "could not be read";
    let Address { kind, .. } = &running.live.address;
    let name = render::located(&running.live.address, &running.live.place);
    let mut row = vec![name.replacen(&format!("{kind}/"), "", 1)];
    match service.running {
        None => row.extend([UNREAD, "", ""].map(str::to_owned)),
        Some(running) => {
            row.push(match service.wanted {
                Some(wanted) => format!("{running} of {wanted}"),
                None => running.to_string(),
            });
            row.push(match (service.healthy, service.unhealthy) {
                (0, 0) => "not checked".to_owned(),
                (_, 0) => "healthy".to_owned(),
                (_, unhealthy) => format!("{unhealthy} unhealthy"),
            });
            let release = |id: &String| id.rsplit('/').next().unwrap_or(id).to_owned();
            let releases: Vec<String> = service.releases.iter().map(release).collect();
            row.push(if releases.is_empty() { "none".to_owned() } else { releases.join(", ") });
        }
    }
    row.push(match &running.rollouts {
        Ok(rollouts) => rollouts.first().map_or_else(String::new, words),
        Err(_) => UNREAD.to_owned(),
    });
    row
}

fn row(live: &Live, has_generation: bool) -> Vec<String> {
    let mut row = vec![render::located(&live.address, &live.place), state(live)];
    row.extend(has_generation.then(|| live.generation.to_string()));
    row.push(render::short(live.id()).to_owned());
    row
}

/// AWS's word for it where there is one.
fn state(live: &Live) -> String {
    let word = match live.phase {
        Phase::Ready => "ready",
        Phase::Settling => "settling",
        Phase::Leaving => "leaving",
        // Why stands below.
        Phase::Failed => return "failed".to_owned(),
    };
    if live.state.is_empty() { word.to_owned() } else { live.state.clone() }
}
