//! `deployer status`: what is there, and how it is.

use std::collections::BTreeSet;
use std::time::Duration;

use deployer_core::{Address, Fact, Failure, Kinds, Live, Phase, Snapshot};
use deployer_engine::{Health, Measured, Running, Task, TaskState, measured, pause, running};

use crate::answer::{Answer, Form, Page, as_json, document};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::render;
use crate::services::words;
use crate::session::{Environment, Known, Session};
use crate::wire::document::Position;
use crate::wire::state::{self, Alarm, Endpoint, Resource, Service, Status, Waiting};
use crate::world::Connect;

/// The kinds of what goes off.
const ALARMS: [&str; 2] = ["alarm", "composite-alarm"];

/// The kinds whose state says for whom they wait while they do.
const WAITERS: [&str; 2] = ["certificate", "topic"];

/// How long there is at least between two looks, in seconds: each is some twenty calls.
const BRIEFEST: u64 = 2;

/// What stands in the place of what could not be read; why stands below.
const UNREAD: &str = "could not be read";

/// What makes a terminal empty, with the cursor at its top.
const WIPED: &str = "\x1b[H\x1b[2J\x1b[3J";

/// What `status` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show what exists and its state",
    long_about = "Show what exists and its state.\n\n\
        First the services: how many of their tasks run, what the checks of their containers say, \
        which release they run and how far its rollout is. Then how load balancers, databases and \
        queues do, what waits and for whom, and which alarms have gone off. Then what clients \
        connect to, with its state and address. Then everything that this environment of the stack \
        owns in the account, by its record and its tags, with AWS's own word for its state. The \
        stack need not be right for this. Lines are broken to the width of a terminal, and whole \
        everywhere else. With `--watch` it looks again and again until it is interrupted; in a \
        file or a pipe only what has changed is printed once more.",
    after_long_help = "\
Examples:
  deployer status --env prod
  deployer status --watch             every five seconds
  deployer status --watch=30
  deployer status --json
  deployer status | grep service/"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    /// Look again after so many seconds (2 or more), until interrupted
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5",
        value_parser = clap::value_parser!(u64).range(BRIEFEST..)
    )]
    watch: Option<u64>,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<Status>);

    /// Scans what is there, looks at what runs, and shows it; again and again where that is asked.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let environment = session.locate(&self.stack)?;
        let Some(seconds) = self.watch else {
            look(session, &environment, Showing::Once).await?;
            return Ok(Exit::Done);
        };
        let mut last = String::new();
        while !session.terminal.stdout.is_closed() {
            let looking = look(session, &environment, Showing::Again(&last)).await;
            let pause = pause(Duration::from_secs(seconds));
            match looking {
                Ok(shown) => last = shown,
                Err(Error::Interrupted) => return Ok(Exit::Interrupted),
                Err(error) => return Err(error),
            }
            if session.unless_cancelled(pause).await.is_err() {
                return Ok(Exit::Interrupted);
            }
        }
        Ok(Exit::Done)
    }
}

/// How it is shown.
#[derive(Clone, Copy)]
enum Showing<'a> {
    /// As the answer that it is.
    Once,
    /// In the place of what was shown last; where that cannot be wiped out, only if it differs.
    Again(&'a str),
}

/// Looks at an environment, shows how it is, and gives what it has shown.
async fn look<W: Connect>(
    session: &Session<'_, W>,
    environment: &Environment,
    showing: Showing<'_>,
) -> Result<String, Error> {
    let known = session.seen(environment).await?;
    let Known { connected, snapshot, deeds } = &known;
    let registry = session.world.registry();
    let (lives, roles) = (&snapshot.lives, &deeds.record.roles);
    let looking = async {
        tokio::join!(
            running(&registry, connected, lives, roles),
            measured(&registry, connected, lives, roles),
        )
    };
    let (running, measured) = session.unless_cancelled(looking).await?;
    let shown = Shown { snapshot, running, measured, kinds: registry.kinds() };
    let text = match (showing, session.is_json) {
        (Showing::Once, _) => {
            session.answer(&shown);
            String::new()
        }
        (Showing::Again(_), true) => as_json(shown.wire()).to_string(),
        (Showing::Again(_), false) => shown.text(&session.page()),
    };
    if let Showing::Again(last) = showing {
        let terminal = &session.terminal;
        let is_wiped = terminal.stdout.is_terminal && !terminal.is_dumb() && !session.is_json;
        if is_wiped {
            terminal.stdout.write_frame(WIPED);
        } else if last == text {
            return Ok(text);
        } else if !last.is_empty() && !session.is_json {
            session.print("\n");
        }
        if session.is_json {
            terminal.stdout.write_json(&text);
        } else {
            session.print(&text);
        }
    }
    session.note(&shown.unread(session));
    session.note(&render::failed(&snapshot.failed(), &session.err, session.margin()));
    session.note(&render::strays(&snapshot.strays, &session.err, session.margin()));
    session.note(&render::unseen(&snapshot.unseen, &session.err, session.margin()));
    Ok(text)
}

