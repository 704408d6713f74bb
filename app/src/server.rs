//! One process from start to stop: listen, bring the tables up, serve, drain, close.

mod stop;

use std::{future::IntoFuture, io, sync::Arc, time::Duration};

use thiserror::Error;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{About, App},
    build,
    data::{self, DataError, Repository},
    settings::{DatabaseSettings, Settings},
    web,
};

/// How long requests that are under way may take once the listener is closed.
const LAST_REQUESTS: Duration = Duration::from_secs(15);
/// How long to wait before the database is asked again.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Why a process could not start or go on.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The port is taken, or not ours to take.
    #[error("could not listen on {0}: {1}")]
    Listen(std::net::SocketAddr, io::Error),
    /// The tables could not be brought up in time.
    #[error("could not prepare the database: {0}")]
    Prepare(#[from] DataError),
    /// The listener broke.
    #[error("could not serve: {0}")]
    Serve(io::Error),
}

/// Serves until the process is told to stop.
pub async fn serve(settings: &Settings) -> Result<(), ServeError> {
    let listener = TcpListener::bind(settings.address)
        .await
        .map_err(|error| ServeError::Listen(settings.address, error))?;
    let repository = connect(&settings.database);
    let about = About { version: build::VERSION, image: None };
    let app = App::new(repository, App::key(settings.session_key.as_ref()), about);
    tracing::info!(
        version = build::VERSION,
        address = %settings.address,
        database = settings.database.engine().name(),
        "listening"
    );
    run(settings, app, listener).await
}

/// Makes the repository of the settings, and warns when it will not last.
pub fn connect(settings: &DatabaseSettings) -> Arc<dyn Repository> {
    if let DatabaseSettings::Sqlite { file, temporary: true } = settings {
        tracing::warn!(
            file = %file.display(),
            "no database is configured: notes go to a temporary file; set DATABASE_URL to keep them"
        );
    }
    Arc::new(data::connect(settings))
}

/// Runs the migrations; a database that is away is asked again until the time is over.
pub async fn prepare(repository: &dyn Repository, startup: Duration) -> Result<(), DataError> {
    let deadline = Instant::now() + startup;
    loop {
        match repository.migrate().await {
            Err(error @ DataError::Unavailable(_)) if Instant::now() < deadline => {
                tracing::warn!(%error, "the database is not there yet");
                sleep(BETWEEN_TRIES).await;
            }
            result => return result,
        }
    }
}

async fn run(settings: &Settings, app: App, listener: TcpListener) -> Result<(), ServeError> {
    let close = CancellationToken::new();
    let served = axum::serve(listener, web::routes(app.clone()))
        .with_graceful_shutdown(close.clone().cancelled_owned())
        .into_future();
    let mut served = tokio::spawn(served);
    let running = async {
        prepare(&*app.repository, settings.startup).await?;
        tracing::info!("ready");
        stop::asked().await;
        tracing::info!(seconds = settings.drain.as_secs(), "draining");
        app.drain();
        stop::asked_again_within(settings.drain).await;
        Ok(())
    };
    let outcome = tokio::select! {
        outcome = running => outcome,
        broken = &mut served => return broken.map_or(Ok(()), |served| served.map_err(ServeError::Serve)),
    };
    close.cancel();
    if timeout(LAST_REQUESTS, served).await.is_err() {
        tracing::warn!("some requests took too long and were dropped");
    }
    app.repository.close().await;
    tracing::info!("stopped");
    outcome
}
