//! The signals that ask a process to stop.

use std::time::Duration;

use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};

/// Waits for SIGTERM or SIGINT.
pub(super) async fn asked() {
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
        tracing::error!("signals cannot be received: only SIGKILL will stop this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Waits for some time, or until the process is asked a second time.
pub(super) async fn asked_again_within(time: Duration) {
    if timeout(time, asked()).await.is_ok() {
        tracing::info!("asked again: not waiting any longer");
    }
}
