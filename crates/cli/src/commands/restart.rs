//! `deployer restart`: replaces the tasks of services.

use std::collections::BTreeMap;
use std::sync::Arc;

use deployer_engine::{Journal, RolloutState, Scan, Serving, restart};

use crate::answer::Form;
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit, Refusal};
use crate::lock::LockArgs;
use crate::services::{as_tagged, chosen};
use crate::session::Session;
use crate::world::Connect;

/// What `restart` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Replace the tasks of services by new ones",
    long_about = "Replace the tasks of services by new ones.\n\n\
        ECS rolls the same release out once more, a few tasks at a time as in any rollout, and this \
        follows it to its end. New tasks read the values of their secrets anew. A restart that is \
        under way already is followed, and none is begun beside it; while another release is \
        rolled out, this is refused.",
    after_long_help = "\
Examples:
  deployer restart web --env prod   after a secret of its has changed
  deployer restart web worker"
)]
pub(crate) struct Args {
    /// The services
    #[arg(value_name = "SERVICE", id = "running", required = true)]
    services: Vec<String>,
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    lock: LockArgs,
}

impl Command for Args {
    const FORM: Form = Form::Lines;

    /// Begins rollouts of what runs, and follows them.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let services = chosen(&self.services, &known.snapshot)?;
        let (connected, scope) = (&known.connected, as_tagged(&known.snapshot, &services));
        let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
            let snapshot =
                session.observe(connected, &scope, Scan::Known, &journal.deeds()).await?;
            session.confirm_ours(&snapshot, false).await?;
            let services = chosen(&self.services, &snapshot)?;
            let looked = session.serving(connected, &services, &snapshot).await?;
            if let Some(busy) = looked.iter().find(|it| rolls_out(it) == Some(Of::Another)) {
                Err(Refusal::RollsOut(busy.live.address.clone()))?;
            }
            let registry = session.world.registry();
            let mut begun = BTreeMap::new();
            for service in &looked {
                let live = service.live;
                let Some(workloads) = registry.workloads(&live.address.kind) else { continue };
                let cloud = session.reach(&known, live).await?;
                let output = match rolls_out(service) {
                    Some(_) => Ok(live.output.clone()),
                    // What may have begun is not left before that is known.
                    None => session.attended(restart(workloads, (&*cloud, live))).await,
                };
                let output = output.map_err(|failure| Error::Cloud(vec![failure]))?;
                begun.insert(live.address.clone(), output);
            }
            session.settle_services((&snapshot, begun), connected, journal).await
        };
        session.locked("restart", &self.lock, connected, &scope, work).await
    }
}

/// What is rolled out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// What ran before: a restart.
    TheSame,
    /// Another release.
    Another,
}

/// What is rolled out of a service, if anything is.
fn rolls_out(service: &Serving<'_>) -> Option<Of> {
    use RolloutState::{GoingBack, Pending, UnderWay};
    let newest = service.rollouts.first()?;
    let is_same = !newest.from.is_empty()
        && newest.from.iter().all(|from| newest.to.as_ref().is_some_and(|to| to.runs == from.runs));
    let of = if is_same { Of::TheSame } else { Of::Another };
    matches!(newest.state, Pending | UnderWay | GoingBack).then_some(of)
}
