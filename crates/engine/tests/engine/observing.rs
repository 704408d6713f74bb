//! Scans.

use std::sync::Arc;

use deployer_core::{Cause, Failure};
use deployer_testkit::{Fault, Memory, Moment, converge, everything, observed};

/// Observes while every scan fails with this cause, this many times.
async fn failing(cause: Cause, times: usize) -> Result<usize, Vec<Failure>> {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    converge(&memory, &stack).await;
    for nth in 0..8 * times {
        memory.arm(nth, Fault::Fail(Moment::Before, cause));
    }
    observed(&memory, &stack).await.map(|snapshot| snapshot.lives.len())
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_fails_for_a_moment_is_made_again() {
    for cause in [Cause::Throttled, Cause::Ambiguous, Cause::NotYet] {
        assert_eq!(failing(cause, 3).await.unwrap(), 9);
        assert!(failing(cause, 9).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_every_scan_alike_is_told_once() {
    for cause in [Cause::Credentials, Cause::Unreachable] {
        assert_eq!(failing(cause, 4).await.unwrap_err().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_found_does_not_depend_on_who_answers_first() {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    converge(&memory, &stack).await;
    let first = observed(&memory, &stack).await.unwrap();
    memory.arm(2, Fault::Fail(Moment::Before, Cause::Throttled));
    assert_eq!(observed(&memory, &stack).await.unwrap(), first);
}
