//! Whatever tags somebody has written, on what is ours and on copies of it: a run ends, and nothing of
//! theirs is touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use deployer_core::plan;
use deployer_testkit::{
    Memory, Retag, apply, everything, observed, on_a_paused_clock, registry, run,
};

/// How often tags are written.
const MOST: usize = 12;

/// Writes tags as the bytes say, and applies the same stack again.
///
/// # Panics
/// When something does not hold.
pub fn check(bytes: &[u8]) {
    on_a_paused_clock(async {
        let memory = Arc::new(Memory::default());
        let stack = everything().build();
        assert!(apply(&memory, &stack).await.outcome.is_success());
        let mut bytes = Unstructured::new(bytes);
        for _ in 0..MOST {
            let Ok((which, retag)) = change(&mut bytes) else { break };
            memory.retag(which, retag);
        }
        // Where nobody can know what is meant, nothing is planned.
        let Ok(snapshot) = observed(&memory, &stack).await else { return };
        let Ok(plan) = plan(&stack, &snapshot, &registry().kinds(), &BTreeSet::new()) else {
            return;
        };
        let copies = || -> BTreeSet<String> {
            memory.ids().into_iter().filter(|id| id.ends_with("-copy")).collect()
        };
        let theirs = copies();
        let ran = run(&memory, plan).await;
        // A panic inside a step is reported as its failure.
        for (step, failure) in &ran.outcome.failed {
            assert!(!failure.message.contains("panicked"), "step {step}: {failure}");
        }
        assert_eq!(theirs, copies(), "{:#?}", ran.plan);
    });
}

fn change(bytes: &mut Unstructured<'_>) -> arbitrary::Result<(usize, Retag)> {
    let which = usize::from(u8::arbitrary(bytes)?);
    let retag = match bytes.int_in_range(0..=7)? {
        0 => Retag::Stack(String::arbitrary(bytes)?),
        1 => Retag::Environment(String::arbitrary(bytes)?),
        2 => Retag::Name(String::arbitrary(bytes)?),
        3 => Retag::Generation(u32::arbitrary(bytes)?),
        4 => Retag::Mark(Option::arbitrary(bytes)?),
        5 => Retag::Proof(Option::arbitrary(bytes)?),
        6 => Retag::As(usize::from(u8::arbitrary(bytes)?)),
        _ => Retag::Copied,
    };
    Ok((which, retag))
}
