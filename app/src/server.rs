//! One process from start to stop: listen, bring the tables up, serve, drain, close.

mod connections;
mod image;
mod stop;
mod stores;

use std::{io, net::SocketAddr, num::NonZeroUsize, time::Duration};

use thiserror::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::stop::Signals;
pub use self::stores::Stores;
use crate::{
    app::{About, App},
    build,
    data::DataError,
    grpc,
    limits::Limits,
    listener::{Listener, SILENCE},
    metrics,
    settings::Settings,
    web,
};

/// How long requests that are under way may take once the listener is closed.
const LAST_REQUESTS: Duration = Duration::from_secs(15);
/// How many connections there may be to the port of the metrics: some scrapers, and no crowd.
const SCRAPERS: usize = 16;

/// Why a process could not start or go on.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The port is taken, or not ours to take.
    #[error("could not listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The tables could not be brought up in time.
    #[error("could not prepare the database: {0}")]
    Prepare(#[from] DataError),
    /// The listener broke.
    #[error("could not serve: {0}")]
    Serve(io::Error),
}

/// Serves until the process is told to stop.
pub async fn serve(settings: &Settings) -> Result<(), ServeError> {
    let mut signals = Signals::listen().map_err(ServeError::Serve)?;
    metrics::start();
    let most = settings.limits.connections.map(NonZeroUsize::get);
    let listener = listen(settings.address).await?.with_places(most);
    let grpc_listener = listen(settings.grpc_address).await?.with_places(most);
    let metrics_listener = listen(settings.metrics_address).await?.with_places(Some(SCRAPERS));
    let stores = Stores::connect(settings)?;
    let about = About { version: build::VERSION, image: image::digest(settings).await };
    let key = App::key(settings.session_key.as_ref());
    let limits = Limits::new(&settings.limits);
    let app = App::new(stores.repository.clone(), stores.shared.clone(), key, about, limits);
    tracing::info!(
        version = build::VERSION,
        address = %listener.address().map_err(ServeError::Serve)?,
        grpc = %grpc_listener.address().map_err(ServeError::Serve)?,
        metrics = %metrics_listener.address().map_err(ServeError::Serve)?,
        database = settings.database.engine().name(),
        "listening"
    );
    let close = CancellationToken::new();
    let served = connections::serve(listener, web::routes(app.clone()), SILENCE, close.clone());
    let measured =
        connections::serve(metrics_listener, metrics::routes(app.clone()), SILENCE, close.clone());
    let grpc = grpc::serve(app.clone(), grpc_listener, close.clone());
    let mut served = tokio::spawn(async {
        let over_http = async {
            tokio::join!(served, measured);
            Ok(())
        };
        tokio::try_join!(over_http, grpc).map(drop)
    });
    let counting = tokio::spawn(count(app.clone()));
    let outcome = tokio::select! {
        outcome = stay(settings, &app, &stores, &mut signals) => outcome,
        broken = &mut served => broken.map_or(Ok(()), |served| served.map_err(ServeError::Serve)),
    };
    close.cancel();
    if !served.is_finished() && timeout(LAST_REQUESTS, served).await.is_err() {
        tracing::warn!("some requests took too long and were dropped");
    }
    counting.abort();
    app.visitors.sum().await;
    app.repository.close().await;
    tracing::info!("stopped");
    outcome
}

/// Works until the process is told to stop.
pub async fn work(settings: &Settings) -> Result<(), ServeError> {
    let mut signals = Signals::listen().map_err(ServeError::Serve)?;
    let stores = Stores::connect(settings)?;
    let stop = CancellationToken::new();
    let worker = stores.worker(settings);
    tokio::select! {
        prepared = stores.prepare(settings.startup) => prepared?,
        () = signals.asked() => return Ok(()),
    }
    tracing::info!("waiting for jobs");
    let working = async {
        signals.asked().await;
        stop.cancel();
    };
    tokio::join!(worker.run(&stop), working);
    stores.repository.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Prepares the database and stays until the process has been told to stop and has drained.
async fn stay(
    settings: &Settings,
    app: &App,
    stores: &Stores,
    signals: &mut Signals,
) -> Result<(), ServeError> {
    tokio::select! {
        prepared = stores.prepare(settings.startup) => prepared?,
        () = signals.asked() => return Ok(()),
    }
    app.open();
    tracing::info!("ready");
    let stop = CancellationToken::new();
    let worker = stores.worker(settings);
    let working = async {
        if settings.inline_worker {
            worker.run(&stop).await;
        }
    };
    let waiting = async {
        signals.asked().await;
        tracing::info!(seconds = settings.drain.as_secs(), "draining");
        stop.cancel();
        app.drain();
        signals.asked_again_within(settings.drain).await;
    };
    tokio::join!(working, waiting);
    Ok(())
}

async fn count(app: App) {
    app.visitors.run().await;
}

async fn listen(address: SocketAddr) -> Result<Listener, ServeError> {
    Listener::bind(address).await.map_err(|error| ServeError::Listen(address, error))
}
