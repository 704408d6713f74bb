//! Whole runs, as the command line makes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use deployer_core::{Address, Diagnostic, Failure, Plan, Snapshot, Stack, plan};
use deployer_engine::{Journal, Look, Outcome, Places, Scan, execute, observe, read_book};
use tokio_util::sync::CancellationToken;

use crate::{History, Memory, registry, scope};

/// The account and the region that are home.
pub const PLACE: (&str, &str) = ("123456789012", "eu-west-1");

/// A run that came to its end.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What was planned.
    pub plan: Plan,
    /// What happened.
    pub history: History,
    /// How it ended.
    pub outcome: Outcome,
}

/// The cloud, and the way to other places.
pub fn places(memory: &Arc<Memory>) -> Places<Memory> {
    Places::new(Arc::clone(memory), PLACE.0.to_owned(), PLACE.1.to_owned())
}

/// What is there and the stack's.
///
/// # Errors
/// The failures of the scans.
pub async fn observed(memory: &Arc<Memory>, stack: &Stack) -> Result<Snapshot, Vec<Failure>> {
    let book = read_book(&**memory, &stack.scope).await.map_err(|failure| vec![failure])?;
    let scan = Scan::All(Look::Quick);
    observe(&registry(), &places(memory).of(stack), &stack.scope, scan, &book.deeds).await
}

/// A journal that has begun with a plan.
///
/// # Panics
/// When a call fails.
pub async fn begun(memory: &Arc<Memory>, plan: &Plan) -> Arc<Journal<Memory>> {
    let scope = scope();
    let book = read_book(&**memory, &scope).await.expect("the account answers");
    let journal = Journal::new(Arc::clone(memory), &scope, PLACE, None, book);
    journal.begin(plan, &registry()).await.expect("it can be written");
    Arc::new(journal)
}

/// What is to be done to make what is there what the stack says.
///
/// # Errors
/// Why that cannot be planned.
///
/// # Panics
/// When a scan fails.
pub async fn planned(
    memory: &Arc<Memory>,
    stack: &Stack,
    unprotected: &BTreeSet<Address>,
) -> Result<Plan, Vec<Diagnostic>> {
    let snapshot = observed(memory, stack).await.expect("scans succeed");
    plan(stack, &snapshot, &registry().kinds(), unprotected)
}

/// Runs a plan, and checks what every run promises.
pub async fn run(memory: &Arc<Memory>, plan: Plan) -> Ran {
    run_until(memory, plan, |_| false).await
}

/// Runs a plan and interrupts it as soon as `enough` says so of the number of events so far.
pub async fn run_until(memory: &Arc<Memory>, plan: Plan, enough: impl Fn(usize) -> bool) -> Ran {
    let mut history = History::default();
    let cancel = CancellationToken::new();
    let journal = begun(memory, &plan).await;
    let (kinds, cloud) = (Arc::new(registry()), Arc::new(places(memory)));
    let outcome = execute(kinds, cloud, journal, &plan, cancel.clone(), &mut |event| {
        history.record(event);
        if enough(history.events.len()) {
            cancel.cancel();
        }
    })
    .await;
    history.check(&plan, &outcome);
    Ran { plan, history, outcome }
}

/// Observes, plans and runs.
///
/// # Panics
/// When there is no plan.
pub async fn apply(memory: &Arc<Memory>, stack: &Stack) -> Ran {
    let plan = planned(memory, stack, &BTreeSet::new()).await.expect("there is a plan");
    run(memory, plan).await
}

/// Applies a stack, and asserts that this leaves nothing to do and no resource twice.
///
/// # Panics
/// When that is not so.
pub async fn converge(memory: &Arc<Memory>, stack: &Stack) {
    let ran = apply(memory, stack).await;
    assert!(ran.outcome.is_success(), "{:#?}", ran.outcome);
    settled(memory, stack).await;
}

/// Asserts that there is nothing to do, and nothing there that should not be.
///
/// # Panics
/// When that is not so.
pub async fn settled(memory: &Arc<Memory>, stack: &Stack) {
    let rest = planned(memory, stack, &BTreeSet::new()).await.expect("there is a plan");
    assert!(rest.is_empty(), "{:#?}", rest.steps);
    for (address, count) in memory.census() {
        let stays = ["revision", "mark"].contains(&address.kind.as_str());
        let is_wanted = stack.resources.contains_key(&address);
        assert!(is_wanted || stays, "{address} is an orphan");
        assert!(count == 1 || stays, "there are {count} of {address}");
    }
}
