//! A cloud in memory, with faults on demand, and a few kinds of resources to put into it.
//!
//! For tests only. Time is tokio's, so that with a paused clock a database that takes five
//! minutes takes none.

mod activity;
mod arbitrary;
mod call;
mod fault;
mod history;
mod kinds;
mod memory;
mod mess;
mod run;
mod shelf;
mod shell;
mod stacks;
mod things;
mod time;
mod toy;

pub use activity::{Activity, line};
pub use arbitrary::{messes, stacks};
pub use call::{Call, Operation};
pub use fault::{Fault, Moment};
pub use history::History;
pub use kinds::{Gate, Mark, Network, Part, Revision, Rule, Service, Store, Wall, registry};
pub use memory::Memory;
pub use mess::{Mess, Retag};
pub use run::{
    PLACE, Ran, apply, begun, converge, observed, places, planned, run, run_until, settled,
};
pub use shelf::Shelf;
pub use stacks::{StackBuilder, everything, everything_changed, scope};
pub use time::{on_a_paused_clock, pass};
pub use toy::Output;
