//! The signals that ask a process to stop.

use std::{io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};

/// Receives SIGTERM and SIGINT. The first process of a container ignores both unless it listens,
/// so this comes before anything else.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits until the process is asked to stop.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits for some time, or until the process is asked a second time.
    pub(super) async fn asked_again_within(&mut self, time: Duration) {
        if timeout(time, self.asked()).await.is_ok() {
            tracing::info!("asked again: not waiting any longer");
        }
    }
}
