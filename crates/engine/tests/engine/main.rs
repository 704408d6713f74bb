//! The engine, seen through a cloud in memory on a paused clock.

mod faults;
mod interrupts;
mod leftovers;
mod observing;
mod retries;
mod runs;
mod world;
