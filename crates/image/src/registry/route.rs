//! The way to a host: straight, or through the proxy that the environment names for it.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

type Failure = Box<dyn Error + Send + Sync>;

/// Makes connections. What is not encrypted stays on this machine, and takes no proxy.
#[derive(Clone)]
pub(super) struct Route {
    tcp: HttpConnector,
    /// To proxies, some of which are spoken with in TLS.
    to_proxy: HttpsConnector<HttpConnector>,
    proxies: Arc<Matcher>,
}

impl Route {
    /// The way that the variables `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in upper or lower case.
    pub(super) fn of_environment(
        tcp: HttpConnector,
        to_proxy: HttpsConnector<HttpConnector>,
    ) -> Self {
        Self { tcp, to_proxy, proxies: Arc::new(Matcher::from_env()) }
    }
}

impl Service<Uri> for Route {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, host: Uri) -> Self::Future {
        let is_encrypted = host.scheme() == Some(&Scheme::HTTPS);
        let Some(proxy) = self.proxies.intercept(&host).filter(|_| is_encrypted) else {
            let connecting = self.tcp.call(host);
            return Box::pin(async { Ok(MaybeHttpsStream::Http(connecting.await?)) });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
        if let Some(password) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(password.clone());
        }
        Box::pin(async move { Ok(tunnel.call(host).await?) })
    }
}
