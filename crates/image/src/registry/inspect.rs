//! Looks which processors an image is for that a registry has, without pulling it.

use std::collections::BTreeSet;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderName, LOCATION, WWW_AUTHENTICATE};
use hyper::http::uri::Scheme;
use hyper::{Method, Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::client::{Call, Client, LARGEST, empty};
use super::patience::Failure;
use super::target::is_loopback;
use super::{Credentials, Roots, Target};
use crate::PushError;
use crate::image::{DOCKER_MANIFEST, MANIFEST};

/// How long all of it may take.
const AT_MOST: Duration = Duration::from_secs(10);

/// What may be behind a tag: one image, or an index of several ("Media types" in the OCI image
/// specification and "Image manifest v2, schema 2" of the distribution project).
const TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    MANIFEST,
    DOCKER_MANIFEST,
];

/// What is written in another way within a query.
const APART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b',');

/// Where the image of a container is.
#[derive(Debug, PartialEq, Eq)]
pub struct Reference {
    /// The registry's address, with its scheme.
    pub endpoint: String,
    /// The repository.
    pub repository: String,
    /// The tag or the digest.
    pub image: String,
}

impl Reference {
    /// Reads what a container's `image` says, as Docker does: without a host it is Docker Hub's,
    /// without a tag `latest`. Only what is on this machine is spoken to without TLS.
    pub fn read(image: &str) -> Self {
        let (host, rest) = match image.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
            _ => ("docker.io", image),
        };
        let (repository, image) = match (rest.split_once('@'), rest.rsplit_once(':')) {
            // A digest says all that a tag does.
            (Some((name, digest)), _) => (name.split(':').next().unwrap_or(name), digest),
            (None, Some((name, tag))) => (name, tag),
            (None, None) => (rest, "latest"),
        };
        let is_hub = ["docker.io", "index.docker.io"].contains(&host);
        let host = if is_hub { "registry-1.docker.io" } else { host };
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let scheme = if is_loopback(name) { "http" } else { "https" };
        let is_short = is_hub && !repository.contains('/');
        let repository =
            if is_short { format!("library/{repository}") } else { repository.to_owned() };
        Self { endpoint: format!("{scheme}://{host}"), repository, image: image.to_owned() }
    }
}

/// The processors, as OCI calls them, that an image is for, in ten seconds at the most; none where
/// the registry does not have it. An image that does not say is for no processor.
///
/// A registry that wants a token gets one from where it says, for these credentials or for nobody
/// in particular.
///
/// # Errors
/// When the registry does not answer, lets nobody look, or says what is no image. A public registry
/// may say of a repository that is not there that nobody may look at it.
pub async fn processors(
    image: &Reference,
    credentials: Option<&Credentials>,
    roots: Option<Roots>,
) -> Result<Option<BTreeSet<String>>, PushError> {
    let Reference { endpoint, repository, image } = image;
    // A digest is no tag, and is asked for by itself.
    let target = Target::new(endpoint, repository, "latest", credentials)?.trusting(roots);
    let client = Client::new(&target, &())?;
    let attempted = format!("look at {image} in {repository}");
    let looker = Looker { client, credentials, attempted: &attempted };
    let looking = tokio::time::timeout(AT_MOST, looker.processors(image)).await;
    let seen = looking.unwrap_or_else(|_| {
        Err(looker.client.unreachable(&attempted, "it took longer than ten seconds"))
    });
    seen.map_err(|failure| match failure {
        Failure::Passing { error, .. } | Failure::Final(error) => error,
    })
}

/// The processors that an index lists; none of the manifest of a single image, which does not say its
/// own (OCI image specification, "Image Index").
pub fn listed_processors(manifest: &Value) -> Option<BTreeSet<String>> {
    let each = manifest["manifests"].as_array()?.iter();
    let each = each.filter_map(|it| it["platform"]["architecture"].as_str());
    // What is attached to an image, such as an attestation, is of none.
    Some(each.filter(|it| *it != "unknown").map(str::to_owned).collect())
}

/// Asks for one image.
struct Looker<'a> {
    client: Client<'a, ()>,
    credentials: Option<&'a Credentials>,
    attempted: &'a str,
}

