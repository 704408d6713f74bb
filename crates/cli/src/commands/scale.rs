//! `deployer scale`: sets how many tasks a service has.

use std::collections::BTreeMap;
use std::sync::Arc;

use deployer_core::{Address, Bounds, Fact, Kinds, Live, Snapshot, Thing};
use deployer_engine::{Journal, Scan, scale};

use crate::answer::Form;
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::lock::LockArgs;
use crate::services::{as_tagged, chosen};
use crate::session::{Project, Session};
use crate::world::Connect;

/// The most tasks of a service ("Tasks per service" in ECS's quotas).
const MOST: i64 = 5000;

/// What `scale` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Set how many tasks a service has",
    long_about = "Set how many tasks a service has.\n\n\
        It is set in ECS and not in the file, and this waits until so many run. Where the file says \
        another `count`, the next apply puts that back. Where a scaler says (`scale:`), it goes on \
        from there: within its bounds it changes the number again as the load does.",
    after_long_help = "\
Examples:
  deployer scale web 6 --env prod
  deployer scale worker 0 --yes     stop it for a while"
)]
pub(crate) struct Args {
    /// The service
    #[arg(value_name = "SERVICE", id = "running")]
    service: String,
    /// How many tasks
    #[arg(value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=MOST))]
    count: u32,
    #[command(flatten)]
    stack: StackArgs,
    /// Do not ask whether none is to be left
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock: LockArgs,
}

impl Command for Args {
    const FORM: Form = Form::Lines;

    /// Sets the number, and waits until so many run.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let environment = session.locate(&self.stack)?;
        let known = session.seen(&environment).await?;
        let asked = [self.service.clone()];
        let services = chosen(&asked, &known.snapshot)?;
        let (connected, scope) = (&known.connected, as_tagged(&known.snapshot, &services));
        let kinds = session.world.registry().kinds();
        let address = services[0].address.clone();
        let said =
            self.consequences(&address, &known.snapshot, environment.project.as_ref(), &kinds);
        session.note(&said);
        if self.count == 0 && !self.yes {
            let question = format!("Leave no task of {address}?");
            session.confirm(&question, "add `--yes` to stop them without a question").await?;
        }
        let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
            let snapshot =
                session.observe(connected, &scope, Scan::Known, &journal.deeds()).await?;
            session.confirm_ours(&snapshot, self.yes).await?;
            let live = chosen(&asked, &snapshot)?[0];
            let registry = session.world.registry();
            let mut begun = BTreeMap::new();
            if let Some(workloads) = registry.workloads(&live.address.kind) {
                let cloud = session.reach(&known, live).await?;
                // What may have begun is not left before that is known.
                let scaling = scale(workloads, (&*cloud, live), self.count);
                let output = session.attended(scaling).await;
                let output = output.map_err(|failure| Error::Cloud(vec![failure]))?;
                begun.insert(live.address.clone(), output);
            }
            session.settle_services((&snapshot, begun), connected, journal).await
        };
        session.locked("scale", &self.lock, connected, &scope, work).await
    }
}

impl Args {
    /// What becomes of the number later.
    fn consequences(
        &self,
        address: &Address,
        snapshot: &Snapshot,
        project: Option<&Project>,
        kinds: &Kinds,
    ) -> String {
        let count = self.count;
        let live = snapshot.current(address);
        if let Some(Bounds { least, most, .. }) = live.and_then(|it| bounds(it, snapshot, kinds)) {
            return if count < least {
                format!(
                    "{address} is scaled between {least} and {most} tasks: with {count} its scaler \
                     adds some once the load asks for more, and does not before\n"
                )
            } else if count > most {
                format!(
                    "{address} is scaled between {least} and {most} tasks: its scaler takes those \
                     beyond {most} away again\n"
                )
            } else {
                format!(
                    "{address} is scaled between {least} and {most} tasks: its scaler goes on from \
                     {count} as the load does\n"
                )
            };
        }
        let desired = project.and_then(|project| project.stack.resources.get(address));
        match desired.map(|desired| desired.spec["count"].as_u64()) {
            Some(Some(said)) if said != u64::from(count) => format!(
                "the file says {said}: the next `deployer apply` puts that back; write \
                 `count: {count}` to have it stay\n"
            ),
            _ => String::new(),
        }
    }
}

/// Between how many tasks a scaler keeps a service, if one does.
fn bounds(service: &Live, snapshot: &Snapshot, kinds: &Kinds) -> Option<Bounds> {
    let facts = snapshot.lives.iter().filter_map(|live| {
        let kind = kinds.find(&live.address.kind)?;
        kind.facts(&live.spec)
    });
    facts.flatten().find_map(|fact| match fact {
        Fact::Bounds(bounds) if bounds.of == Thing::Physical(service.id().to_owned()) => {
            Some(bounds)
        }
        _ => None,
    })
}
