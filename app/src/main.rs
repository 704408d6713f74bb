//! The `notes` binary: reads the arguments and the environment, and hands over to the library.

use std::process::ExitCode;

use clap::Parser;
use notes::command::{self, Arguments};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    command::run(&arguments, &environment)
}
