//! `deployer publish`: builds images and rolls them out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deployer_core::{Address, Live, Plan, Snapshot, Stack, references};
use deployer_engine::{Journal, Places, Scan, prepare, tidy};

use crate::answer::Form;
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::commands::apply::carry_out;
use crate::exit::{Error, Exit, Refusal, RequestError};
use crate::lock::LockArgs;
use crate::masking::said;
use crate::render::Detail;
use crate::session::{Project, Session};
use crate::world::Connect;

/// The kinds that publishing may change without being asked twice.
const EXPECTED: [&str; 6] =
    ["image", "task-definition", "job", "state-machine", "schedule", "service"];

/// What `publish` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Build the images and roll them out",
    long_about = "Build the images and roll them out.\n\n\
        Builds the image of each service named, or of all, and where it is not the one that \
        runs, pushes it and rolls the service over to it. Nothing else is changed: when the \
        rollout needs more than its image, task definition, service and jobs, it says what and stops.\n\n\
        Once the rollout is over, older releases than the repository keeps (`keep:`) are deleted, \
        but for those that run or ran before that.",
    after_long_help = "\
Examples:
  deployer publish                  build and roll out every service
  deployer publish web --env prod   only `web`, in prod"
)]
pub(crate) struct Args {
    /// The services; when none is named, all whose images are built here
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    #[command(flatten)]
    stack: StackArgs,
    /// Also change what the rollout needs beyond image, task definition and service
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock: LockArgs,
}

impl Command for Args {
    const FORM: Form = Form::Lines;

    /// Builds, plans, and runs what follows from the new images.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let project = session.load(&self.stack)?;
        let images = chosen(&self.services, &project.images)?;
        let connected = session.connect_for(&project).await?;
        let built = build(&project, &connected, &images, session).await?;
        let scope = built.scope.clone();
        let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
            session.trace(journal, &project.source.folder);
            let (scan, deeds) = (Scan::For(&built), journal.deeds());
            let snapshot = session.observe(&connected, &scope, scan, &deeds).await?;
            let project = session.settle(project.clone(), &connected, &snapshot).await?;
            let mut stack = project.stack.clone();
            let known = built.resources.iter().filter(|(address, _)| images.contains(*address));
            stack.resources.extend(known.map(|(image, it)| (image.clone(), it.clone())));
            let followers = followers(&stack, &images);
            session.confirm_ours(&snapshot, false).await?;
            let targets = TargetArgs::default();
            let plan = session.plan(Some(&project), &stack, &snapshot, &targets)?;
            let plan = plan.only(&followers);
            let beyond = beyond(&plan, &followers);
            session.show(&plan, Detail::Changes);
            session.show_refused(&plan, Some(&project));
            if !beyond.is_empty() && !self.yes {
                Err(Refusal::Beyond(beyond))?;
            }
            let exit = carry_out(&plan, &connected, journal, session).await?;
            if !plan.is_empty() && exit == Exit::Done {
                tidy_up(&snapshot, &images, &connected, journal, session).await;
            }
            Ok(exit)
        };
        session.locked("publish", &self.lock, &connected, &scope, work).await
    }
}

/// Deletes the releases that nobody needs any more, and says so. What keeps it from doing that fails
/// nothing: the next release does.
async fn tidy_up<W: Connect>(
    snapshot: &Snapshot,
    images: &BTreeSet<Address>,
    connected: &Arc<Places<W::Cloud>>,
    journal: &Arc<Journal<W::Cloud>>,
    session: &Session<'_, W>,
) {
    let (registry, roles) = (session.world.registry(), journal.deeds().record.roles);
    for image in images {
        let Some(live) = snapshot.current(image) else { continue };
        let Some(keep) = kept(snapshot, live) else { continue };
        let tidying = tidy(&registry, connected, &snapshot.lives, &roles, (live, keep));
        let said = match tidying.await {
            Ok(gone) if gone.is_empty() => continue,
            Ok(gone) => format!("{image}: deleted the old releases {}", gone.join(", ")),
            Err(failure) => format!("{image}: old releases are left: {failure}"),
        };
        session.note(&format!("{}\n", session.err.faint.style(said)));
    }
}

