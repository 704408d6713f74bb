//! Connections over HTTP, with an end to each of them.

use std::time::Duration;

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::listener::Listener;

/// Serves until told to close; requests under way are finished. A connection may take so long for
/// the head of a request, waiting for it included.
pub(super) async fn serve(
    listener: Listener,
    routes: Router,
    longest_head: Duration,
    close: CancellationToken,
) {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(longest_head);
    let open = GracefulShutdown::new();
    loop {
        let connection = tokio::select! {
            biased;
            () = close.cancelled() => break,
            connection = listener.next() => connection,
        };
        let peer = connection.peer();
        let service = routes.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request
        });
        let service = TowerToHyperService::new(service);
        let connection =
            protocol.keep_alive(!peer.crowded).serve_connection(TokioIo::new(connection), service);
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
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
        let any = "127.0.0.1:0".parse().expect("an address");
        let listener = Listener::bind(any).await.expect("a free port");
        let address = listener.address().expect("an address");
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
