//! gRPC on a port of its own: the operations of the API, the standard health service, reflection.

mod service;

use std::{io, time::Duration};

use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic::transport::{
    Server,
    server::{Router, TcpIncoming},
};
use tonic_health::ServingStatus;

use crate::app::App;

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
/// How long a client may be silent before it is asked whether it is still there.
const SILENCE: Duration = Duration::from_mins(1);
/// How often the health service looks at the database.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Serves until told to close; calls under way are finished.
pub async fn serve(app: App, listener: TcpListener, close: CancellationToken) -> io::Result<()> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let looking = tokio::spawn(look(app.clone(), reporter));
    let incoming =
        TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(SILENCE));
    let notes = NotesServer::new(service::NotesService::new(app))
        .max_decoding_message_size(LARGEST_MESSAGE);
    let router: Router = Server::builder()
        .timeout(LONGEST)
        .add_service(health)
        .add_service(reflection()?)
        .add_service(notes);
    let served = router.serve_with_incoming_shutdown(incoming, close.cancelled_owned()).await;
    looking.abort();
    served.map_err(io::Error::other)
}

/// Keeps the health service up to date, for the whole server and for `notes.v1.Notes`.
async fn look(app: App, reporter: tonic_health::server::HealthReporter) {
    loop {
        let serves = !app.is_draining() && app.ready().await.is_ok();
        let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
        reporter.set_service_status("", status).await;
        reporter.set_service_status("notes.v1.Notes", status).await;
        sleep(BETWEEN_LOOKS).await;
    }
}

fn reflection() -> io::Result<
    tonic_reflection::server::v1::ServerReflectionServer<
        impl tonic_reflection::server::v1::ServerReflection,
    >,
> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(v1::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(io::Error::other)
}
