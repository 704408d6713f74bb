//! The command line, whole.

use clap::Parser;

use crate::args::GlobalArgs;
use crate::commands::Commands;
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
    pub(crate) command: Commands,
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
