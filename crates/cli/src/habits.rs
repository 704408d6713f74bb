//! What people type who come from other tools, and what it is called here.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Commands of Terraform, CDK, Copilot, Pulumi, kubectl and Heroku. One that only sounds alike, as
/// `destroy` does to `deploy`, must not be offered.
const COMMANDS: [(&[&str], &str); 8] = [
    (&["deploy", "up", "create", "update", "sync"], "apply"),
    (&["diff", "preview", "validate", "show"], "plan"),
    (&["down", "delete", "rm", "remove"], "destroy"),
    (&["import"], "adopt"),
    (&["output"], "outputs"),
    (&["synth", "render", "config"], "expand"),
    (&["release", "push", "build", "rollout"], "publish"),
    (&["refresh", "detect-drift"], "drift"),
];

/// Their options.
const OPTIONS: [(&[&str], &str); 4] = [
    (&["-auto-approve", "--auto-approve", "--force", "--approve", "--require-approval"], "--yes"),
    (&["--environment", "--stage", "--workspace"], "--env"),
    (&["-target"], "--target"),
    (&["-var"], "--var"),
];

/// A mistake in a command line that offers what was meant, where that is known.
pub(crate) fn offering(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let asked = match error.get(ContextKind::InvalidSubcommand) {
                Some(ContextValue::String(asked)) => asked.as_str(),
                _ => "",
            };
            if let Some(meant) = meant(&COMMANDS, asked) {
                let meant = ContextValue::Strings(vec![meant.to_owned()]);
                error.insert(ContextKind::SuggestedSubcommand, meant);
            }
        }
        ErrorKind::UnknownArgument => {
            let words = args.iter().filter_map(|word| word.to_str());
            let names = words.map(|word| word.split('=').next().unwrap_or(word));
            // clap reads `-auto-approve` as six letters, of which it names the first.
            let unknown = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::String(unknown)) => unknown.clone(),
                _ => String::new(),
            };
            let mut fitting = names.filter(|name| name.starts_with(unknown.trim_end_matches('=')));
            if let Some(meant) = fitting.find_map(|name| meant(&OPTIONS, name)) {
                error.insert(ContextKind::SuggestedArg, ContextValue::String(meant.to_owned()));
            }
        }
        _ => {}
    }
    error
}

fn meant(known: &[(&[&str], &'static str)], word: &str) -> Option<&'static str> {
    known.iter().find(|(words, _)| words.contains(&word)).map(|(_, meant)| *meant)
}
