//! Whatever somebody has written into the account's parameters: claims of the lock, the record, the
//! keys. It is read within bounds, and the lock can be had in the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use deployer_core::plan;
use deployer_engine::{Holder, Parameters, Request, lock};
use deployer_testkit::{Memory, apply, everything, observed, on_a_paused_clock, registry, scope};
use tokio_util::sync::CancellationToken;

/// The longest that somebody who has fallen silent is believed to be there, and some more.
const PATIENCE: Duration = Duration::from_hours(1);

/// Writes each line as a parameter, its name up to the first space, beside what a run has left, and
/// goes on as a run does.
///
/// # Panics
/// When something does not hold.
pub fn check(text: &str) {
    on_a_paused_clock(async {
        let memory = Arc::new(Memory::default());
        let (stack, scope) = (everything().build(), scope());
        assert!(apply(&memory, &stack).await.outcome.is_success());
        for (name, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            memory.write(&scope, name, value).await.expect("no name is withheld");
        }
        // What cannot be read is an error that says so, and nothing is planned then.
        if let Ok(snapshot) = observed(&memory, &stack).await {
            let _ = plan(&stack, &snapshot, &registry().kinds(), &BTreeSet::new());
        }
        let request = Request {
            holder: Holder::default(),
            patience: PATIENCE,
            is_gone: &|_| false,
            tell: &mut |_| {},
        };
        let cancel = CancellationToken::new();
        if let Ok(lock) = lock(Arc::clone(&memory), &scope, request, &cancel).await {
            lock.release().await.expect("the account answers");
        }
    });
}
