//! What is read before anything has begun, and may never come to an end: a pipe, a terminal.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether something is read that may never come to an end.
static IS_READING: AtomicBool = AtomicBool::new(false);

/// Reads something that may be a pipe or a terminal, before anything has begun: a signal ends the
/// process meanwhile.
pub(crate) fn reading<T>(read: impl FnOnce() -> T) -> T {
    IS_READING.store(true, Ordering::SeqCst);
    let read = read();
    IS_READING.store(false, Ordering::SeqCst);
    read
}

/// Whether something of the kind is being read.
pub(crate) fn is_reading() -> bool {
    IS_READING.load(Ordering::SeqCst)
}
