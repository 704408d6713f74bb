//! `deployer apply`: makes what is there what the stack says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use deployer_core::{Impact, Plan, Scope, Snapshot};
use deployer_engine::{Journal, Places, Scan};

use crate::answer::Form;
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::commands::outputs::Outputs;
use crate::exit::{Error, Exit, Refusal};
use crate::lock::LockArgs;
use crate::perform::whole;
use crate::plan_file::{self, PlanFile, PlanFileError};
use crate::render::{self, Detail};
use crate::seal::Key;
use crate::session::{Session, Way};
use crate::world::Connect;

/// What to do about a plan that carries no seal, where nobody can answer.
const UNSEALED: &str = "look at it and add `--yes`; where plans are made on another machine, as in \
                        CI, give both the same DEPLOYER_PLAN_KEY";

/// What `apply` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Create, change or delete what differs from the stack",
    long_about = "Create, change or delete resources until the account matches the stack.\n\n\
        Shows the plan, asks, and does it. A step that fails stops only what needs it, and the \
        next run continues from what exists. Images that are built here and were never \
        published are built along the way; later `deployer publish` rolls out new ones.\n\n\
        A saved plan is applied as it is, and refused when the account has moved since. One \
        that was made elsewhere, or has been edited, is shown and asked about.",
    after_long_help = "\
Examples:
  deployer apply                    show the plan, ask, do it
  deployer apply --env prod --yes   without a question, as in CI
  deployer apply --yes --up-to rolling   as in CI, unless more would be noticed
  deployer apply p.json             what `deployer plan --out p.json` showed
  deployer apply p.json --yes       the same, though it was made elsewhere
  deployer apply --target services/web"
)]
pub(crate) struct Args {
    /// A saved plan, instead of the stack
    #[arg(value_name = "PLAN", conflicts_with_all = ["env", "variables", "variable_files", "targets", "unprotect", "verify"])]
    saved: Option<PathBuf>,
    /// The same as PLAN
    #[arg(
        long,
        value_name = "PLAN",
        conflicts_with_all = ["saved", "env", "variables", "variable_files", "targets", "unprotect", "verify"]
    )]
    plan: Option<PathBuf>,
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    targets: TargetArgs,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Refuse a plan of which people would notice more than this, with `--yes` too
    #[arg(long, value_name = "IMPACT", value_enum)]
    up_to: Option<Noticed>,
    /// Look first for what would keep it from coming up, as `deployer verify` does
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    lock: LockArgs,
}

impl Command for Args {
    const FORM: Form = Form::Lines;

    /// Plans or reads a plan, asks, and runs it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        match self.saved.as_ref().or(self.plan.as_ref()) {
            Some(path) => apply_saved(path, &self, session).await,
            None => apply_stack(&self, session).await,
        }
    }
}

/// The most that people may notice, the least first.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Noticed {
    /// Nobody notices
    Nobody,
    /// Tasks are replaced one after another
    Rolling,
    /// Somebody else answers than before
    Elsewhere,
    /// A short interruption
    Restart,
    /// Not available while the change is made
    Outage,
}

impl Noticed {
    /// Refuses a plan with a step that is noticed more, or of which nobody knows.
    fn bounds(self, plan: &Plan) -> Result<(), Refusal> {
        let most = match self {
            Self::Nobody => Impact::None,
            Self::Rolling => Impact::Rolling,
            Self::Elsewhere => Impact::Elsewhere,
            Self::Restart => Impact::Restart,
            Self::Outage => Impact::Outage,
        };
        let worse = plan.steps.iter().filter(|step| step.impact > most);
        let worse: Vec<_> = worse.map(|step| (step.address.clone(), step.impact)).collect();
        if worse.is_empty() { Ok(()) } else { Err(Refusal::Noticed { most, worse }) }
    }
}

/// Runs a plan that may be run, and prints the outputs.
pub(crate) async fn carry_out<W: Connect>(
    plan: &Plan,
    connected: &Arc<Places<W::Cloud>>,
    journal: &Arc<Journal<W::Cloud>>,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    if plan.is_empty() && plan.unrecorded.is_empty() && !session.is_json {
        session.answer(&Outputs::of(&plan.outputs, &plan.known));
        return Ok(whole(plan));
    }
    let outcome = session.perform(connected, journal, plan).await?;
    let outputs = Outputs::of(&plan.outputs, &outcome.outputs);
    let exit = session.conclude(plan, &outcome, &outputs.0);
    // For machines they are in the result.
    if outcome.is_success() && !session.is_json && !outputs.0.is_empty() {
        session.note("\n");
        session.answer(&outputs);
    }
    Ok(exit)
}