/// How many releases the repository of an image keeps; none where it keeps all of them.
fn kept(snapshot: &Snapshot, image: &Live) -> Option<usize> {
    let repository = image.spec.pointer("/repository/id")?.as_str()?;
    let mut lives = snapshot.lives.iter();
    let repository =
        lives.find(|live| live.address.kind == "repository" && live.id() == repository)?;
    let keep = repository.spec.get("keep")?.as_u64().filter(|keep| *keep > 0)?;
    usize::try_from(keep).ok()
}

/// The images of these services, or of all.
fn chosen(
    services: &[String],
    images: &BTreeMap<String, BTreeSet<Address>>,
) -> Result<BTreeSet<Address>, RequestError> {
    if images.is_empty() {
        return Err(RequestError::NothingToPublish);
    }
    if services.is_empty() {
        return Ok(images.values().flatten().cloned().collect());
    }
    let mut chosen = BTreeSet::new();
    for asked in services {
        let of_service = images.get(asked).ok_or_else(|| RequestError::NoImage {
            asked: asked.clone(),
            known: images.keys().cloned().collect(),
        })?;
        chosen.extend(of_service.iter().cloned());
    }
    Ok(chosen)
}

/// Builds the images to learn their digests; shows each line of the builds.
async fn build<W: Connect>(
    project: &Project,
    connected: &Arc<Places<W::Cloud>>,
    images: &BTreeSet<Address>,
    session: &Session<'_, W>,
) -> Result<Stack, Error> {
    let registry = session.world.registry();
    let show = |address: &Address, line: &str| {
        let head = session.err.faint.style(format!("{address} |"));
        session.note(&format!("{head} {}\n", said(line)));
    };
    let building = prepare(&registry, &**connected.cloud(), &project.stack, images, &show);
    session
        .unless_cancelled(building)
        .await?
        .map_err(|(address, failure)| RequestError::Build { address, failure }.into())
}

/// These and all that refers to them, directly or not.
pub(crate) fn followers(stack: &Stack, images: &BTreeSet<Address>) -> BTreeSet<Address> {
    let mut found = images.clone();
    loop {
        let more: Vec<Address> = stack
            .resources
            .iter()
            .filter(|(address, desired)| {
                !found.contains(address) && !references(&desired.spec).is_disjoint(&found)
            })
            .map(|(address, _)| address.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// What the plan changes that nobody expects of a rollout.
fn beyond(plan: &Plan, followers: &BTreeSet<Address>) -> Vec<Address> {
    let addresses: BTreeSet<&Address> = plan.steps.iter().map(|step| &step.address).collect();
    addresses
        .into_iter()
        .filter(|address| {
            !followers.contains(address) || !EXPECTED.contains(&address.kind.as_str())
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn what_runs_an_image_follows_it() {
        let found = followers(&samples::stack(), &BTreeSet::from([address("image/web")]));
        let names: Vec<String> = found.iter().map(Address::to_string).collect();
        assert_eq!(names, ["image/web", "service/web", "task-definition/web"]);
    }

    #[test]
    fn what_is_changed_beside_a_rollout_is_named() {
        let found = beyond(&samples::plan(), &BTreeSet::from([address("service/web")]));
        assert!(found.contains(&address("db-instance/main")), "{found:?}");
        assert!(!found.contains(&address("service/web")));
    }

    #[test]
    fn a_service_without_an_image_of_its_own_is_distinguished_from_one_misspelt() {
        let images = BTreeMap::from([("web".to_owned(), [address("image/web")].into())]);
        let error = Error::from(chosen(&["wbe".to_owned()], &images).unwrap_err());
        assert_eq!(error.help().as_deref(), Some("did you mean `web`?"));
        assert!(matches!(chosen(&[], &BTreeMap::new()), Err(RequestError::NothingToPublish)));
        assert_eq!(chosen(&[], &images).unwrap().len(), 1);
    }
}
