//! `deployer expand`: the resources that the stack expands into.

use crate::args::StackArgs;
use crate::exit::{Error, Exit};
use crate::session::Session;
use crate::world::Connect;

/// What `expand` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show the resources that the stack expands into",
    long_about = "Show the resources that the stack expands into.\n\n\
        Every resource with all its fields, as `resources:` would have them. Nothing is looked \
        up; no credentials are needed.",
    after_long_help = "\
Examples:
  deployer expand --env prod
  diff <(deployer expand -e dev) <(deployer expand -e prod)"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

/// Reads the stack, and prints its resources.
pub(crate) fn run<W: Connect>(args: &Args, session: &Session<'_, W>) -> Result<Exit, Error> {
    let project = session.load(&args.stack)?;
    let expanded = deployer_stack::expanded(&project.stack);
    if session.is_json {
        session.print(&format!("{expanded:#}\n"));
    } else {
        session.print(&deployer_stack::to_yaml(&expanded));
    }
    Ok(Exit::Done)
}
