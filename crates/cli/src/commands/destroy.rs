//! `deployer destroy`: takes everything down, and proves it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deployer_core::{
    Address, Home, Kinds, Live, Place, Plan, Roles, Scope, Snapshot, Stack, Stays,
};
use deployer_engine::{Journal, Look, Places, Scan};

use crate::answer::{Form, Page};
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::exit::{Error, Exit, Refusal};
use crate::lock::LockArgs;
use crate::render::{self, Detail};
use crate::session::{Environment, Project, Session, Way};
use crate::wire::document::Position;
use crate::wire::run::{Gone, Kept, Receipt, RunLine};
use crate::wire::state::{Resource, Unseen};
use crate::world::Connect;

/// Everything is looked at, and what others attached to it.
const ALL: Scan<'static> = Scan::All(Look::Last);

/// How many times at most it is swept. What shows up late, such as a log group that a last
/// message brought back, is gone after the second.
const SWEEPS: usize = 3;

/// What `destroy` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Take everything down, and prove it",
    long_about = "Take everything down, and prove it.\n\n\
        Deletes everything that this environment of the stack owns, whether or not the file still \
        declares it, and nothing else. Ends with a receipt: what is gone, what was kept on \
        purpose, and what a last look at the account found.\n\n\
        The stack need not be right, nor even be there: `--stack`, `--env` and `--region` do.",
    after_long_help = "\
Examples:
  deployer destroy --env dev
  deployer destroy --yes --unprotect databases/main
  deployer destroy --stack notes --env dev --region eu-west-1"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    /// The stack's name, instead of a file
    #[arg(long = "stack", value_name = "NAME", requires = "env", conflicts_with = "file")]
    name: Option<String>,
    /// Allow this to be deleted although it is protected, such as `databases/main` or a single
    /// resource; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    unprotect: Vec<Address>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock: LockArgs,
}

impl Command for Args {
    const FORM: Form = Form::Lines;

    /// Deletes, sweeps, and prints the receipt.
    async fn run<W: Connect>(mut self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let environment = match (&self.name, &self.stack.env) {
            (Some(name), Some(environment)) => Environment {
                scope: Scope {
                    stack: name.clone(),
                    environment: environment.clone(),
                    origin: None,
                    tags: BTreeMap::new(),
                },
                way: Way {
                    region: self.stack.region.clone(),
                    folder: session.terminal.folder.clone(),
                    home: Home::default(),
                    said: None,
                },
                // A file that lies here by chance says nothing of a stack that is named.
                project: None,
            },
            _ => session.locate(&self.stack)?,
        };
        let connected = session.connect(&environment.way).await?;
        let connected = environment.places(connected);
        let is_declared = environment.project.is_some();
        // A stack full of mistakes has no sections that could be named.
        if let Some(project) = &environment.project {
            let named = TargetArgs { targets: vec![], unprotect: self.unprotect };
            self.unprotect = project.meant(&named).unprotect;
        }
        let nothing = Stack {
            scope: environment.scope.clone(),
            region: connected.home().1.to_owned(),
            home: environment.way.home.clone(),
            roles: Roles::new(),
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        let ending = Ending { nothing, file: environment.project.as_ref(), args: &self };
        let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
            let deeds = journal.deeds();
            let snapshot = session.observe(&connected, &environment.scope, ALL, &deeds).await?;
            let is_sure = is_declared || deeds.record.is_whole();
            let mut swept = Swept { is_sure, ..Swept::default() };
            let mut plan = None;
            let mut rest = snapshot;
            if !rest.lives.is_empty() {
                let all = plan.insert(ending.plan(&rest, session)?);
                rest = swept.keep(rest, &all.stays, &session.world.registry().kinds());
            }
            let snapshot = rest;
            let Some(plan) = plan.filter(|_| !snapshot.lives.is_empty()) else {
                close(journal, &snapshot, &mut swept, session).await?;
                return Ok(conclude(&swept, &snapshot, session));
            };
            session.confirm_ours(&snapshot, self.yes).await?;
            session.show(&plan, Detail::Removal);
            if !self.yes {
                confirm(&environment.scope, session).await?;
            }
            delete(plan, &ending, &connected, journal, swept, session).await
        };
        session.locked("destroy", &self.lock, &connected, &environment.scope, work).await
    }
}

