//! One request to a registry, and what its answer means.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use serde::Deserialize;

use super::patience::{Failure, Passing};
use super::route::Route;
use super::{Roots, Target};
use crate::{PushError, Refusal};

const CONNECT: Duration = Duration::from_secs(10);
/// How much of a refusal is read.
const REFUSAL: usize = 64 * 1024;

/// The largest manifest that is read: what registries take at the most ("Pushing Manifests" in OCI's
/// distribution specification).
pub(super) const LARGEST: usize = 4 * 1024 * 1024;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Speaks to one repository.
pub(super) struct Client<'a, P> {
    http: Http<HttpsConnector<Route>, Body>,
    pub(super) target: &'a Target,
    pub(super) patience: &'a P,
}

/// A request without a body, or with one.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Body,
    /// What it attempts, as in "when asked to …".
    pub(super) attempted: &'a str,
}

/// An answer that is no refusal.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

impl<'a, P> Client<'a, P> {
    pub(super) fn new(target: &'a Target, patience: &'a P) -> Result<Self, PushError> {
        let connector = connector(target.roots.as_ref());
        let connector = connector.map_err(|reason| PushError::Unreachable {
            registry: target.registry.to_string(),
            attempted: "speak TLS".to_owned(),
            reason,
        })?;
        let http =
            Http::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self { http, target, patience })
    }

    /// The address of something in the repository.
    pub(super) fn uri(&self, path: &str) -> Uri {
        self.target_uri(path).expect("a checked repository, tag or digest makes a URI")
    }

    /// The address of something that somebody named; none where that cannot be part of one.
    pub(super) fn target_uri(&self, path: &str) -> Option<Uri> {
        let path = format!("/v2/{}/{path}", self.target.repository);
        let uri = Uri::builder().scheme(self.target.scheme.clone());
        uri.authority(self.target.registry.clone()).path_and_query(path).build().ok()
    }

    /// Makes the request. What the registry refuses is a failure, except 404 to a question, and a
    /// redirection: a registry redirects only to what it has.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<Answer, Failure> {
        let is_question = call.method == Method::HEAD;
        let (uri, attempted) = (call.uri.clone(), call.attempted);
        let response = self.request(call).await?;
        let status = response.status();
        let is_fine = status.is_success()
            || is_question && (status == StatusCode::NOT_FOUND || status.is_redirection());
        if is_fine {
            return Ok(Answer { status, headers: response.headers().clone() });
        }
        if !is_question || is_passing(status) {
            return Err(self.refusal(status, response, attempted).await);
        }
        // An answer to HEAD has no body; the same request as GET says why.
        let body = empty();
        let call = Call { method: Method::GET, uri, headers: Vec::new(), body, attempted };
        let response = self.request(call).await.unwrap_or(response);
        Err(self.refusal(status, response, attempted).await)
    }

    /// Asks for a manifest; none where there is none.
    pub(super) async fn read(&self, call: Call<'_>) -> Result<Option<Bytes>, Failure> {
        let attempted = call.attempted;
        let response = self.request(call).await?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(None),
            status if !status.is_success() => {
                return Err(self.refusal(status, response, attempted).await);
            }
            _ => {}
        }
        match Limited::new(response.into_body(), LARGEST).collect().await {
            Ok(body) => Ok(Some(body.to_bytes())),
            Err(error) => Err(self.unreachable(attempted, &error.to_string())),
        }
    }

    pub(super) async fn request(&self, call: Call<'_>) -> Result<Response<Incoming>, Failure> {
        if !self.target.permits(&call.method) {
            let error = PushError::Withheld { attempted: call.attempted.to_owned() };
            return Err(Failure::Passing { way: Passing::Lost, error, after: None });
        }
        let mut request = Request::builder().method(call.method);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        // An upload may continue elsewhere, where the password is nobody's business.
        let is_ours = call.uri.authority() == Some(&self.target.registry);
        let says_who = request.headers_ref().is_some_and(|it| it.contains_key(AUTHORIZATION));
        let authorization = self.target.authorization.as_ref();
        if let Some(value) = authorization.filter(|_| is_ours && !says_who) {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.uri(call.uri).body(call.body).map_err(|error| {
            Failure::Final(self.nonsense(call.attempted, &format!("the request fails: {error}")))
        })?;
        let sent = self.http.request(request).await;
        sent.map_err(|error| match self.unreachable(call.attempted, &with_causes(&error)) {
            Failure::Passing { error: permanent, .. } if is_tls(&error) => {
                Failure::Final(permanent)
            }
            passing => passing,
        })
    }

    pub(super) fn unreachable(&self, attempted: &str, reason: &str) -> Failure {
        let error = PushError::Unreachable {
            registry: self.target.registry.to_string(),
            attempted: attempted.to_owned(),
            reason: reason.to_owned(),
        };
        Failure::Passing { way: Passing::Lost, error, after: None }
    }

    pub(super) fn nonsense(&self, attempted: &str, problem: &str) -> PushError {
        PushError::Nonsense {
            registry: self.target.registry.to_string(),
            attempted: attempted.to_owned(),
            problem: problem.to_owned(),
        }
    }

    /// What a refusal means. `status` is the first answer's: the GET after a HEAD only adds words.
    pub(super) async fn refusal(
        &self,
        status: StatusCode,
        response: Response<Incoming>,
        attempted: &str,
    ) -> Failure {
        let header = |name: HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let challenge = header(WWW_AUTHENTICATE).unwrap_or_default();
        let after = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
        let body = Limited::new(response.into_body(), REFUSAL).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let problem = Problems::first(&body);
        let refusal = Box::new(Refusal {
            registry: self.target.registry.to_string(),
            attempted: attempted.to_owned(),
            status: status.as_u16(),
            code: problem.code,
            message: problem.message,
        });
        let scheme = challenge.split_whitespace().next().unwrap_or("Basic");
        match status {
            StatusCode::UNAUTHORIZED if !scheme.eq_ignore_ascii_case("Basic") => {
                Failure::Final(PushError::Authentication(refusal, scheme.to_owned()))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Failure::Final(PushError::Denied(refusal))
            }
            status if is_passing(status) => {
                let way = match status {
                    StatusCode::TOO_MANY_REQUESTS => Passing::Throttled,
                    _ => Passing::Lost,
                };
                let after = after.map(Duration::from_secs);
                Failure::Passing { way, error: PushError::Refused(refusal), after }
            }
            _ => Failure::Final(PushError::Refused(refusal)),
        }
    }
}

