//! Starts the lab for a test, and asks it what it saw.

mod binary;
mod console;
mod crash;
mod lab;

pub use binary::{Ran, deployer};
pub use crash::{Moment, Point, Scenario, Stacks, Stage};
pub use lab::{Lab, is_reading, root};
