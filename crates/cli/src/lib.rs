//! The command line: arguments, commands, rendering and reporters, as a library that is handed
//! its world. It knows no cloud and touches no stream but those it is given.

mod again;
mod answer;
mod args;
mod blotting;
mod clean;
mod cli;
mod command;
mod commands;
mod completion;
mod console;
mod exit;
mod habits;
mod holder;
mod interrupted;
mod lock;
mod masking;
mod origin;
mod perform;
mod plan_file;
mod provenance;
mod reading;
pub mod render;
mod report;
mod run;
#[cfg(test)]
mod samples;
mod script;
mod seal;
mod services;
mod session;
mod signals;
mod since;
mod source;
mod wire;
mod workload;
mod world;

pub use console::Console;
pub use deployer_core::{Failure, Stack};
pub use deployer_engine::{Access, Registry};
pub use exit::Exit;
pub use plan_file::{PlanFile, PlanFileError, read_plan};
pub use run::{json_schema, run};
pub use seal::KeyError;
pub use signals::cancelled_by_signals;
pub use world::{Connect, Reached, Stream, Terminal};
