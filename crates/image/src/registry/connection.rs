//! A connection over which something else than a registry is spoken with.

use std::error::Error;
use std::future::poll_fn;
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tower_service::Service as _;

use super::Roots;
use super::client::connector;

/// How long a connection may take, with a proxy and TLS.
const CONNECT: Duration = Duration::from_secs(20);

/// Connects to the host of an address, `https://…`, by the way and with the certificates that images
/// are pushed with: through the proxy that the environment names, if it names one. Only what is on
/// this machine (`http://127.0.0.1…`) is not encrypted.
///
/// # Errors
/// When there is no such host, or the two sides cannot agree to trust each other.
pub async fn connect(
    address: &str,
    roots: Option<&Roots>,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, Box<dyn Error + Send + Sync>> {
    let address: Uri = address.parse()?;
    let is_here = address.host().is_some_and(|host| ["127.0.0.1", "localhost"].contains(&host));
    if address.scheme_str() != Some("https") && !is_here {
        return Err("it is not encrypted".into());
    }
    let mut connector = connector(roots)?;
    let connecting = async {
        poll_fn(|cx| connector.poll_ready(cx)).await?;
        connector.call(address).await
    };
    Ok(TokioIo::new(timeout(CONNECT, connecting).await??))
}