/// Has the name typed: a `y` comes too easily for this.
async fn confirm<W: Connect>(scope: &Scope, session: &mut Session<'_, W>) -> Result<(), Error> {
    let question = format!("This cannot be undone. Type {scope} to destroy it:");
    let help = "add `--yes` to destroy without a question";
    if session.ask(&question, help).await? == scope.to_string() {
        return Ok(());
    }
    Err(Refusal::Declined.into())
}

/// The end of an environment.
struct Ending<'a> {
    /// A stack with nothing in it.
    nothing: Stack,
    /// What the file says, where there is one.
    file: Option<&'a Project>,
    args: &'a Args,
}

impl Ending<'_> {
    /// Plans the end of all that is there. A stack that is named rather than read is meant wherever
    /// it is written.
    fn plan<W: Connect>(
        &self,
        snapshot: &Snapshot,
        session: &Session<'_, W>,
    ) -> Result<Plan, Error> {
        let snapshot = match (&self.args.name, self.file) {
            (Some(_), _) => &snapshot.clone().made_anywhere(),
            (None, Some(Project { stack, .. })) => {
                &snapshot.clone().deleted_as(stack, &session.world.registry().kinds())
            }
            (None, None) => snapshot,
        };
        // What is gone by the second sweep needs no permission any more.
        let is_first = |address: &&Address| snapshot.current(address).is_some();
        let unprotect = self.args.unprotect.iter().filter(is_first).cloned().collect();
        let targets = TargetArgs { targets: vec![], unprotect };
        session.plan(None, &self.nothing, snapshot, &targets)
    }
}

/// What has been swept so far.
#[derive(Default)]
struct Swept {
    /// Whether everything was looked at that there may be: the record says so, or the file.
    is_sure: bool,
    /// The resources that are gone, each with its identifier.
    gone: Vec<(Address, Place, String)>,
    /// What was left behind on purpose.
    kept: Vec<(String, String)>,
    /// The resources that were.
    stay: BTreeSet<Thing>,
}

/// A resource by its kind and identifier: things of two kinds may have the same name.
type Thing = (String, String);

fn thing(live: &Live) -> Thing {
    (live.address.kind.clone(), live.id().to_owned())
}

impl Swept {
    /// Notes what a plan leaves as it is; gives what is there besides that, and besides what is
    /// part of it.
    fn keep(&mut self, mut snapshot: Snapshot, stays: &[Stays], kinds: &Kinds) -> Snapshot {
        for Stays { address, place, id, because } in stays {
            if self.stay.insert((address.kind.clone(), id.clone())) {
                self.kept.push((render::located(address, place), because.clone()));
            }
        }
        // What a step left that was there before is the thing itself.
        self.gone
            .retain(|(address, _, id)| !self.stay.contains(&(address.kind.clone(), id.clone())));
        let parts = snapshot.lives.iter().filter(|live| self.stay.contains(&thing(live)));
        let parts = parts.flat_map(|whole| snapshot.parts_of(kinds, whole));
        let kept: BTreeSet<Thing> = parts.map(thing).chain(self.stay.iter().cloned()).collect();
        snapshot.lives.retain(|live| !kept.contains(&thing(live)));
        snapshot
    }
}

