//! Ctrl-C, SIGTERM and SIGHUP.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::console::restore;
use crate::exit::Exit;
use crate::reading::is_reading;

/// A token that the first signal cancels, be it Ctrl-C, SIGTERM, or SIGHUP of a terminal that was
/// closed. The second ends the process at once, which is safe: what is there is found by its tags,
/// so the next run goes on from it, and what builds here ends with the process.
///
/// # Errors
/// When the process may not listen to signals.
pub fn cancelled_by_signals() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if token.is_cancelled() || is_reading() {
                restore();
                std::process::exit(Exit::Interrupted.code().into());
            }
            token.cancel();
        }
    });
    Ok(cancel)
}
