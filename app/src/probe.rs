//! Asks an HTTP address, as `notes healthcheck` does in an image that has no shell and no curl.

use std::{net::SocketAddr, time::Duration};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};

const PATIENCE: Duration = Duration::from_secs(4);
const LARGEST: usize = 256 * 1024;

/// Why an address did not answer as hoped.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// It did not take the connection, or dropped it.
    #[error("{0} does not answer: {1}")]
    Silent(String, String),
    /// It answered with something else than success.
    #[error("{0} answers {1}")]
    Status(String, StatusCode),
}

/// Fetches a path of a host on this network over plain HTTP.
pub async fn fetch(authority: &str, path: &str) -> Result<Bytes, ProbeError> {
    let address = format!("http://{authority}{path}");
    let silent = |error: String| ProbeError::Silent(address.clone(), error);
    let fetched = timeout(PATIENCE, exchange(authority, path)).await;
    let (status, body) = fetched.map_err(|_| silent("timed out".into()))?.map_err(silent)?;
    if status.is_success() { Ok(body) } else { Err(ProbeError::Status(address, status)) }
}

/// Finds the address under which a process can reach its own listener.
pub fn own_address(listening: SocketAddr) -> SocketAddr {
    let mut own = listening;
    if own.ip().is_unspecified() {
        own.set_ip(match own {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    own
}

async fn exchange(authority: &str, path: &str) -> Result<(StatusCode, Bytes), String> {
    let words = |error: &dyn std::error::Error| error.to_string();
    let stream = TcpStream::connect(authority).await.map_err(|error| words(&error))?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| words(&error))?;
    let driver = tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, "notes-healthcheck")
        .body(Empty::<Bytes>::new())
        .map_err(|error| words(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| words(&error))?;
    let status = answer.status();
    let body = Limited::<Incoming>::new(answer.into_body(), LARGEST).collect().await;
    driver.abort();
    Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_through_loopback() {
        let own = |listening: &str| own_address(listening.parse().expect("address")).to_string();
        assert_eq!(own("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(own("[::]:8080"), "[::1]:8080");
        assert_eq!(own("192.0.2.7:80"), "192.0.2.7:80");
    }
}
