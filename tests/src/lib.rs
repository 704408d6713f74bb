//! Starts the lab for a test, and asks it what it saw.

mod binary;
mod budget;
mod changes;
pub mod conformance;
mod console;
mod contract;
mod crash;
mod lab;
mod load;
mod proxy;

pub use binary::{
    Ran, after_script, begin, begin_until, deployer, end, finish, run, run_on, signal, wait_until,
};
pub use budget::{Budgeted, budgeted};
pub use changes::{Change, Shop, Sight, Way, changes, pairs};
pub use contract::{Diary, Elsewhere, Terms, contracts_of, keep_contract};
pub use crash::{Moment, Point, Scenario, Stacks, Stage};
pub use lab::{Lab, hostile_seed, root};
pub use load::{Flow, Load, Seen};
pub use proxy::{Manners, Proxy, credentials_after};
