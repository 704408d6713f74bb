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

/// How long a connection may take for the head of a request, waiting for it included. Longer than
/// the 60 s after which a load balancer lets go of a connection that it does not use: the balancer
/// must be the one who closes, or a request meets a closed connection.
const LONGEST_HEAD: Duration = Duration::from_secs(75);
/// How long to wait when the system has no room for one more connection.
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Serves until told to close; requests under way are finished.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    close: CancellationToken,
) -> io::Result<()> {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(LONGEST_HEAD);
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

    async fn connect() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let routes = Router::new().route("/", get(|| async { "fine" }));
        tokio::spawn(serve(listener, routes, CancellationToken::new()));
        TcpStream::connect(address).await.expect("a connection")
    }

    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: notes\r\n\r\n").await.expect("sent");
        let mut answer = [0; 1024];
        let count = stream.read(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer[..count]).into_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_ends_its_head_is_hung_up_on() {
        let mut stream = connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: no").await.expect("sent");
        let mut rest = Vec::new();
        assert_eq!(stream.read_to_end(&mut rest).await.expect("closed"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_outlives_the_patience_of_a_load_balancer() {
        let mut stream = connect().await;
        assert!(ask(&mut stream).await.ends_with("fine"));
        sleep(Duration::from_secs(61)).await;
        assert!(ask(&mut stream).await.ends_with("fine"));
    }
}
