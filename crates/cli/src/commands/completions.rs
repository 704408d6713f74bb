//! `deployer completions`: a completion script for a shell.

use clap_complete::Shell;

use crate::answer::Form;
use crate::command::Command;
use crate::completion;
use crate::exit::{Error, Exit};
use crate::session::Session;
use crate::world::Connect;

/// What `completions` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Print a completion script for a shell",
    long_about = "Print a completion script for a shell.\n\n\
        Tab then completes commands and options, and from the stack at hand its environments, the \
        addresses of what is in it, its services and its outputs.",
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

impl Command for Args {
    const FORM: Form = Form::Same;

    /// Prints the script.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let script = completion::script(&self.shell.to_string(), &session.cli);
        session.print(&script.map_err(|why| Error::Output(why.to_string()))?);
        Ok(Exit::Done)
    }
}