/// Plans from the stack, asks, and runs the plan.
async fn apply_stack<W: Connect>(args: &Args, session: &mut Session<'_, W>) -> Result<Exit, Error> {
    let project = session.load(&args.stack)?;
    let connected = session.connect_for(&project).await?;
    let scope = project.stack.scope.clone();
    let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
        session.trace(journal, &project.source.folder);
        let (scan, deeds) = (Scan::For(&project.stack), journal.deeds());
        let snapshot = session.observe(&connected, &scope, scan, &deeds).await?;
        let project = session.settle(project.clone(), &connected, &snapshot).await?;
        let plan = session.plan_whole(&project, &connected, &snapshot, &args.targets).await?;
        if args.verify {
            session.must_verify(&project, &connected, &snapshot, &plan).await?;
        }
        session.confirm_ours(&snapshot, args.yes).await?;
        session.show(&plan, Detail::Changes);
        session.show_refused(&plan, Some(&project));
        args.up_to.map_or(Ok(()), |most| most.bounds(&plan))?;
        if !plan.is_empty() && !args.yes {
            let help = "add `--yes` to apply without a question";
            session.confirm("Apply this?", help).await?;
        }
        carry_out(&plan, &connected, journal, session).await
    };
    session.locked("apply", &args.lock, &connected, &scope, work).await
}

/// Runs a saved plan; refuses it when the world is not what it was made for. Who made it has looked
/// at it; one that nobody who has the key has made is asked about. What is run is what its stack
/// gives when it is planned again: nothing that a file says of the account is believed.
async fn apply_saved<W: Connect>(
    path: &Path,
    args: &Args,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let stack = &args.stack;
    let path = session.terminal.folder.join(path);
    let saved = plan_file::read(&path)?;
    let key = Key::of(&session.terminal.environment).map_err(PlanFileError::Key)?;
    let is_ours = key.is_some_and(|key| saved.is_of(&key));
    let (plan, wanted) = (&saved.plan, &saved.stack);
    let folder = if stack.file.is_some() {
        let env = Some(plan.scope.environment.clone());
        let environment = session.locate(&StackArgs { env, ..stack.clone() })?;
        moved("the stack", &plan.scope.stack, &environment.scope.stack)?;
        let origin = |scope: &Scope| scope.origin.clone().unwrap_or_else(|| "unknown".to_owned());
        moved("where the stack is kept", &origin(&plan.scope), &origin(&environment.scope))?;
        environment.way.folder
    } else {
        session.terminal.folder.join(&saved.folder)
    };
    let region = stack.region.as_deref().unwrap_or(&wanted.region).to_owned();
    let home = wanted.home.clone();
    let way = Way { region: Some(region), folder: folder.clone(), home, said: None };
    let connected = session.connect(&way).await?;
    moved("the account", &plan.account, connected.home().0)?;
    moved("the region", &plan.region, connected.home().1)?;
    let connected = Arc::new(connected.of(wanted));
    let work = async |session: &mut Session<'_, W>, journal: &Arc<Journal<W::Cloud>>| {
        session.trace(journal, &folder);
        let (scan, deeds) = (Scan::For(wanted), journal.deeds());
        let snapshot = session.observe(&connected, &plan.scope, scan, &deeds).await?;
        if snapshot.fingerprint() != plan.fingerprint || snapshot.other_origin().is_some() {
            let what = saved.seen.changed(&snapshot.fingerprints());
            let what = what.unwrap_or_else(|| format!("what exists of {}", plan.scope));
            Err(Refusal::Moved { what })?;
        }
        session.confirm_ours(&snapshot, args.yes).await?;
        let plan = again(&saved, &snapshot, session)?;
        let detail = if is_ours { Detail::Changes } else { Detail::Everything };
        session.show(&plan, detail);
        session.show_refused(&plan, None);
        args.up_to.map_or(Ok(()), |most| most.bounds(&plan))?;
        if !is_ours && !plan.is_empty() {
            session.warn(&render::elsewhere(&plan, &folder, &session.err));
            if !args.yes {
                session.confirm("Apply this?", UNSEALED).await?;
            }
        }
        carry_out(&plan, &connected, journal, session).await
    };
    session.locked("apply", &args.lock, &connected, &plan.scope, work).await
}

/// The plan that a saved one's stack gives now, if it is the one that was saved.
fn again<W: Connect>(
    saved: &PlanFile,
    snapshot: &Snapshot,
    session: &Session<'_, W>,
) -> Result<Plan, Error> {
    let PlanFile { stack, targets, unprotect, plan: then, .. } = saved;
    let targets = TargetArgs { targets: targets.clone(), unprotect: unprotect.clone() };
    let now = session.plan(None, stack, snapshot, &targets)?;
    if !now.does_the_same_as(then) {
        return Err(Refusal::Edited.into());
    }
    // What only the command that shows a plan looks for, and nothing is done about.
    let (images, left_behind) = (then.images.clone(), then.left_behind.clone());
    Ok(Plan { images, left_behind, ..now })
}

fn moved(what: &str, then: &str, now: &str) -> Result<(), Refusal> {
    if then == now {
        return Ok(());
    }
    Err(Refusal::Moved { what: format!("{what} (it was {then}, now it is {now})") })
}
