//! The paused clock.

use std::time::Duration;

/// Lets so much time pass: what the cloud takes for a call, or what a test lets go by.
#[expect(clippy::disallowed_methods, reason = "it is the world's time, which the engine waits for")]
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Does something from beginning to end on a clock that jumps over what is waited for.
///
/// # Panics
/// When there is no memory for a runtime.
pub fn on_a_paused_clock<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("there is memory for a runtime");
    runtime.block_on(work)
}
