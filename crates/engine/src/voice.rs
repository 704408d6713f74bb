//! How somebody is told something while it goes on.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

/// Carries what a step has to tell to the owner of the run.
#[derive(Clone)]
pub struct Voice(Arc<dyn Fn(String) + Send + Sync>);

impl Voice {
    /// A voice that is heard by a function.
    pub fn new(hear: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// A voice that nobody hears.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Tells one line.
    pub fn say(&self, line: String) {
        (self.0)(line);
    }

    pub(crate) fn channel<T: Send + 'static>(
        sender: UnboundedSender<T>,
        wrap: impl Fn(String) -> T + Send + Sync + 'static,
    ) -> Self {
        // The owner outlives its steps; if it is gone there is nobody left to tell.
        Self(Arc::new(move |line| drop(sender.send(wrap(line)))))
    }
}
