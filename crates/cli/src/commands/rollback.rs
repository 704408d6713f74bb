//! `deployer rollback`: stops a rollout, or brings an earlier release back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deployer_core::{Address, Desired, Live, Snapshot, Text};
use deployer_engine::{
    Back, Journal, Places, Rollout, RolloutState, Scan, Serving, Steering, Version, back, steer,
};
use serde_json::{Value, json};

use crate::answer::Form;
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::exit::{Error, Exit, Refusal, RequestError};
use crate::lock::LockArgs;
use crate::render::Detail;
use crate::services::{alone, as_is, as_tagged, chosen};
use crate::session::{Known, Session};
use crate::world::Connect;

/// What to type where nobody can answer.
const UNATTENDED: &str = "add `--yes` to go back without a question";

/// What stays as it is.
const STAYS: &str = "Not taken back: networks, load balancers, the values of secrets, and what is in \
                     databases.\nThe file stays as it is too: the next `deployer apply` brings back \
                     what it says otherwise, but not the image. To have all of it stay, take the \
                     change back in the file, such as with `git revert`.\n";

/// What `rollback` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Stop a rollout, or bring back the release before",
    long_about = "Stop a rollout, or bring back the release before.\n\n\
        While a rollout is under way it is stopped, and ECS goes back to what ran before. After it, \
        the release that ran before becomes a new release: its image and its settings, from the \
        repository and from ECS's records, without a build. A release that never came up is never \
        gone back to.\n\n\
        Not taken back are networks, load balancers, the values of secrets and what is in \
        databases. The file stays as it is too: the next apply brings back what it says otherwise, \
        but not the image, until something is published again. Run a second time, this goes no \
        further back: `--to` does.",
    after_long_help = "\
Examples:
  deployer rollback web --env prod      stop its rollout, or go back by one release
  deployer rollback web --to 7          what release 7 was (`deployer history web`)
  deployer rollback --yes               every service, without a question"
)]
pub(crate) struct Args {
    /// The services; all of them when none is named
    #[arg(value_name = "SERVICE", id = "running")]
    services: Vec<String>,
    #[command(flatten)]
    stack: StackArgs,
    /// The release, by its number in `deployer history`, instead of the one that ran before
    #[arg(long, value_name = "RELEASE")]
    to: Option<u32>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock: LockArgs,
}

impl Command for Args {
    const FORM: Form = Form::Lines;

    /// Looks what runs, and either stops rollouts or brings releases back.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let snapshot = &known.snapshot;
        let services = chosen(&self.services, snapshot)?;
        if self.to.is_some() && services.len() > 1 {
            Err(RequestError::ToOfSeveral)?;
        }
        let looked = session.serving(&known.connected, &services, snapshot).await?;
        let mut stops = Vec::new();
        for service in &looked {
            if let Back::Stop(rollout) | Back::Follow(rollout) =
                back(&service.rollouts, &service.versions, self.to)
            {
                stops.push((service, rollout));
            }
        }
        if stops.is_empty() {
            return self.bring_back(&known, &services, session).await;
        }
        // No lock: whoever has it rolls out just this, and sees that it goes back.
        stop(&known, &stops, self.yes, session).await
    }
}

