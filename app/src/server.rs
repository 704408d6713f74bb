//! One process from start to stop: listen, bring the tables up, serve, drain, close.

mod connections;
mod image;
mod stop;
mod stores;

use std::{io, net::SocketAddr, time::Duration};

use thiserror::Error;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

use self::stop::Signals;
pub use self::stores::Stores;
use crate::{
    app::{About, App},
    build,
    data::DataError,
    grpc, metrics,
    settings::Settings,
    web,
};

/// How long requests that are under way may take once the listener is closed.
const LAST_REQUESTS: Duration = Duration::from_secs(15);
/// How long a connection may take for the head of its next request. Longer than the 60 s after
/// which a load balancer lets go of a connection that it does not use: the balancer must be the one
/// who closes, or a request meets a closed connection.
const LONGEST_HEAD: Duration = Duration::from_secs(75);

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
    let listener = listen(settings.address).await?;
    let grpc_listener = listen(settings.grpc_address).await?;
    let stores = Stores::connect(settings)?;
    let about = About { version: build::VERSION, image: image::digest(settings).await };
    let key = App::key(settings.session_key.as_ref());
    let app = App::new(stores.repository.clone(), stores.shared.clone(), key, about);
    tracing::info!(
        version = build::VERSION,
        address = %listener.local_addr().map_err(ServeError::Serve)?,
        grpc = %grpc_listener.local_addr().map_err(ServeError::Serve)?,
        database = settings.database.engine().name(),
        "listening"
    );
    let close = CancellationToken::new();
    let served =
        connections::serve(listener, web::routes(app.clone()), LONGEST_HEAD, close.clone());
    let grpc = grpc::serve(app.clone(), grpc_listener, close.clone());
    let mut served = tokio::spawn(async { tokio::try_join!(served, grpc).map(drop) });
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

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError::Listen(address, error))
}
