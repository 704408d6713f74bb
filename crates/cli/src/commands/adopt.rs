//! `deployer adopt`: takes something over that the stack did not make.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deployer_core::{Address, Live, Place, Plan, Snapshot, Stray};
use deployer_engine::{Adoption, Journal, Look, Places, Scan, adopt, seek};

use crate::answer::Form;
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit, RequestError};
use crate::lock::LockArgs;
use crate::render::{self, Detail};
use crate::session::{Project, Session, unplannable};
use crate::wire::run::{Adopted, RunLine};
use crate::world::Connect;

/// What `adopt` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Take over something that the stack did not make",
    long_about = "Take over something that the stack did not make.\n\n\
        Shows how it differs from what the file says, asks, writes it into the environment's \
        record and this stack's tags on it. Nothing else is changed: the next `deployer apply` \
        makes it as the file says, and `deployer destroy` deletes it with the rest. It also puts \
        back tags that somebody took off, and says which one is ours where several carry the same \
        tags.\n\n\
        The identifier is the one that `deployer status` shows for the kind: `vpc-…`, `sg-…`, \
        the identifier of a database, the ARN of a load balancer or a secret. Roles, log groups, \
        repositories and DB subnet groups are looked for by the beginning of the names that the \
        stack gives, such as `/notes/prod/` and `notes-prod-`; one that is called otherwise is \
        refused, with what to do instead.\n\n\
        `--all` is for an environment whose record and keys are lost: it lists everything that \
        carries the environment's tags and is not known to be its own, and takes over what you \
        confirm.",
    after_long_help = "\
Examples:
  deployer adopt vpc/main vpc-0123456789abcdef0
  deployer adopt db-instance/main shop-production --env prod
  deployer adopt --all --env prod"
)]
pub(crate) struct Args {
    /// The resource of the stack that it should become
    #[arg(value_name = "ADDRESS", required_unless_present = "all")]
    address: Option<Address>,
    /// What it is, by AWS's identifier
    #[arg(value_name = "ID", required_unless_present = "all")]
    id: Option<String>,
    /// Take over everything that carries this environment's tags
    #[arg(long, conflicts_with_all = ["address", "id"])]
    all: bool,
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

    /// Finds it, shows what would become of it, asks, and tags it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let project = session.load(&self.stack)?;
        let connected = session.connect_for(&project).await?;
        let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
            let adopting = Adopting { project: &project, connected: &connected, journal };
            match self.address.clone().zip(self.id.clone()) {
                Some((address, id)) => adopting.one(address, id, self.yes, session).await,
                None => adopting.all(self.yes, session).await,
            }
        };
        session.locked("adopt", &self.lock, &connected, &project.stack.scope, work).await
    }
}

/// What taking something over needs.
struct Adopting<'a, C: deployer_engine::Parameters> {
    project: &'a Project,
    connected: &'a Arc<Places<C>>,
    journal: &'a Arc<Journal<C>>,
}

