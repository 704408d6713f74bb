//! `deployer schema`: the JSON schema of the stack language.

use crate::exit::Exit;
use crate::session::Session;
use crate::world::Connect;

/// What `schema` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Print the JSON schema of the stack language",
    long_about = "Print the JSON schema of the stack language.\n\n\
        An editor's YAML plug-in completes and checks stacks with it.",
    after_long_help = "\
Examples:
  deployer schema > deployer.schema.json
  # then, as the first line of a stack:
  # yaml-language-server: $schema=deployer.schema.json"
)]
pub(crate) struct Args {}

/// Prints the schema.
pub(crate) fn run<W: Connect>(session: &Session<'_, W>) -> Exit {
    let kinds = session.world.registry().kinds();
    session.print(&format!("{:#}\n", deployer_stack::schema(&kinds)));
    Exit::Done
}
