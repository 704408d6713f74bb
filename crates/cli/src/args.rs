//! What several commands take.

use std::path::PathBuf;

use deployer_core::Address;

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
    /// Show on stderr what happens inside; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
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
    /// Set variables from a file of `NAME: VALUE`, as `DEPLOYER_VAR_NAME` in the environment does;
    /// may be repeated
    #[arg(long = "var-file", value_name = "FILE", help_heading = "Stack")]
    pub(crate) variable_files: Vec<PathBuf>,
}

/// Which resources.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct TargetArgs {
    /// Only this and what it needs: an entry of a section such as `services/web`, or a single
    /// resource such as `service/web`; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub(crate) targets: Vec<Address>,
    /// Allow this to be deleted although it is protected, named the same way; may be
    /// repeated
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) unprotect: Vec<Address>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}