impl<C: deployer_engine::Parameters> Adopting<'_, C> {
    async fn one<W: Connect<Cloud = C>>(
        &self,
        address: Address,
        id: String,
        is_unattended: bool,
        session: &mut Session<'_, W>,
    ) -> Result<Exit, Error> {
        let there = self.look(session).await?;
        let project = session.settle(self.project.clone(), self.connected, &there).await?;
        let Project { stack, .. } = &project;
        let Some(wanted) = stack.resources.get(&address) else {
            return Err(RequestError::NoTarget { asked: address, namesakes: Vec::new() }.into());
        };
        let adoption = Adoption { address, place: wanted.place.clone(), id };
        let Adoption { address, id, .. } = &adoption;
        if let Some(live) = there.current(address) {
            let (address, id) = (address.clone(), live.id().to_owned());
            Err(RequestError::AlreadyThere { address, id })?;
        }
        // A stray may be where the resource was once.
        let stray = there.strays.iter().find(|it| (&it.address, &it.id) == (address, id));
        let place = stray.map_or(&adoption.place, |stray| &stray.place).clone();
        let live = self.seek(&Adoption { place, ..adoption.clone() }, session).await?;
        let registry = session.world.registry();
        let all = BTreeSet::from([address.clone()]);
        // What the next apply needs permission for, it says itself.
        let permitted = stack.resources.keys().cloned().collect();
        let with = there.with(live.clone());
        let plan = deployer_core::plan(stack, &with, &registry.kinds(), &permitted)
            .map_err(|mistakes| unplannable(Some(self.project), stack, mistakes))?
            .only(&all);
        session.note(&format!(
            "{id} becomes {address}. The next `deployer apply` then does this:\n\n"
        ));
        session.show(&plan, Detail::Changes);
        session.show_refused(&plan, Some(self.project));
        if !is_unattended {
            let help = "add `--yes` to take it over without a question";
            session.confirm(&format!("Take over {id}?"), help).await?;
        }
        self.take(&live, session).await?;
        conclude(address, id, Some(&plan), session);
        Ok(Exit::Done)
    }

    /// Takes over what carries the environment's tags: where several carry the same, none of them.
    async fn all<W: Connect<Cloud = C>>(
        &self,
        is_unattended: bool,
        session: &mut Session<'_, W>,
    ) -> Result<Exit, Error> {
        let there = self.look(session).await?;
        let mut strays: BTreeMap<&Address, Vec<&Stray>> = BTreeMap::new();
        for stray in &there.strays {
            strays.entry(&stray.address).or_default().push(stray);
        }
        let mut sought = Vec::new();
        for (address, strays) in strays {
            let is_free = there.current(address).is_none();
            match strays.as_slice() {
                [Stray { address, place, id, .. }] if is_free => {
                    let (address, place, id) = (address.clone(), place.clone(), id.clone());
                    sought.push(self.seek(&Adoption { address, place, id }, session).await?);
                }
                strays => session.warn(&format!(
                    "left alone: {} carry the tags of {address}; `deployer adopt {address} ID` \
                     takes one over\n",
                    strays.iter().map(|it| it.id.as_str()).collect::<Vec<_>>().join(" and ")
                )),
            }
        }
        let unrecorded = there.unrecorded();
        if sought.is_empty() && unrecorded.is_empty() {
            session.note(&format!("There is nothing of {} to take over.\n", there.scope));
            return Ok(Exit::Done);
        }
        session.note(&format!("These carry the tags of {}:\n\n", there.scope));
        let line = |address: &Address, place: &Place, id: &str| {
            format!("  {}  {id}\n", render::located(address, place))
        };
        let signed = unrecorded.iter().map(|it| line(&it.address, &it.place, &it.id));
        let others = sought.iter().map(|it| line(&it.address, &it.place, it.id()));
        session.note(&signed.chain(others).collect::<String>());
        if !is_unattended {
            let help = "add `--yes` to take all of them over without a question";
            session.confirm("Take over all of them?", help).await?;
        }
        let confirming = self.journal.confirm(&unrecorded);
        session.unless_cancelled(confirming).await?.map_err(|it| Error::Cloud(vec![it]))?;
        for confirmed in &unrecorded {
            conclude(&confirmed.address, &confirmed.id, None, session);
        }
        for live in &sought {
            self.take(live, session).await?;
            conclude(&live.address, live.id(), None, session);
        }
        Ok(Exit::Done)
    }

    async fn look<W: Connect<Cloud = C>>(
        &self,
        session: &Session<'_, W>,
    ) -> Result<Snapshot, Error> {
        let (scan, deeds) = (Scan::All(Look::Quick), self.journal.deeds());
        session.observe(self.connected, &self.project.stack.scope, scan, &deeds).await
    }

    /// Finds what should be taken over.
    async fn seek<W: Connect<Cloud = C>>(
        &self,
        adoption: &Adoption,
        session: &Session<'_, W>,
    ) -> Result<Live, Error> {
        let (registry, scope) = (session.world.registry(), &self.project.stack.scope);
        let seeking = seek(&registry, self.connected, scope, adoption);
        let found = session.unless_cancelled(seeking).await?;
        let found = found.map_err(|failure| Error::Cloud(vec![failure]))?;
        found.ok_or_else(|| {
            let Adoption { address, id, .. } = adoption.clone();
            RequestError::NothingToAdopt { address, id }.into()
        })
    }

    async fn take<W: Connect<Cloud = C>>(
        &self,
        live: &Live,
        session: &Session<'_, W>,
    ) -> Result<(), Error> {
        let registry = session.world.registry();
        adopt(&registry, self.journal, self.connected, &self.project.stack.scope, live)
            .await
            .map_err(|failure| Error::Cloud(vec![failure]))
    }
}

fn conclude<W: Connect>(
    address: &Address,
    id: &str,
    plan: Option<&Plan>,
    session: &Session<'_, W>,
) {
    session.line(RunLine::Adopted(Box::new(Adopted {
        address: address.to_string(),
        id: id.to_owned(),
        next: plan.map(Into::into),
    })));
    if !session.is_json {
        let done = session.out.good.style("Taken over:");
        session.print(&format!("{done} {id} is {address} now.\n"));
    }
}
