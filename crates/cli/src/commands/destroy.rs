//! `deployer destroy`: takes everything down, and proves it.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Action, Address, Plan, Scope, Stack};
use serde_json::json;

use crate::args::{StackArgs, TargetArgs};
use crate::exit::{Error, Exit, Refusal};
use crate::render;
use crate::session::{Place, Session};
use crate::world::{Connect, Connected};

/// How many times at most it is swept. What shows up late, such as a log group that a last
/// message brought back, is gone after the second.
const SWEEPS: usize = 3;

/// What `destroy` takes.
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Take everything down, and prove it.\n\n\
        Deletes all that this environment of the stack owns, whether or not the file still \
        declares it, and nothing else. Ends with a receipt: what is gone, what was kept on \
        purpose, and what a last look at the account found.\n\n\
        The stack need not be right, nor even be there: `--stack`, `--env` and `--region` do.",
    after_long_help = "\
Examples:
  deployer destroy --env dev
  deployer destroy --yes --unprotect db-instance/main
  deployer destroy --stack notes --env dev --region eu-west-1"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    /// The stack's name, instead of a file
    #[arg(long = "stack", value_name = "NAME", requires = "env", conflicts_with = "file")]
    name: Option<String>,
    /// Let this resource be deleted though it is protected; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    unprotect: Vec<Address>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Deletes, sweeps, and prints the receipt.
pub(crate) async fn run<W: Connect>(
    args: Args,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let place = match (&args.name, &args.stack.env) {
        (Some(name), Some(environment)) => Place {
            scope: Scope { stack: name.clone(), environment: environment.clone() },
            region: args.stack.region.clone(),
            folder: session.terminal.folder.clone(),
        },
        _ => session.locate(&args.stack)?,
    };
    let connected = session.connect(place.region.as_deref(), &place.folder).await?;
    let nothing = Stack {
        scope: place.scope.clone(),
        region: connected.region.clone(),
        resources: BTreeMap::new(),
        outputs: BTreeMap::new(),
    };
    let targets = TargetArgs { targets: vec![], unprotect: args.unprotect.clone() };
    let plan = sweep(&nothing, &targets, &connected, session).await?;
    if plan.is_empty() {
        return Ok(already_gone(&plan, session));
    }
    session.show(&plan);
    if !args.yes {
        confirm(&place.scope, session).await?;
    }
    delete(plan, &nothing, &targets, &connected, session).await
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

/// Runs plan after plan until nothing is left, a run fails, or it has been enough.
async fn delete<W: Connect>(
    mut plan: Plan,
    nothing: &Stack,
    targets: &TargetArgs,
    connected: &Connected<W::Cloud>,
    session: &Session<'_, W>,
) -> Result<Exit, Error> {
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    let mut exit = Exit::Done;
    for _ in 0..SWEEPS {
        let outcome = session.perform(connected, &plan).await;
        exit = session.conclude(&plan, &outcome, &BTreeMap::new());
        let steps = outcome.done.iter().map(|step| &plan.steps[*step]);
        gone.extend(steps.filter(|step| step.action == Action::Delete).map(|step| {
            let id = step.live.as_ref().map(|live| live.id().to_owned());
            (step.address.to_string(), id.unwrap_or_default())
        }));
        kept.extend(outcome.left.into_iter().map(|(address, what)| (address.to_string(), what)));
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        plan = sweep(nothing, targets, connected, session).await?;
        if plan.is_empty() || exit == Exit::Failed {
            break;
        }
    }
    let snapshot = session.observe(connected, &nothing.scope).await?;
    if !snapshot.lives.is_empty() {
        exit = Exit::Failed;
    }
    if session.is_json {
        let receipt = json!({
            "event": "receipt",
            "exit": exit.code(),
            "gone": gone,
            "kept": kept,
            "still-there": snapshot.lives,
        });
        session.print(&format!("{receipt}\n"));
    } else {
        let width = session.terminal.width;
        let (scope, theme) = (&nothing.scope, &session.out);
        session.print(&render::receipt(scope, &gone, &kept, &snapshot.lives, theme, width));
    }
    Ok(exit)
}

/// Looks what is there, and plans its end.
async fn sweep<W: Connect>(
    nothing: &Stack,
    targets: &TargetArgs,
    connected: &Connected<W::Cloud>,
    session: &Session<'_, W>,
) -> Result<Plan, Error> {
    let snapshot = session.observe(connected, &nothing.scope).await?;
    // What is gone by the second sweep needs no permission any more.
    let unprotect: BTreeSet<Address> = targets.unprotect.iter().cloned().collect();
    let there = snapshot.lives.iter().map(|live| live.address.clone()).collect();
    let unprotect = unprotect.intersection(&there).cloned().collect();
    session.plan(None, nothing, &snapshot, &TargetArgs { targets: vec![], unprotect })
}

fn already_gone<W: Connect>(plan: &Plan, session: &Session<'_, W>) -> Exit {
    if session.is_json {
        let receipt = json!({
            "event": "receipt", "exit": 0, "gone": [], "kept": [], "still-there": [],
        });
        session.print(&format!("{receipt}\n"));
    } else {
        session.print(&format!("There is nothing of {} in {}.\n", plan.scope, plan.region));
    }
    Exit::Done
}
