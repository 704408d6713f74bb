//! Whole runs, as the command line makes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use deployer_core::{Address, Diagnostic, Failure, Plan, Snapshot, Stack, plan};
use deployer_engine::{Outcome, execute, observe};
use tokio_util::sync::CancellationToken;

use crate::{History, Memory, registry};

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

/// What is there and the stack's.
///
/// # Errors
/// The failures of the scans.
pub async fn observed(memory: &Memory, stack: &Stack) -> Result<Snapshot, Vec<Failure>> {
    observe(&registry(), memory, &stack.scope, "123456789012", &stack.region).await
}

/// What is to be done to make what is there what the stack says.
///
/// # Errors
/// Why that cannot be planned.
///
/// # Panics
/// When a scan fails.
pub async fn planned(
    memory: &Memory,
    stack: &Stack,
    unprotected: &BTreeSet<Address>,
) -> Result<Plan, Vec<Diagnostic>> {
    let snapshot = observed(memory, stack).await.expect("scans succeed");
    plan(stack, &snapshot, &registry().kinds(), unprotected)
}

/// Runs a plan, and checks what every run promises.
pub async fn run(memory: &Arc<Memory>, plan: Plan) -> Ran {
    let mut history = History::default();
    let outcome = execute(
        Arc::new(registry()),
        Arc::clone(memory),
        &plan,
        CancellationToken::new(),
        &mut |event| history.record(event),
    )
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
