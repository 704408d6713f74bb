//! The command line: what every command takes, and the list of commands.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use deployer_core::Address;

use crate::commands::{
    adopt, apply, completions, destroy, drift, expand, outputs, plan, publish, schema, status,
};
use crate::exit::Exit;

/// What a command line asks for.
#[derive(Debug, Parser)]
#[command(
    name = "deployer",
    version,
    about = "Brings a stack up on AWS, keeps it as its file says, and takes it down again",
    long_about = "Brings a stack up on AWS, keeps it as its file says, and takes it down again.\n\n\
        A stack is one YAML file. There is no state file: what is there is found by its tags, so \
        any command can be interrupted and run again.",
    after_help = exit_codes(),
    after_long_help = format!("{EXAMPLES}\n\n{}\n\n{STREAMS}", exit_codes()),
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  deployer plan                     what would be done, and who would notice
  deployer apply                    do it, after a question
  deployer apply --env prod --yes   do it in prod, without one
  deployer publish                  build the images and roll them out
  deployer status                   what is there
  deployer destroy                  take it all down, with a receipt";

const STREAMS: &str = "Results go to stdout; plans to confirm, progress and mistakes to stderr.";

fn exit_codes() -> String {
    let lines: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("  {:>3}  {}", exit.code(), exit.meaning())).collect();
    format!("Exit codes:\n{}", lines.join("\n"))
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GlobalArgs {
    /// Print JSON, for machines
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// Print without colours
    #[arg(
        long,
        global = true,
        help_heading = "Output",
        help = "Print without colours; so does NO_COLOR"
    )]
    pub(crate) no_color: bool,
    /// Tell on stderr what goes on inside; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
}

/// The commands. What each says of itself stands on its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Plan(plan::Args),
    Apply(apply::Args),
    Publish(publish::Args),
    Destroy(destroy::Args),
    Outputs(outputs::Args),
    Status(status::Args),
    Drift(drift::Args),
    Adopt(adopt::Args),
    Expand(expand::Args),
    Schema(schema::Args),
    Completions(completions::Args),
}

/// Which stack file, and which environment of it.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct StackArgs {
    /// The stack file [default: deployer.yaml, or the only stack in the folder]
    #[arg(short, long, value_name = "FILE", help_heading = "Stack")]
    pub(crate) file: Option<PathBuf>,
    /// The environment [default: the only one]
    #[arg(short, long, value_name = "NAME", help_heading = "Stack")]
    pub(crate) env: Option<String>,
    /// The AWS region [default: the stack's, then AWS's own settings]
    #[arg(long, value_name = "REGION", help_heading = "Stack")]
    pub(crate) region: Option<String>,
    /// Set a variable of the stack; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable, help_heading = "Stack")]
    pub(crate) variables: Vec<(String, String)>,
}

/// Which resources.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct TargetArgs {
    /// Only this and what it needs: an entry of a section such as `services/web`, or a single
    /// resource such as `service/web`; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub(crate) targets: Vec<Address>,
    /// Let this be deleted though it is protected, named the same way; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) unprotect: Vec<Address>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_fits_eighty_columns() {
        let mut pages = vec![Cli::command()];
        pages.extend(Cli::command().get_subcommands().cloned());
        for page in pages {
            let page = page.term_width(80);
            for text in [page.clone().render_help(), page.clone().render_long_help()] {
                let text = text.to_string();
                let wide = text.lines().find(|line| line.chars().count() > 80);
                assert_eq!(wide, None, "{}", page.get_name());
            }
        }
    }

    #[test]
    fn every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{}", command.get_name());
            assert!(command.get_long_about().is_some(), "{}", command.get_name());
        }
    }
}