/// Makes connections, encrypted where an address is.
pub(super) fn connector(roots: Option<&Roots>) -> Result<HttpsConnector<Route>, String> {
    let tls = tls(roots)?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    let over = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
    let route = Route::of_environment(tcp.clone(), over().enable_http1().wrap_connector(tcp));
    Ok(over().enable_http1().wrap_connector(route))
}

/// TLS that trusts these certificates, or those that this machine does.
fn tls(roots: Option<&Roots>) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match roots {
        Some(roots) => builder.with_root_certificates(Arc::clone(&roots.store)),
        None => builder
            .with_native_roots()
            .map_err(|error| format!("this machine's certificates: {error}"))?,
    };
    Ok(builder.with_no_client_auth())
}

pub(super) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn full(bytes: &[u8]) -> Body {
    Full::new(Bytes::copy_from_slice(bytes)).map_err(|never| match never {}).boxed_unsync()
}

/// Whether the same request may succeed a little later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// The body of a refusal.
#[derive(Deserialize)]
struct Problems {
    errors: Vec<Problem>,
}

#[derive(Deserialize, Default)]
struct Problem {
    code: Option<String>,
    message: Option<String>,
}

impl Problems {
    /// The first problem; a body that is not the registry's (a proxy's, say) is quoted.
    fn first(body: &[u8]) -> Problem {
        if let Ok(problems) = serde_json::from_slice::<Self>(body) {
            return problems.errors.into_iter().next().unwrap_or_default();
        }
        let text = String::from_utf8_lossy(body);
        let line: String =
            text.lines().next().unwrap_or_default().trim().chars().take(200).collect();
        Problem { code: None, message: Some(line).filter(|line| !line.is_empty()) }
    }
}

/// Whether the two sides could not agree to trust each other, which another try does not mend.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // What an `io::Error` wraps is not among its sources.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|wrapped| is_tls(wrapped))
        || error.source().is_some_and(is_tls)
}

/// An error and its causes; hyper's own words alone are "client error".
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistrust_is_distinguished_from_a_broken_connection_however_deep_it_is_wrapped() {
        let mistrust = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, mistrust));
        assert!(is_tls(&wrapped));
        assert!(!is_tls(&io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset))));
    }

    #[test]
    fn a_refusal_that_is_not_the_registrys_is_quoted() {
        let problem = Problems::first(br#"{"errors":[{"code":"DENIED","message":"no"}]}"#);
        assert_eq!(
            (problem.code.as_deref(), problem.message.as_deref()),
            (Some("DENIED"), Some("no"))
        );
        let problem = Problems::first(b"<html>proxy\n</html>");
        assert_eq!((problem.code, problem.message.as_deref()), (None, Some("<html>proxy")));
        assert!(Problems::first(b"").message.is_none());
    }
}
