//! Whatever has been done to a saved plan: what its stack gives can be shown and run.

use std::collections::BTreeSet;
use std::sync::Arc;

use deployer_cli::read_plan;
use deployer_cli::render::{Detail, Theme, plan as shown};
use deployer_core::plan;
use deployer_testkit::{Memory, apply, everything, observed, on_a_paused_clock, registry, run};

/// The columns that plans are shown in: the fewest there are, and plenty.
const WIDTHS: [usize; 2] = [40, 120];

/// Reads a saved plan, makes it anew from its stack in an account with a resource of every kind,
/// and runs it. Says whether there was one to run.
///
/// # Panics
/// When something does not hold.
pub fn check(text: &[u8]) -> bool {
    let Ok(saved) = read_plan(text, "plan.json") else { return false };
    on_a_paused_clock(async {
        let memory = Arc::new(Memory::default());
        assert!(apply(&memory, &everything().build()).await.outcome.is_success());
        let Ok(snapshot) = observed(&memory, &saved.stack).await else { return false };
        let unprotected: BTreeSet<_> = saved.unprotect.into_iter().collect();
        let Ok(plan) = plan(&saved.stack, &snapshot, &registry().kinds(), &unprotected) else {
            return false;
        };
        let targets: BTreeSet<_> = saved.targets.into_iter().collect();
        let plan = if targets.is_empty() { plan } else { plan.only(&targets) };
        for detail in [Detail::Changes, Detail::Everything, Detail::Removal] {
            for width in WIDTHS {
                let text = shown(&plan, detail, &Theme::new(width > 80), width);
                assert!(text.ends_with('\n'), "{text}");
            }
        }
        let ran = run(&memory, plan).await;
        // A panic inside a step is told as its failure.
        for (step, failure) in &ran.outcome.failed {
            assert!(!failure.message.contains("panicked"), "step {step}: {failure}");
        }
        true
    })
}
