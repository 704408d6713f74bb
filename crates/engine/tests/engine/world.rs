//! The situations that the sweeps go through.

use std::collections::BTreeSet;
use std::sync::Arc;

use deployer_core::{Event, Plan, Stack};
use deployer_engine::execute;
use deployer_testkit::{
    Memory, StackBuilder, begun, converge, everything, everything_changed, places, planned,
    registry, run,
};
use tokio_util::sync::CancellationToken;

/// From what to what a run leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Up,
    Change,
    Down,
}

/// All ways.
pub(crate) const WAYS: [Way; 3] = [Way::Up, Way::Change, Way::Down];

/// The situation before a run.
pub(crate) struct Start {
    memory: Memory,
    /// The stack that the run leads to.
    pub(crate) stack: Stack,
    /// What the run does.
    pub(crate) plan: Plan,
}

impl Way {
    pub(crate) async fn start(self) -> Start {
        let memory = Arc::new(Memory::default());
        if !matches!(self, Self::Up) {
            converge(&memory, &everything().build()).await;
        }
        let stack = match self {
            Self::Up => everything().build(),
            Self::Change => everything_changed().build(),
            Self::Down => StackBuilder::default().build(),
        };
        Start { plan: plan(&memory, &stack).await, memory: memory.fork(), stack }
    }
}

impl Start {
    /// A cloud of its own to run in.
    pub(crate) fn memory(&self) -> Arc<Memory> {
        Arc::new(self.memory.fork())
    }

    /// The calls that the run makes when nothing goes wrong, by their numbers. Of equal calls
    /// only the first and the last: those between are the same look again.
    pub(crate) async fn calls(&self) -> BTreeSet<usize> {
        let memory = self.memory();
        let before = memory.calls().len();
        run(&memory, self.plan.clone()).await;
        let calls = memory.calls().split_off(before);
        let first = |call| calls.iter().position(|other| other == call);
        let last = |call| calls.iter().rposition(|other| other == call);
        calls.iter().flat_map(|call| [first(call), last(call)]).flatten().collect()
    }
}

/// The plan, where nothing stands in its way.
pub(crate) async fn plan(memory: &Arc<Memory>, stack: &Stack) -> Plan {
    planned(memory, stack, &BTreeSet::new()).await.unwrap()
}

/// Runs a plan until a call hangs, as a process does that is killed then; `false` if it came to its
/// end instead.
pub(crate) async fn runs_until_hung(memory: &Arc<Memory>, plan: &Plan) -> bool {
    let (registry, places) = (Arc::new(registry()), Arc::new(places(memory)));
    let journal = begun(memory, plan).await;
    let mut nobody = |_: &Event| {};
    tokio::select! {
        () = memory.hung() => true,
        _ = execute(registry, places, journal, plan, CancellationToken::new(), &mut nobody) => false,
    }
}