/// What is there, as it is shown.
struct Shown<'a> {
    snapshot: &'a Snapshot,
    running: Vec<Running<'a>>,
    measured: Vec<Measured<'a>>,
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

    /// What waits, each with what for.
    fn waiting(&self) -> impl Iterator<Item = (&Live, String)> {
        let held = self.running.iter().filter_map(|running| {
            let rollout = running.rollouts.iter().flatten().next()?;
            let is_held = rollout.holds.iter().any(|hold| hold.is_for_people);
            let name = &running.live.address.name;
            let words = format!(
                "somebody who lets its rollout go on: `deployer continue {name}`, or not: \
                 `deployer continue {name} --roll-back`"
            );
            is_held.then_some((running.live, words))
        });
        let others = self.snapshot.lives.iter().filter_map(|live| {
            let words = match live.phase {
                Phase::Settling => "AWS, which is at work on it".to_owned(),
                Phase::Leaving => "AWS, which is deleting it".to_owned(),
                Phase::Ready if WAITERS.contains(&live.address.kind.as_str()) => live.state.clone(),
                Phase::Ready | Phase::Failed => return None,
            };
            (!words.is_empty()).then_some((live, words))
        });
        held.chain(others)
    }

    /// The alarms, each with whether it has gone off.
    fn alarms(&self) -> impl Iterator<Item = (&Live, bool)> {
        let lives = self.snapshot.lives.iter();
        let alarms = lives.filter(|live| ALARMS.contains(&live.address.kind.as_str()));
        alarms.map(|live| (live, !live.state.is_empty()))
    }

    /// Why what runs or is measured could not be read, of each where it could not.
    fn unread<W: Connect>(&self, session: &Session<'_, W>) -> String {
        let of_running = self
            .running
            .iter()
            .flat_map(|running| failures(running).map(move |failure| (running.live, failure)));
        let of_measured = self
            .measured
            .iter()
            .filter_map(|measured| Some((measured.live, measured.vitals.as_ref().err()?)));
        let words = of_running.chain(of_measured).map(|(live, failure)| {
            let about = render::located(&live.address, &live.place);
            render::without(failure, &about, &session.err, session.margin())
        });
        words.collect()
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
            measured: self.measured.iter().map(wire_of_measured).collect(),
            waiting: self.waiting().map(|(live, on)| Waiting { what: of(live), on }).collect(),
            alarms: self.alarms().map(|(live, is_off)| Alarm { what: of(live), is_off }).collect(),
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
        let place = |live: &Live| render::located(&live.address, &live.place);
        let measured = self.measured.iter().map(|it| vec![place(it.live), vitals(it)]);
        let waiting = self.waiting().map(|(live, on)| vec![place(live), on]);
        let alarms: Vec<_> = self.alarms().collect();
        let off = alarms.iter().filter(|(_, is_off)| *is_off);
        let off: Vec<_> = off.map(|(live, _)| vec![place(live), state(live)]).collect();
        let quiet = match (alarms.len(), off.len()) {
            (0, _) | (_, 1..) => String::new(),
            (1, 0) => "\nThe alarm is quiet.\n".to_owned(),
            (all, 0) => format!("\nAll {all} alarms are quiet.\n"),
        };
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
            table(&["MEASURED", "HOW IT DOES"], measured.collect()),
            table(&["WAITS", "FOR"], waiting.collect()),
            table(&["ALARM", "STATE"], off),
            quiet,
            table(&["ENDPOINT", "STATE", "ADDRESS"], endpoints.collect()),
            table(&headings, all.collect()),
        ]
        .concat()
    }
}

fn of(live: &Live) -> Position {
    Position::of(&live.address, &live.place)
}

fn wire_of_measured(measured: &Measured<'_>) -> state::Measured {
    let (vitals, failure) = match &measured.vitals {
        Ok(vitals) => (vitals.iter().map(Into::into).collect(), None),
        Err(failure) => (Vec::new(), Some(failure.into())),
    };
    state::Measured { what: of(measured.live), vitals, failure }
}

/// How something does, in one line; what somebody should look at is marked.
fn vitals(measured: &Measured<'_>) -> String {
    let Ok(vitals) = &measured.vitals else { return UNREAD.to_owned() };
    let words = vitals.iter().map(|vital| {
        let words = render::vital(vital);
        if vital.is_bad { format!("! {words}") } else { words }
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "not measured yet".to_owned() } else { words.join(", ") }
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
    let Address { kind, .. } = &running.live.address;
    let name = render::located(&running.live.address, &running.live.place);
    let mut row = vec![name.replacen(&format!("{kind}/"), "", 1)];
    match service.running {
        None => row.extend([UNREAD, "", ""].map(str::to_owned)),
        Some(count) => {
            row.push(match service.wanted {
                Some(wanted) => format!("{count} of {wanted}"),
                None => count.to_string(),
            });
            row.push(match (service.healthy, service.unhealthy) {
                (0, 0) => "not checked".to_owned(),
                (_, 0) => "healthy".to_owned(),
                (_, unhealthy) => format!("{unhealthy} unhealthy"),
            });
            let release = |id: &String| id.rsplit('/').next().unwrap_or(id).to_owned();
            let releases: Vec<String> = service.releases.iter().map(release).collect();
            row.push(match releases.as_slice() {
                [] => "none".to_owned(),
                [only] => match own_digest(running) {
                    Some(digest) => format!("{only} ({digest})"),
                    None => only.clone(),
                },
                several => several.join(", "),
            });
        }
    }
    row.push(match &running.rollouts {
        Ok(rollouts) => rollouts.first().map_or_else(String::new, words),
        Err(_) => UNREAD.to_owned(),
    });
    row
}

/// The beginning of the digest of the image that all tasks of a service run in the container that is
/// its own.
fn own_digest(running: &Running<'_>) -> Option<String> {
    let name = &running.live.address.name;
    let own = |task: &Task| {
        let containers = &task.containers;
        let own = containers.iter().find(|it| it.name == *name).or(containers.first())?;
        own.digest.clone()
    };
    let tasks = running.tasks.as_deref().unwrap_or_default();
    let digests: BTreeSet<Option<String>> = tasks.iter().map(own).collect();
    let digest = digests.first().filter(|_| digests.len() == 1)?.as_ref()?;
    Some(render::brief(digest).to_owned())
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