impl Args {
    /// Makes a new release of one that ran before.
    async fn bring_back<W: Connect>(
        &self,
        known: &Known<W::Cloud>,
        services: &[&Live],
        session: &mut Session<'_, W>,
    ) -> Result<Exit, Error> {
        let connected = &known.connected;
        let scope = as_tagged(&known.snapshot, services);
        let names: Vec<String> = services.iter().map(|live| live.address.name.clone()).collect();
        let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
            session.trace_run(journal);
            let snapshot =
                session.observe(connected, &scope, Scan::Known, &journal.deeds()).await?;
            session.confirm_ours(&snapshot, self.yes).await?;
            let services = chosen(&names, &snapshot)?;
            let looked = session.serving(connected, &services, &snapshot).await?;
            let goals = self.goals(&looked, session)?;
            let mut resources = BTreeMap::new();
            for goal in &goals {
                goal.wanted(&snapshot, connected, &mut resources, session).await?;
                journal.goes_back(&goal.of, goal.version.number);
            }
            let others = others(&snapshot, &resources);
            let (stack, seen) = alone(&snapshot, resources);
            let plan = session.plan(None, &stack, &seen, &TargetArgs::default())?;
            session.show(&plan, Detail::Changes);
            if !plan.is_empty() {
                session.note(&format!("\n{STAYS}{others}"));
                if !self.yes {
                    session.confirm("Go back?", UNATTENDED).await?;
                }
            }
            session.carry(&plan, connected, journal).await
        };
        session.locked("rollback", &self.lock, connected, &scope, work).await
    }

    /// What each service goes back to. Of several that nobody has named, those that have nothing to
    /// go back to are left out.
    fn goals<'a, W: Connect>(
        &self,
        looked: &'a [Serving<'a>],
        session: &Session<'_, W>,
    ) -> Result<Vec<Goal<'a>>, Error> {
        let mut goals = Vec::new();
        for service in looked {
            let Serving { live, rollouts, versions, of } = service;
            let address = || live.address.clone();
            let (version, says) = match back(rollouts, versions, self.to) {
                Back::To(version) => (version, goes_back(version)),
                Back::Already(version) => (version, already(version, rollouts.first())),
                Back::Nowhere if self.services.is_empty() && looked.len() > 1 => {
                    session.note(&format!("{}: nothing has run before this\n", live.address));
                    continue;
                }
                Back::Nowhere => Err(RequestError::NothingBefore(address()))?,
                Back::Unknown(known) => Err(RequestError::NoRelease {
                    address: address(),
                    asked: self.to.unwrap_or_default(),
                    known,
                })?,
                Back::NeverRan(number) => {
                    Err(RequestError::NeverRan { address: address(), number })?
                }
                Back::Stop(_) | Back::Follow(_) | Back::Busy(_) => {
                    Err(Refusal::RollsOut(address()))?
                }
            };
            session.note(&format!("{}: {says}\n", live.address));
            let Some(of) = of.clone() else { Err(RequestError::NothingBefore(address()))? };
            goals.push(Goal { live, of, version });
        }
        if goals.is_empty() {
            Err(RequestError::NothingBeforeAny)?;
        }
        Ok(goals)
    }
}

fn goes_back(version: &Version) -> String {
    let commit = version.provenance.commit.as_ref();
    let commit = commit.map(|it| format!(", of commit {it}")).unwrap_or_default();
    format!("back to release {}{commit}", version.number)
}

/// It is back: by a rollback, or since its newest rollout did not come up.
fn already(version: &Version, newest: Option<&Rollout>) -> String {
    let is_newest = newest
        .and_then(|newest| newest.to.as_ref())
        .is_some_and(|to| to.runs.as_deref() == Some(version.id.as_str()));
    match version.provenance.again.filter(|_| is_newest) {
        Some(again) => format!(
            "runs release {again} again already, as release {}; `--to` goes further back",
            version.number
        ),
        None => format!("is back at release {} already; `--to` goes further back", version.number),
    }
}

/// What a service goes back to.
struct Goal<'a> {
    live: &'a Live,
    /// What has the version.
    of: Address,
    version: &'a Version,
}

