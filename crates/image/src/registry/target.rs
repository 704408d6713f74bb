//! Where an image goes.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Method, Uri};

use super::Roots;
use crate::PushError;

/// A repository and tag in a registry, and what to say at its door.
#[derive(Debug, Clone)]
pub struct Target {
    pub(super) scheme: Scheme,
    pub(super) registry: Authority,
    pub(super) repository: String,
    pub(super) tag: String,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) roots: Option<Roots>,
    permit: Option<Permit>,
}

/// Whether something may be changed now.
#[derive(Clone)]
struct Permit(Arc<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// A user and password, shown to nobody.
#[derive(Clone)]
pub struct Credentials {
    /// The user; `AWS` for ECR.
    pub user: String,
    /// The password or token.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Credentials {
    pub(super) fn header(&self) -> HeaderValue {
        let encoded = STANDARD.encode(format!("{}:{}", self.user, self.password));
        let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
            .expect("base64 has only characters a header may have");
        value.set_sensitive(true);
        value
    }
}

impl Target {
    /// Checks and joins the parts of an address.
    ///
    /// `endpoint` is the registry's URL without a path. Its scheme says how to speak, and `http`
    /// is taken only for a loopback address.
    pub fn new(
        endpoint: &str,
        repository: &str,
        tag: &str,
        credentials: Option<&Credentials>,
    ) -> Result<Self, PushError> {
        let not = |wanted| move |given: &str| PushError::Target { given: given.to_owned(), wanted };
        let not_endpoint = |given: &str| {
            let unsigned = given.rsplit('@').next().unwrap_or_default();
            not("a registry's address, such as https://registry.example.com")(unsigned)
        };
        let parts = endpoint.parse::<Uri>().map_err(|_| not_endpoint(endpoint))?.into_parts();
        let path = parts.path_and_query.as_ref().map_or("/", |path| path.as_str());
        let (Some(scheme), Some(registry), "/") = (parts.scheme, parts.authority, path) else {
            return Err(not_endpoint(endpoint));
        };
        let is_web = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        if !is_web || registry.as_str().contains('@') {
            return Err(not_endpoint(endpoint));
        }
        if scheme == Scheme::HTTP && !is_loopback(registry.host()) {
            return Err(PushError::Insecure { endpoint: endpoint.to_owned() });
        }
        if !is_repository(repository) {
            return Err(not("a repository's name: lower-case words joined by . _ - and /")(
                repository,
            ));
        }
        if !is_tag(tag) {
            return Err(not("a tag: up to 128 letters, digits and . _ -")(tag));
        }
        let authorization = credentials.map(Credentials::header);
        let (repository, tag) = (repository.to_owned(), tag.to_owned());
        Ok(Self { scheme, registry, repository, tag, authorization, roots: None, permit: None })
    }

    /// The same target, whose certificate is to be signed by one of these instead of those that this
    /// machine trusts; the proxy's as well, if there is one that has one.
    #[must_use]
    pub fn trusting(mut self, roots: Option<Roots>) -> Self {
        self.roots = roots;
        self
    }

    /// The same target, to which requests that change something are sent only while `permit` says
    /// so: it is asked before each of them, and before each repetition.
    #[must_use]
    pub fn while_permitted(mut self, permit: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.permit = Some(Permit(Arc::new(permit)));
        self
    }

    pub(super) fn permits(&self, method: &Method) -> bool {
        let is_question = [Method::GET, Method::HEAD].contains(method);
        is_question || self.permit.as_ref().is_none_or(|permit| (permit.0)())
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn is_repository(name: &str) -> bool {
    let is_word = |word: &str| {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        word.starts_with(is_plain)
            && word.ends_with(is_plain)
            && word.chars().all(|c| is_plain(c) || "._-".contains(c))
    };
    name.len() <= 256 && name.split('/').all(is_word)
}

fn is_tag(tag: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128
        && tag.starts_with(is_plain)
        && tag.chars().all(|c| is_plain(c) || ".-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(endpoint: &str, repository: &str, tag: &str) -> Result<Target, String> {
        let password = "hunter2".to_owned();
        let credentials = Credentials { user: "AWS".to_owned(), password };
        Target::new(endpoint, repository, tag, Some(&credentials)).map_err(|e| e.to_string())
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for endpoint in ["http://127.0.0.1:5000", "http://localhost:5000/", "http://[::1]:5000"] {
            assert!(new(endpoint, "notes", "v1").is_ok(), "{endpoint}");
        }
        let error = new("http://registry.example.com", "notes", "v1").expect_err("not loopback");
        let expected = "http://registry.example.com is not encrypted and not on this machine; \
                        use https";
        assert_eq!(error, expected);
    }

    #[test]
    fn malformed_parts_are_refused_by_name() {
        for (endpoint, repository, tag, given) in [
            ("registry.example.com", "notes", "v1", "registry.example.com"),
            ("https://registry.example.com/v2/", "notes", "v1", "https://registry.example.com/v2/"),
            ("https://localhost", "Notes", "v1", "Notes"),
            ("https://localhost", "notes/../admin", "v1", "notes/../admin"),
            ("https://localhost", "notes", "a/b", "a/b"),
        ] {
            let error = new(endpoint, repository, tag).expect_err(given);
            assert!(error.starts_with(&format!("{given:?} is not a")), "{error}");
        }
    }

    #[test]
    fn neither_debug_nor_an_error_shows_the_password() {
        let target = new("https://localhost", "notes", "v1").expect("well-formed");
        let encoded = STANDARD.encode("AWS:hunter2");
        assert!(!format!("{target:?}").contains(&encoded), "{target:?}");
        for endpoint in ["https://user:hunter2@localhost", "https://user:hunter2@local host"] {
            let error = new(endpoint, "notes", "v1").expect_err("user info");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
