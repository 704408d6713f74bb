//! The engine, seen through a cloud in memory on a paused clock.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod arbitrary;
mod capabilities;
mod faults;
mod interrupts;
mod leftovers;
mod locking;
mod observing;
mod ownership;
mod places;
mod preparing;
mod retries;
mod runs;
mod world;
