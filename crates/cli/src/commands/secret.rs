//! `deployer secret`: what is done to generated secrets.

use std::collections::BTreeSet;
use std::sync::Arc;

use deployer_core::Address;
use deployer_engine::{Journal, Scan};

use crate::answer::Form;
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::commands::apply::carry_out;
use crate::commands::publish::followers;
use crate::exit::{Error, Exit, RequestError};
use crate::lock::LockArgs;
use crate::render::Detail;
use crate::session::{Project, Session};
use crate::world::Connect;

/// What `secret` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Rotate a generated secret or the password of a database",
    long_about = "Rotate a generated secret or the password of a database.\n\n\
        `rotate` makes a secret with another value, gives it to who has to know it, a database \
        first, and rolls out the services that use it; then the old secret goes. No value is \
        shown. The plan says who notices: tasks keep the connections to a database that they \
        have, and those that open new ones fail from when the password has changed until they \
        are replaced.\n\n\
        An interrupted rotation is finished by `deployer apply`.",
    after_long_help = "\
Examples:
  deployer secret rotate databases/main --env prod
  deployer secret rotate secrets/session --yes"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

/// What can be done to one.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Give it another value, and roll out the services that use it
    Rotate(Rotate),
}

/// What `secret rotate` takes.
#[derive(Debug, clap::Args)]
struct Rotate {
    /// The entry that has it: `secrets/session`, or `databases/main` for its password
    #[arg(value_name = "ADDRESS")]
    address: Address,
    #[command(flatten)]
    stack: StackArgs,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock: LockArgs,
}

impl Command for Args {
    const FORM: Form = Form::Lines;

    /// Does it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let Action::Rotate(rotate) = self.action;
        rotate.run(session).await
    }
}

impl Rotate {
    /// Plans with the secret on its way out, asks, and runs what follows from that.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let project = session.load(&self.stack)?;
        let secrets = self.secrets(&project)?;
        let connected = session.connect_for(&project).await?;
        let stack = &project.stack;
        let followers = followers(stack, &secrets);
        let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
            let (scan, deeds) = (Scan::For(stack), journal.deeds());
            let snapshot = session.observe(&connected, &stack.scope, scan, &deeds).await?;
            session.confirm_ours(&snapshot, self.yes).await?;
            if let Some(missing) = secrets.iter().find(|it| snapshot.current(it).is_none()) {
                Err(RequestError::NotThereYet(missing.clone()))?;
            }
            let project = session.settle(project.clone(), &connected, &snapshot).await?;
            let snapshot = snapshot.replacing(&secrets);
            let targets = TargetArgs::default();
            let plan = session.plan(Some(&project), &project.stack, &snapshot, &targets)?;
            let plan = plan.only(&followers);
            session.show(&plan, Detail::Changes);
            session.show_refused(&plan, Some(&project));
            if !self.yes {
                let help = "add `--yes` to rotate without a question";
                session.confirm("Rotate it?", help).await?;
            }
            carry_out(&plan, &connected, journal, session).await
        };
        session.locked("secret rotate", &self.lock, &connected, &stack.scope, work).await
    }

    /// The secrets of the entry that is meant.
    fn secrets(&self, project: &Project) -> Result<BTreeSet<Address>, RequestError> {
        let targets = vec![self.address.clone()];
        let meant = project.meant(&TargetArgs { targets, unprotect: Vec::new() }).targets;
        let is_there = |address: &Address| project.stack.resources.contains_key(address);
        if !meant.iter().any(is_there) {
            return Err(RequestError::NoTarget {
                asked: self.address.clone(),
                namesakes: Vec::new(),
            });
        }
        let secrets: BTreeSet<Address> =
            meant.into_iter().filter(|address| address.kind == "secret").collect();
        if secrets.is_empty() {
            return Err(RequestError::NoSecret(self.address.clone()));
        }
        Ok(secrets)
    }
}
