//! What is told while a plan runs: from the engine's events, and from nothing else.

mod board;
mod human;
mod json;
mod plain;

use std::time::Duration;

use deployer_core::Event;

pub(crate) use human::Human;
pub(crate) use json::{Json, result};
pub(crate) use plain::Plain;

/// Tells what happens.
pub(crate) trait Reporter {
    /// Something happened.
    fn event(&mut self, event: &Event);

    /// So much time has passed since the run began.
    fn tick(&mut self, _now: Duration) {}

    /// The run is over.
    fn finish(&mut self) {}
}

#[cfg(test)]
mod tests;
