//! gRPC on a port of its own: the operations of the API, the standard health service, reflection.

mod limit;
mod service;

use std::{io, time::Duration};

use axum::{body::Body, http::Request, middleware};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tower::ServiceBuilder;
use tower_http::{
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::{DefaultOnResponse, TraceLayer},
};
use tracing::Level;

use crate::{app::App, listener::Listener, web};

/// What is generated from `proto/`.
#[expect(missing_docs, clippy::pedantic, reason = "generated code")]
pub mod v1 {
    tonic::include_proto!("notes.v1");

    /// The compiled `proto/`, for reflection.
    pub(super) const DESCRIPTORS: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/notes.v1.descriptors"));
}

use self::v1::notes_server::NotesServer;

const LONGEST: Duration = Duration::from_secs(10);
const LARGEST_MESSAGE: usize = 64 * 1024;
/// How many calls one connection may have under way.
const MOST_CALLS: u32 = 32;
/// How long a client may be silent before it is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(30);
/// How old a connection may be before its client is asked to open another.
const OLD: Duration = Duration::from_mins(30);
/// How old a connection can be: two calls, of reflection and of health, end when the client likes.
const OLDEST: Duration = Duration::from_mins(31);
/// How often the health service looks at the database.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Serves until told to close; calls under way are finished.
pub async fn serve(app: App, listener: Listener, close: CancellationToken) -> io::Result<()> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let looking = tokio::spawn(look(app.clone(), reporter));
    let incoming = listener.with_lifetime(OLDEST).into_stream();
    let notes = NotesServer::new(service::NotesService::new(app.clone()))
        .max_decoding_message_size(LARGEST_MESSAGE);
    let v1 = descriptors().build_v1().map_err(io::Error::other)?;
    // What most clients still ask for.
    let v1alpha = descriptors().build_v1alpha().map_err(io::Error::other)?;
    let trace = TraceLayer::new_for_grpc()
        .make_span_with(web::span)
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    let surround = ServiceBuilder::new()
        .map_request(web::keep_fine_id)
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(PropagateRequestIdLayer::x_request_id())
        .map_request(|request: Request<_>| request.map(Body::new))
        .layer(middleware::from_fn_with_state(app, limit::limit))
        .layer(trace);
    let router = Server::builder()
        .layer(surround)
        .timeout(LONGEST)
        .max_concurrent_streams(MOST_CALLS)
        .http2_keepalive_interval(Some(QUIET))
        .max_connection_age(OLD)
        .add_service(health.max_decoding_message_size(LARGEST_MESSAGE))
        .add_service(v1.max_decoding_message_size(LARGEST_MESSAGE))
        .add_service(v1alpha.max_decoding_message_size(LARGEST_MESSAGE))
        .add_service(notes);
    let served = router.serve_with_incoming_shutdown(incoming, close.cancelled_owned()).await;
    looking.abort();
    served.map_err(io::Error::other)
}

/// Keeps the health service up to date, for the whole server and for `notes.v1.Notes`.
async fn look(app: App, reporter: tonic_health::server::HealthReporter) {
    loop {
        let serves = !app.is_draining() && app.is_ready().await;
        let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
        reporter.set_service_status("", status).await;
        reporter.set_service_status("notes.v1.Notes", status).await;
        sleep(BETWEEN_LOOKS).await;
    }
}

/// Describes what is served.
fn descriptors() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(v1::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