/// Runs plan after plan until nothing is left, a run fails, or it has been enough.
async fn delete<W: Connect>(
    mut plan: Plan,
    ending: &Ending<'_>,
    connected: &Arc<Places<W::Cloud>>,
    journal: &Arc<Journal<W::Cloud>>,
    mut swept: Swept,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let mut snapshot;
    let mut sweeps = 0;
    loop {
        let outcome = session.perform(connected, journal, &plan).await?;
        let exit = session.conclude(&plan, &outcome, &BTreeMap::new());
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        sweeps += 1;
        let steps = outcome.done.iter().map(|step| &plan.steps[*step]);
        let left: BTreeSet<&Address> = outcome.left.iter().map(|(address, _)| address).collect();
        let left: BTreeSet<Thing> = steps
            .clone()
            .filter(|step| left.contains(&step.address))
            .filter_map(|step| step.live.as_ref().map(thing))
            .collect();
        swept.gone.extend(steps.map(|step| {
            let id = step.live.as_ref().map(|live| live.id().to_owned());
            (step.address.clone(), step.place.clone(), id.unwrap_or_default())
        }));
        let kept = outcome.left.into_iter().map(|(address, what)| (address.to_string(), what));
        swept.kept.extend(kept);
        let deeds = journal.deeds();
        let looking = session.observe(connected, &ending.nothing.scope, ALL, &deeds);
        snapshot = looking.await.map_err(unswept)?;
        let planned = ending.plan(&snapshot, session);
        let still = |it: &&Thing| snapshot.lives.iter().any(|live| thing(live) == **it);
        swept.stay.extend(left.iter().filter(still).cloned());
        let stays = planned.as_ref().map(|plan| plan.stays.clone()).unwrap_or_default();
        snapshot = swept.keep(snapshot, &stays, &session.world.registry().kinds());
        if snapshot.lives.is_empty() || exit == Exit::Failed || sweeps == SWEEPS {
            break;
        }
        plan = planned.map_err(unswept)?;
        if plan.is_empty() {
            break;
        }
    }
    close(journal, &snapshot, &mut swept, session).await.map_err(unswept)?;
    Ok(conclude(&swept, &snapshot, session))
}

/// Takes off what the account keeps of an environment that has nothing any more.
async fn close<W: Connect>(
    journal: &Journal<W::Cloud>,
    snapshot: &Snapshot,
    swept: &mut Swept,
    session: &Session<'_, W>,
) -> Result<(), Error> {
    if !snapshot.lives.is_empty() || !snapshot.unseen.is_empty() {
        return Ok(());
    }
    if !swept.is_sure {
        let what = "its keys are kept: the record of it is lost, and only a file can say whether \
                    it has something in other accounts or regions";
        swept.kept.push((snapshot.scope.to_string(), what.to_owned()));
        return Ok(());
    }
    if !swept.stay.is_empty() {
        let what = "the record of it and its keys are kept, for as long as that is there";
        swept.kept.push((snapshot.scope.to_string(), what.to_owned()));
        return Ok(());
    }
    let closed = session.unless_cancelled(journal.close()).await?;
    if !closed.map_err(|failure| Error::Cloud(vec![failure]))? {
        let what = "the record of it is kept, for as long as that can be brought back".to_owned();
        swept.kept.push((snapshot.scope.to_string(), what));
    }
    Ok(())
}

fn unswept(why: Error) -> Error {
    Error::Unswept(Box::new(why))
}

/// Prints the receipt. How it ended depends on what still exists, not on what was reported on the
/// way.
fn conclude<W: Connect>(swept: &Swept, snapshot: &Snapshot, session: &Session<'_, W>) -> Exit {
    let is_clean = snapshot.lives.is_empty() && snapshot.unseen.is_empty();
    let exit = if is_clean { Exit::Done } else { Exit::Failed };
    if session.is_json {
        session.line(RunLine::Receipt(Box::new(receipt(swept, snapshot, exit))));
        return exit;
    }
    let Swept { gone, kept, .. } = swept;
    let Page { theme, width } = session.page();
    if gone.is_empty() && kept.is_empty() && is_clean {
        session.print(&format!("There is nothing of {} in {}.\n", snapshot.scope, snapshot.region));
    } else {
        session.note("\n");
        let gone: Vec<(String, String)> = gone
            .iter()
            .map(|(address, place, id)| (render::located(address, place), id.clone()))
            .collect();
        session.print(&render::receipt(snapshot, &gone, kept, &theme, width));
        session.note(&render::unseen(&snapshot.unseen, &session.err, session.margin()));
    }
    exit
}

fn receipt(swept: &Swept, snapshot: &Snapshot, exit: Exit) -> Receipt {
    let gone = swept.gone.iter().cloned();
    let kept = swept.kept.iter().cloned();
    Receipt {
        exit: exit.code(),
        scope: snapshot.scope.to_string(),
        gone: gone
            .map(|(address, place, id)| Gone { what: Position::of(&address, &place), id })
            .collect(),
        kept: kept.map(|(of, what)| Kept { of, what }).collect(),
        still_there: snapshot.lives.iter().map(Resource::from).collect(),
        unseen: snapshot.unseen.iter().map(Unseen::from).collect(),
    }
}
