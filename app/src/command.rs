//! The arguments, and what each command does.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use thiserror::Error;
use tokio::runtime;

use crate::{
    build,
    data::DataError,
    logs,
    probe::{self, ProbeError},
    server::{self, ServeError, Stores},
    settings::{Environment, Mistake, Settings},
};

/// Short notes in notebooks, shared by link. Everything is set through the environment.
#[derive(Debug, Parser)]
#[command(name = "notes", version = build::VERSION)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Serve the pages and the API (the default)
    Serve,
    /// Do the work in the background: digests and cleaning
    Worker,
    /// Bring the tables of the database to what this version needs
    Migrate,
    /// Ask the process that serves on this machine whether it is alive
    Healthcheck,
}

#[derive(Debug, Error)]
enum CommandError {
    #[error("could not start: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("could not migrate: {0}")]
    Migrate(#[from] DataError),
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

/// Runs the command; 0 when it went well, 1 when it did not, 2 when the environment is wrong.
pub fn run(arguments: &Arguments, environment: &Environment) -> ExitCode {
    let settings = match Settings::from_environment(environment) {
        Ok(settings) => settings,
        Err(mistakes) => return tell(&mistakes),
    };
    logs::start(&settings.log);
    match execute(arguments.command.unwrap_or(Command::Serve), &settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "how to log is one of the things that may be wrong")]
fn tell(mistakes: &[Mistake]) -> ExitCode {
    eprintln!("notes: the environment has {} mistake(s)", mistakes.len());
    for mistake in mistakes {
        eprintln!("  {mistake}");
    }
    ExitCode::from(2)
}

fn execute(command: Command, settings: &Settings) -> Result<(), CommandError> {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(CommandError::Runtime)?.block_on(async {
        match command {
            Command::Serve => server::serve(settings).await?,
            Command::Worker => server::work(settings).await?,
            Command::Migrate => {
                let stores = Stores::connect(settings)?;
                stores.prepare(settings.startup).await?;
                stores.repository.close().await;
                tracing::info!("the database is up to date");
            }
            Command::Healthcheck => {
                let authority = probe::own_address(settings.address).to_string();
                probe::fetch(&authority, "/healthz").await?;
            }
        }
        Ok(())
    })
}
