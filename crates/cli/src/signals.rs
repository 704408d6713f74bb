//! Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// A token that the first signal cancels. The second ends the process at once, which is safe:
/// what is there is found by its tags, so the next run goes on from it.
///
/// # Errors
/// When the process may not listen to signals.
pub fn cancelled_by_signals() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if token.is_cancelled() {
                std::process::exit(Exit::Interrupted.code().into());
            }
            token.cancel();
        }
    });
    Ok(cancel)
}