impl Looker<'_> {
    async fn processors(&self, image: &str) -> Result<Option<BTreeSet<String>>, Failure> {
        let uri = self.client.target_uri(&format!("manifests/{image}"));
        let uri = uri.ok_or_else(|| self.nonsense("that is no tag and no digest"))?;
        let first = self.get(&uri, None).await?;
        let (response, token) = match challenge(&first) {
            Some(challenge) => {
                let token = format!("Bearer {}", self.token(&challenge).await?);
                (self.get(&uri, Some(&token)).await?, Some(token))
            }
            None => (first, None),
        };
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let manifest = self.json(response).await?;
        if let Some(processors) = listed_processors(&manifest) {
            return Ok(Some(processors));
        }
        let Some(config) = manifest["config"]["digest"].as_str() else {
            return Ok(Some(BTreeSet::new()));
        };
        let uri = self.client.target_uri(&format!("blobs/{config}"));
        let uri = uri.ok_or_else(|| self.nonsense("its configuration has no digest"))?;
        let response = self.get(&uri, token.as_deref()).await?;
        // Blobs may lie elsewhere, where nobody is asked who they are.
        let response = match self.elsewhere(&response) {
            Some(there) => self.get(&there, None).await?,
            None => response,
        };
        let config = self.json(response).await?;
        let architecture = config["architecture"].as_str().filter(|it| !it.is_empty());
        Ok(Some(architecture.map(str::to_owned).into_iter().collect()))
    }

    async fn get(&self, uri: &Uri, token: Option<&str>) -> Result<Response<Incoming>, Failure> {
        let mut headers = vec![(ACCEPT, TYPES.join(", "))];
        headers.extend(token.map(|token| (AUTHORIZATION, token.to_owned())));
        self.send(uri.clone(), headers).await
    }

    async fn send(
        &self,
        uri: Uri,
        headers: Vec<(HeaderName, String)>,
    ) -> Result<Response<Incoming>, Failure> {
        let (method, body, attempted) = (Method::GET, empty(), self.attempted);
        self.client.request(Call { method, uri, headers, body, attempted }).await
    }

    async fn json(&self, response: Response<Incoming>) -> Result<Value, Failure> {
        let status = response.status();
        if !status.is_success() {
            return Err(self.client.refusal(status, response, self.attempted).await);
        }
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body: Bytes = match body {
            Ok(body) => body.to_bytes(),
            Err(error) => return Err(self.client.unreachable(self.attempted, &error.to_string())),
        };
        serde_json::from_slice(&body).map_err(|_| self.nonsense("what it gave is no JSON"))
    }

    fn nonsense(&self, problem: &str) -> Failure {
        Failure::Final(self.client.nonsense(self.attempted, problem))
    }

    /// Where a response leads to, if it leads somewhere that may be asked.
    fn elsewhere(&self, response: &Response<Incoming>) -> Option<Uri> {
        let leads = response.status().is_redirection();
        let there = response.headers().get(LOCATION).filter(|_| leads)?;
        safe(there.to_str().ok()?, self.is_here())
    }

    fn is_here(&self) -> bool {
        is_loopback(self.client.target.registry.host())
    }

    /// A token to look with ("Token Authentication Specification" of the distribution project).
    async fn token(&self, challenge: &Challenge) -> Result<String, Failure> {
        let uri = challenge.address(self.is_here());
        let uri = uri.ok_or_else(|| self.nonsense("it names no safe place to get a token from"))?;
        let headers = self.credentials.and_then(|credentials| {
            let value = credentials.header().to_str().ok()?.to_owned();
            Some((AUTHORIZATION, value))
        });
        let response = self.send(uri, headers.into_iter().collect()).await?;
        let answer = self.json(response).await?;
        let token = answer["token"].as_str().or_else(|| answer["access_token"].as_str());
        token.map(str::to_owned).ok_or_else(|| self.nonsense("it gave no token"))
    }
}

/// What a registry says that it wants a token for.
fn challenge(response: &Response<Incoming>) -> Option<Challenge> {
    let is_closed = response.status() == StatusCode::UNAUTHORIZED;
    let said = response.headers().get(WWW_AUTHENTICATE).filter(|_| is_closed)?;
    Challenge::read(said.to_str().ok()?)
}

/// An address that is spoken to under TLS, or on this machine where the registry is on it too.
fn safe(address: &str, is_here: bool) -> Option<Uri> {
    let uri: Uri = address.parse().ok()?;
    let is_local = is_here && uri.host().is_some_and(is_loopback);
    (is_local || uri.scheme() == Some(&Scheme::HTTPS)).then_some(uri)
}

/// `Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a:pull"`.
#[derive(Debug, PartialEq, Eq)]
struct Challenge {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    fn read(said: &str) -> Option<Self> {
        let (scheme, rest) = said.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let value = |name: &str| {
            let (_, after) = rest.split_once(&format!("{name}=\""))?;
            after.split('"').next().map(str::to_owned)
        };
        Some(Self { realm: value("realm")?, service: value("service"), scope: value("scope") })
    }

    fn address(&self, is_here: bool) -> Option<Uri> {
        let service =
            self.service.iter().map(|it| format!("service={}", utf8_percent_encode(it, APART)));
        let scope = self.scope.iter().map(|it| format!("scope={}", utf8_percent_encode(it, APART)));
        let query: Vec<String> = service.chain(scope).collect();
        let joint = if self.realm.contains('?') { '&' } else { '?' };
        safe(&format!("{}{joint}{}", self.realm, query.join("&")), is_here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_where_docker_would_look_for_it() {
        for (image, endpoint, repository, named) in [
            ("nginx", "https://registry-1.docker.io", "library/nginx", "latest"),
            ("team/web:3", "https://registry-1.docker.io", "team/web", "3"),
            ("docker.io/team/web:3", "https://registry-1.docker.io", "team/web", "3"),
            ("ghcr.io/a/b@sha256:ab", "https://ghcr.io", "a/b", "sha256:ab"),
            ("ghcr.io/a/b:3@sha256:ab", "https://ghcr.io", "a/b", "sha256:ab"),
            ("localhost:5000/web:3", "http://localhost:5000", "web", "3"),
            ("127.0.0.1:5000/web", "http://127.0.0.1:5000", "web", "latest"),
        ] {
            let [endpoint, repository, named] = [endpoint, repository, named].map(str::to_owned);
            let expected = Reference { endpoint, repository, image: named };
            assert_eq!(Reference::read(image), expected, "{image}");
        }
    }

    #[test]
    fn a_token_is_asked_for_where_the_registry_says_and_never_in_the_clear() {
        let said = r#"Bearer realm="https://auth.example.com/token",service="r",scope="repository:a b:pull""#;
        let address = Challenge::read(said).and_then(|it| it.address(false)).expect("an address");
        let expected = "https://auth.example.com/token?service=r&scope=repository:a%20b:pull";
        assert_eq!(address.to_string(), expected);
        let said = said.replace("https", "http");
        assert_eq!(Challenge::read(&said).and_then(|it| it.address(false)), None);
        assert_eq!(Challenge::read(r#"Basic realm="r""#), None);
    }
}