impl Goal<'_> {
    /// Adds what there is to be: the version's spec, the images that it runs as their newest
    /// releases, and the service with all else as it is.
    async fn wanted<W: Connect>(
        &self,
        snapshot: &Snapshot,
        places: &Places<W::Cloud>,
        wanted: &mut BTreeMap<Address, Desired>,
        session: &Session<'_, W>,
    ) -> Result<(), Error> {
        let mut spec = self.version.spec.clone();
        let containers = spec.get_mut("containers").and_then(Value::as_object_mut);
        for container in containers.into_iter().flat_map(|all| all.values_mut()) {
            let named = container["image"].as_str().and_then(|image| image.split_once('@'));
            let Some((repository, digest)) = named else { continue };
            let found = self.image(snapshot, places, (repository, digest), session).await?;
            let Some(image) = found else { continue };
            let address = image.address.clone();
            let mut desired = as_is(image);
            desired.spec["digest"] = json!(digest);
            // It is there already: nothing is built.
            desired.spec["build"] = json!({ "unread": true });
            let before = wanted.insert(address.clone(), desired.clone());
            if before.is_some_and(|before| before != desired) {
                Err(Refusal::Apart(address.clone()))?;
            }
            container["image"] = json!(Text::output(address, "uri"));
        }
        let place = self.live.place.clone();
        wanted.insert(self.of.clone(), Desired { place, spec });
        let mut service = as_is(self.live);
        service.spec["task-definition"] = json!({ "ref": self.of });
        // Whatever number runs is right: a scaler may change it meanwhile.
        service.spec["count"] = Value::Null;
        wanted.insert(self.live.address.clone(), service);
        Ok(())
    }

    /// The image that has this one among its releases; none for one that is not built here.
    async fn image<'s, W: Connect>(
        &self,
        snapshot: &'s Snapshot,
        places: &Places<W::Cloud>,
        (repository, digest): (&str, &str),
        session: &Session<'_, W>,
    ) -> Result<Option<&'s Live>, Error> {
        let registry = session.world.registry();
        let mut is_built_here = false;
        for image in &snapshot.lives {
            let uri = image.output["uri"].as_str().and_then(|uri| uri.split_once('@'));
            let is_newest =
                snapshot.current(&image.address).is_some_and(|it| it.id() == image.id());
            let releases = registry.releases(&image.address.kind).filter(|_| is_newest);
            let (Some(releases), Some((of, _))) = (releases, uri) else { continue };
            if of != repository {
                continue;
            }
            is_built_here = true;
            let looking = async {
                let cloud = places.at(&image.place, &snapshot.roles).await?;
                releases.releases(&cloud, image).await
            };
            let all = session.unless_cancelled(looking).await?;
            let all = all.map_err(|failure| Error::Cloud(vec![failure]))?;
            if all.iter().any(|release| release.digest == digest) {
                return Ok(Some(image));
            }
        }
        if is_built_here {
            Err(Refusal::ImageGone {
                address: self.live.address.clone(),
                number: self.version.number,
                digest: digest.to_owned(),
            })?;
        }
        Ok(None)
    }
}

/// Says what else runs an image that gets another release: the next apply brings it there.
fn others(snapshot: &Snapshot, wanted: &BTreeMap<Address, Desired>) -> String {
    let said = wanted.iter().filter_map(|(address, desired)| {
        let image = snapshot.current(address)?;
        let is_other = desired.spec["digest"] != image.spec["digest"];
        let uri = image.output["uri"].as_str().filter(|_| is_other)?;
        let runs = |live: &&Live| {
            !wanted.contains_key(&live.address) && live.spec.to_string().contains(uri)
        };
        let lives = snapshot.lives.iter().filter(runs);
        let names: BTreeSet<String> = lives.map(|live| live.address.to_string()).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| {
            format!(
                "{address} is run by {names} too: the next `deployer apply` takes that back as \
                 well.\n"
            )
        })
    });
    said.collect()
}

/// Stops rollouts, and follows them back.
async fn stop<W: Connect>(
    known: &Known<W::Cloud>,
    stops: &[(&Serving<'_>, &Rollout)],
    yes: bool,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    for (service, rollout) in stops {
        let number = |it: Option<&Version>| it.map_or("?".to_owned(), |it| it.number.to_string());
        let address = &service.live.address;
        let of = number(service.version(rollout));
        let words = crate::services::words(rollout);
        session.note(&format!("{address}: the rollout of release {of} is {words}\n"));
    }
    let is_begun = stops.iter().all(|(_, rollout)| rollout.state == RolloutState::GoingBack);
    if !yes && !is_begun {
        session.confirm("Stop it and go back?", UNATTENDED).await?;
    }
    let registry = session.world.registry();
    let mut exit = Exit::Done;
    for (service, rollout) in stops {
        let live = service.live;
        let Some(rollouts) = registry.rollouts(&live.address.kind) else { continue };
        if rollout.state != RolloutState::GoingBack {
            let cloud = session.reach(known, live).await?;
            let steering = steer(rollouts, (&*cloud, live), &rollout.id, &Steering::RollBack);
            // What may have begun is not left before that is known.
            session.attended(steering).await.map_err(|failure| Error::Cloud(vec![failure]))?;
        }
    }
    for (service, rollout) in stops {
        let followed = session.follow(known, (service.live, &rollout.id), None).await?;
        let Some(ended) = followed else { return Ok(Exit::Interrupted) };
        if !session.must_be_back(service.live, &ended) {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}
