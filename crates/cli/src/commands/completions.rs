//! `deployer completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;
use crate::session::Session;
use crate::world::Connect;

/// What `completions` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Print a completion script for a shell",
    long_about = "Print a completion script for a shell.",
    after_long_help = "\
Examples:
  deployer completions bash > /etc/bash_completion.d/deployer
  deployer completions zsh > \"${fpath[1]}/_deployer\"
  deployer completions fish > ~/.config/fish/completions/deployer.fish"
)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run<W: Connect>(args: &Args, session: &Session<'_, W>) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "deployer", &mut script);
    session.print(&String::from_utf8_lossy(&script));
    Exit::Done
}
