//! Lets time pass on the paused clock.

use std::time::Duration;

/// Lets so much time pass: what the cloud takes for a call, or what a test lets go by.
#[expect(clippy::disallowed_methods, reason = "it is the world's time, which the engine waits for")]
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
