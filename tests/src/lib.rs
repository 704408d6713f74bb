//! Starts the lab for a test, and asks it what it saw.

mod binary;
mod lab;

pub use binary::{Ran, deployer};
pub use lab::{Lab, root};
