//! From the command line to the exit code.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use deployer_engine::{Cloud, Registry};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::again;
use crate::answer::as_json;
use crate::cli::Cli;
use crate::commands::{Commands, schema};
use crate::completion;
use crate::exit::{Error, Exit, Mistakes, RequestError};
use crate::habits;
use crate::render::{self, Theme};
use crate::session::Session;
use crate::wire;
use crate::world::{Connect, NARROWEST, Stream, Terminal};

/// The widest that help is printed: longer lines are hard to read.
const WIDEST_HELP: usize = 100;

/// Does what a command line asks for. After `cancel` nothing new begins, and what is under way
/// ends at its next wait.
pub async fn run<W: Connect>(
    args: impl IntoIterator<Item = OsString>,
    world: W,
    mut terminal: Terminal,
    cancel: CancellationToken,
) -> Exit {
    let cli = Cli::command().term_width(terminal.width.clamp(NARROWEST, WIDEST_HELP));
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(shell) = asks_for_completion(&args, &terminal) {
        return complete(&shell, args, cli, &world.registry(), &terminal);
    }
    let parsed = cli
        .clone()
        .try_get_matches_from(&args)
        .and_then(|matches| Ok((again::which(&matches), Cli::from_arg_matches(&matches)?)));
    let (which, Cli { global, command }) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let error = habits::offering(error, &args);
            return usage(&error, &terminal, asks_for_no_color(&args));
        }
    };
    for stream in [&terminal.stdout, &terminal.stderr] {
        stream.advise(&which, terminal.columns(stream));
    }
    trace(global.verbose, &terminal.stderr);
    let (stdout, stderr) = (terminal.stdout.clone(), terminal.stderr.clone());
    let width = terminal.columns(&stderr);
    let mut session = Session {
        out: Theme::new(is_coloured(global.no_color, &terminal, &stdout)),
        err: Theme::new(is_coloured(global.no_color, &terminal, &stderr)),
        world: &world,
        terminal: &mut terminal,
        cancel,
        is_json: global.json,
        is_verbose: global.verbose > 0,
        cli,
        forms: Commands::FORMS,
        left: Vec::new(),
    };
    let theme = session.err;
    let mut ended = command.run(&mut session).await;
    if let (Ok(Exit::Done | Exit::Pending), Some(reason)) = (&ended, stdout.failure()) {
        ended = Err(Error::Output(reason));
    }
    ended.unwrap_or_else(|error| {
        if global.json {
            let line = wire::error::ErrorLine::Error(Box::new(failed(&error)));
            stdout.write_json(&as_json(line).to_string());
        }
        stderr.write(&render::error(&error, &theme, width));
        error.exit()
    })
}

/// Whether a command line that could not be read asks for no colours.
fn asks_for_no_color(args: &[OsString]) -> bool {
    args.iter().take_while(|word| *word != "--").any(|word| word == "--no-color")
}

/// The schema of what each command prints with `--json`: `#/$defs/plan` is that of a document of
/// `plan`, `#/$defs/apply` that of a line of `apply`.
pub fn json_schema() -> serde_json::Value {
    schema::printed(Commands::FORMS)
}

/// The shell whose completion script made the call, if one did.
fn asks_for_completion(args: &[OsString], terminal: &Terminal) -> Option<String> {
    let shell = terminal.environment.get(completion::VARIABLE)?;
    (args.get(1).is_some_and(|word| word == "--")).then(|| shell.clone())
}

/// Prints what fits the last word so far. A shell has no use for a mistake.
fn complete<C: Cloud>(
    shell: &str,
    args: Vec<OsString>,
    cli: clap::Command,
    registry: &Registry<C>,
    terminal: &Terminal,
) -> Exit {
    let words = args.into_iter().skip(2).collect();
    match completion::answer(shell, words, cli, &terminal.folder, registry) {
        Ok(answer) => {
            terminal.stdout.write(&answer);
            Exit::Done
        }
        Err(_) => Exit::Wrong,
    }
}

/// Prints help where it was asked for, and what is wrong with the command line otherwise.
fn usage(error: &clap::Error, terminal: &Terminal, no_color: bool) -> Exit {
    let text = error.render();
    let print = |stream: &Stream| {
        stream.write(&if is_coloured(no_color, terminal, stream) {
            text.ansi().to_string()
        } else {
            text.to_string()
        });
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            print(&terminal.stdout);
            Exit::Done
        }
        _ => {
            print(&terminal.stderr);
            Exit::Usage
        }
    }
}

/// Colours are for terminals, unless they are not wanted: <https://no-color.org>.
fn is_coloured(is_unwanted: bool, terminal: &Terminal, stream: &Stream) -> bool {
    let no_color = terminal.environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal && !is_unwanted && !no_color && !terminal.is_dumb()
}

/// Shows on stderr what happens inside, as far as `-v` asks for it: what deployer itself has to say.
/// What the libraries under it would say holds whole requests and answers, and the secrets in them.
fn trace(verbose: u8, stderr: &Stream) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let stream = stderr.clone();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false);
    let lines = lines.with_writer(move || stream.clone());
    let ours = Targets::new().with_target("deployer", level);
    let started = tracing_subscriber::registry().with(lines).with(ours).try_init();
    // A process traces once; tests run many commands in one.
    drop(started);
}

/// The error as machines get it.
fn failed(error: &Error) -> wire::error::Failed {
    let (diagnostics, failures) = match error {
        Error::Unswept(why) => {
            let wire::error::Failed { diagnostics, failures, .. } = failed(why);
            (diagnostics, failures)
        }
        Error::Request(RequestError::Build { failure, .. }) => (Vec::new(), vec![failure.into()]),
        Error::Stack(Mistakes { name, text, diagnostics })
        | Error::Protected(Mistakes { name, text, diagnostics })
        | Error::Account(Mistakes { name, text, diagnostics }) => {
            (render::located_diagnostics(diagnostics, name, text), Vec::new())
        }
        Error::Cloud(failures) => (Vec::new(), failures.iter().map(Into::into).collect()),
        _ => (Vec::new(), Vec::new()),
    };
    wire::error::Failed {
        exit: error.exit().code(),
        error: error.to_string(),
        help: error.help(),
        diagnostics,
        failures,
    }
}
