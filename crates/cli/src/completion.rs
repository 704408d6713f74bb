//! What a shell offers when somebody presses Tab: commands and options, and what is in the stack.
//!
//! The script that `deployer completions` prints calls the binary with [`VARIABLE`] set to the
//! shell's name and the words so far after `--`.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;
use deployer_engine::{Cloud, Registry};
use deployer_stack::Options;

use crate::source;

/// The variable that names the shell that asks.
pub(crate) const VARIABLE: &str = "COMPLETE";

/// The shells that can ask.
const SHELLS: Shells<'static> = Shells::builtins();

/// The script that makes a shell ask.
pub(crate) fn script(shell: &str, cli: &Command) -> io::Result<String> {
    let name = cli.get_name();
    let mut script = Vec::new();
    let completer = SHELLS.completer(shell).ok_or(io::ErrorKind::NotFound)?;
    completer.write_registration(VARIABLE, name, name, name, &mut script)?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// What fits the last of these words, as the shell wants it.
pub(crate) fn answer<C: Cloud>(
    shell: &str,
    words: Vec<OsString>,
    cli: Command,
    folder: &Path,
    registry: &Registry<C>,
) -> io::Result<String> {
    if words.is_empty() {
        return Ok(String::new());
    }
    let known = Known::of(&words, folder, registry);
    let mut cli = known.offered(cli);
    cli.build();
    let mut answer = Vec::new();
    let completer = SHELLS.completer(shell).ok_or(io::ErrorKind::NotFound)?;
    completer.write_complete(&mut cli, words, Some(folder), &mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// What can be named of the stack at hand; nothing where there is none, or not a right one.
#[derive(Default)]
struct Known {
    environments: Vec<String>,
    /// Entries of sections and single resources.
    addresses: Vec<String>,
    /// Those whose images are built here.
    services: Vec<String>,
    /// All services.
    running: Vec<String>,
    /// Services by their names, and jobs.
    writers: Vec<String>,
    outputs: Vec<String>,
}

impl Known {
    fn of<C: Cloud>(words: &[OsString], folder: &Path, registry: &Registry<C>) -> Self {
        let named = given(words, "--file", "-f").map(PathBuf::from);
        let Ok(source) = source::read(folder, named.as_deref()) else { return Self::default() };
        let Ok(outline) = deployer_stack::outline(&source.text) else { return Self::default() };
        let environments: Vec<String> = outline.environments().map(str::to_owned).collect();
        // All of them have the same entries, but for what an overlay takes out.
        let environment = given(words, "--env", "-e").or_else(|| environments.first().cloned());
        let options = Options { environment, ..Options::default() };
        let Ok(loaded) = deployer_stack::load(&source.text, &options, &registry.kinds()) else {
            return Self { environments, ..Self::default() };
        };
        let resources = loaded.stack.resources.keys().map(ToString::to_string);
        Self {
            environments,
            addresses: loaded.entries.keys().cloned().chain(resources).collect(),
            services: loaded.images.keys().cloned().collect(),
            running: loaded.entries.keys().filter_map(|entry| service(entry)).collect(),
            writers: loaded.entries.keys().filter_map(|entry| writer(entry)).collect(),
            outputs: loaded.stack.outputs.keys().cloned().collect(),
        }
    }

    /// The command line with these values offered wherever they fit.
    fn offered(&self, cli: Command) -> Command {
        cli.mut_subcommands(|command| {
            let name = command.get_name().to_owned();
            command.mut_args(|argument| {
                let values = match (name.as_str(), argument.get_id().as_str()) {
                    (_, "env") => &self.environments,
                    (_, "targets" | "unprotect" | "address") => &self.addresses,
                    (_, "services") => &self.services,
                    (_, "running") => &self.running,
                    (_, "writers") => &self.writers,
                    ("outputs", "name") => &self.outputs,
                    _ => return argument,
                };
                let values = values.clone();
                argument.add(ArgValueCandidates::new(move || {
                    values.iter().map(CompletionCandidate::new).collect()
                }))
            })
        })
    }
}

/// How an entry of a section is named that is a service.
fn service(entry: &str) -> Option<String> {
    entry.strip_prefix("services/").map(str::to_owned)
}

/// How an entry of a section is named whose logs can be read.
fn writer(entry: &str) -> Option<String> {
    let (section, name) = entry.split_once('/')?;
    match section {
        "services" => Some(name.to_owned()),
        "jobs" => Some(entry.to_owned()),
        _ => None,
    }
}

/// The value of an option among the words so far.
fn given(words: &[OsString], long: &str, short: &str) -> Option<String> {
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let apart = words.iter().position(|word| [long, short].contains(word));
    let joined = words.iter().find_map(|word| word.strip_prefix(long)?.strip_prefix('='));
    apart.and_then(|place| words.get(place + 1).copied()).or(joined).map(str::to_owned)
}
