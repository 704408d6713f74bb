//! Connections over HTTP, with an end to each of them.

use std::{io, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

/// How long to wait when the system has no room for one more connection.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Serves until told to close; requests under way are finished. A connection may take so long for
/// the head of a request, waiting for it included.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    longest_head: Duration,
    close: CancellationToken,
) -> io::Result<()> {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(longest_head);
    let open = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = close.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "could not take a connection");
                sleep(BETWEEN_TRIES).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set up a connection");
        }
        let service = TowerToHyperService::new(routes.clone());
        let connection = open.watch(protocol.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    #[tokio::test]
    async fn a_client_that_never_ends_its_head_is_hung_up_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let routes = Router::new().route("/", get(|| async { "fine" }));
        let longest = Duration::from_millis(200);
        tokio::spawn(serve(listener, routes, longest, CancellationToken::new()));
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = b"GET / HTTP/1.1\r\nHost: notes\r\n\r\nGET / HTTP/1.1\r\nHost: no";
        stream.write_all(request).await.expect("sent");
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.expect("closed");
        assert_eq!(answers.matches("200 OK").count(), 1, "{answers}");
        assert!(answers.ends_with("fine"), "{answers}");
    }
}
