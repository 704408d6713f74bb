//! What every reporter does.

use std::time::Duration;

use deployer_core::Event;

/// Reports what happens.
pub(crate) trait Reporter {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// So much time has passed since the run began.
    fn tick(&mut self, _now: Duration) {}

    /// The run is over.
    fn finish(&mut self) {}
}
