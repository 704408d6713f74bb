//! Whatever tags somebody has written, on what is ours and on copies of it: nothing of ours is
//! deleted or made again, and nothing of theirs is touched.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use deployer_testkit::{Memory, Retag, apply, everything};

/// How often tags are written.
const MOST: usize = 12;

/// Writes tags as the bytes say, and applies the same stack again.
///
/// # Panics
/// When something does not hold.
pub fn check(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("there is memory for a runtime");
    runtime.block_on(async {
        let memory = Arc::new(Memory::default());
        let stack = everything().build();
        assert!(apply(&memory, &stack).await.outcome.is_success());
        let mut bytes = Unstructured::new(bytes);
        for _ in 0..MOST {
            let Ok((which, retag)) = change(&mut bytes) else { break };
            memory.retag(which, retag);
        }
        let there = memory.ids();
        let ran = apply(&memory, &stack).await;
        assert!(ran.outcome.is_success(), "{:#?}", ran.outcome);
        let after = memory.ids();
        assert_eq!(there, after, "{:#?}", ran.plan);
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
