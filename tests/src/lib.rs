//! Starts the lab for a test, and asks it what it saw.

mod binary;
mod budget;
mod console;
mod crash;
mod lab;

pub use binary::{Ran, after_script, begin, deployer, end, finish, run, signal, wait_until};
pub use budget::{Budgeted, budgeted};
pub use crash::{Moment, Point, Scenario, Stacks, Stage};
pub use lab::{Lab, root};
