//! Pushes an image: asks what is there, uploads the rest, then names it.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Bytes, Frame};
use hyper::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use hyper::http::uri::Scheme;
use hyper::{Method, Uri};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio_util::io::ReaderStream;

use super::Target;
use super::client::{Answer, Body, Call, Client, empty, full};
use super::patience::{Failure, Patience, Tries};
use crate::attest::{Attached, EMPTY};
use crate::image::{Base, DOCKER_MANIFEST, Image, Layer, MANIFEST};
use crate::{Digest, Progress, PushError, Report};

/// How long a registry may neither take a byte nor answer.
const STALL: Duration = Duration::from_mins(2);
/// How much of a layer is in memory at a time.
const CHUNK: usize = 64 * 1024;
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The image's address, by which it can be pulled.
    pub digest: Digest,
    /// Blobs that were uploaded.
    pub uploaded: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs the registry had.
    pub skipped: usize,
}

/// Makes the registry have `image` under the target's tag.
///
/// Uploads what the registry lacks, each blob in one piece (ECR drops all but the first chunk of
/// a chunked upload), and nothing when the tag already names this image. What was uploaded before
/// a failure is skipped the next time. `patience` says how often each request that failed is
/// made again, and when.
pub async fn push<P: Patience>(
    image: &Image,
    target: &Target,
    patience: &P,
    report: Report<'_>,
) -> Result<Pushed, PushError> {
    let client = Client::new(target, patience)?;
    let blobs = image.layers().len() + 1;
    let mut pushed =
        Pushed { digest: image.digest().clone(), uploaded: 0, bytes: 0, skipped: blobs };
    let manifest = Manifest::of(image);
    if client.names(&manifest, &target.tag, report).await? {
        attach(&client, image, report).await?;
        return Ok(pushed);
    }
    if !client.names(&manifest, image.digest().as_str(), report).await? {
        let layers = image.layers().iter().map(Blob::Layer);
        let config = Blob::Held { digest: image.config_digest().clone(), bytes: image.config() };
        for blob in layers.chain([config]) {
            if client.upload(&blob, report).await? {
                pushed.uploaded += 1;
                pushed.bytes += blob.size();
                pushed.skipped -= 1;
            } else {
                report(Progress::Skipped { digest: blob.digest().clone(), size: blob.size() });
            }
        }
    }
    client.store(&manifest, &target.tag, report).await?;
    attach(&client, image, report).await?;
    report(Progress::Stored { digest: image.digest().clone() });
    Ok(pushed)
}

/// What the image was built on that a tag names in the target's repository; none where there is no
/// such tag, or its manifest does not say.
pub async fn base_of<P: Patience>(
    tag: &str,
    target: &Target,
    patience: &P,
    report: Report<'_>,
) -> Result<Option<Base>, PushError> {
    let client = Client::new(target, patience)?;
    let manifest = client.manifest(tag, report).await?;
    Ok(manifest.and_then(|manifest| Base::of(&manifest)))
}

/// Names an image that the registry has by the target's tag too; `false` where it does not have it.
pub async fn name_again<P: Patience>(
    digest: &str,
    target: &Target,
    patience: &P,
    report: Report<'_>,
) -> Result<bool, PushError> {
    let client = Client::new(target, patience)?;
    let Some(bytes) = client.manifest(digest, report).await? else { return Ok(false) };
    let made = Digest::of(&bytes);
    if made.as_str() != digest {
        let attempted = format!("read {digest} in {}", target.repository);
        return Err(client.nonsense(&attempted, &format!("it gave {made}")));
    }
    let manifest = Manifest { digest: &made, media_type: media_type(&bytes), bytes: &bytes };
    client.store(&manifest, &target.tag, report).await?;
    report(Progress::Stored { digest: made.clone() });
    Ok(true)
}

/// What a manifest says that it is. One of OCI's need not say it (OCI image specification,
/// "mediaType").
fn media_type(manifest: &[u8]) -> &'static str {
    let json: Option<serde_json::Value> = serde_json::from_slice(manifest).ok();
    match json.as_ref().and_then(|it| it["mediaType"].as_str()) {
        Some(DOCKER_MANIFEST) => DOCKER_MANIFEST,
        _ => MANIFEST,
    }
}

/// Makes the registry have what is known of an image beside it.
async fn attach<P: Patience>(
    client: &Client<'_, P>,
    image: &Image,
    report: Report<'_>,
) -> Result<(), PushError> {
    for Attached { document, manifest } in Attached::all(image) {
        let digest = Digest::of(&manifest);
        let manifest = Manifest { digest: &digest, media_type: MANIFEST, bytes: &manifest };
        if client.names(&manifest, digest.as_str(), report).await? {
            continue;
        }
        for bytes in [EMPTY, &document] {
            client.upload(&Blob::Held { digest: Digest::of(bytes), bytes }, report).await?;
        }
        client.store(&manifest, digest.as_str(), report).await?;
    }
    Ok(())
}

/// A manifest, as it is stored.
struct Manifest<'a> {
    digest: &'a Digest,
    media_type: &'a str,
    bytes: &'a [u8],
}

impl<'a> Manifest<'a> {
    fn of(image: &'a Image) -> Self {
        Self { digest: image.digest(), media_type: image.media_type(), bytes: image.manifest() }
    }
}

/// What happened to an upload.
enum Moved {
    /// The registry has answered.
    Answered(Result<Answer, Failure>),
    /// So many bytes have left.
    Sent(u64),
}

/// Something a manifest points to.
enum Blob<'a> {
    /// Bytes in memory.
    Held {
        digest: Digest,
        bytes: &'a [u8],
    },
    Layer(&'a Layer),
}

impl Blob<'_> {
    fn digest(&self) -> &Digest {
        match self {
            Self::Held { digest, .. } => digest,
            Self::Layer(layer) => &layer.digest,
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Held { bytes, .. } => bytes.len() as u64,
            Self::Layer(layer) => layer.size,
        }
    }

    /// The blob as a request's body, which reports to `sent` the length of each piece that leaves.
    fn body(&self, sent: mpsc::UnboundedSender<u64>) -> Result<Body, PushError> {
        let layer = match self {
            Self::Held { bytes, .. } => return Ok(full(bytes)),
            Self::Layer(layer) => layer,
        };
        let failed = |source| PushError::Layer { digest: layer.digest.clone(), source };
        let file = layer.open().map_err(failed)?.into_inner();
        let file = tokio::fs::File::from_std(file).take(layer.size);
        let pieces = ReaderStream::with_capacity(file, CHUNK).inspect_ok(move |piece| {
            // Nobody listens once the registry has answered, which is early when it refuses.
            let _ = sent.send(piece.len() as u64);
        });
        Ok(UnsyncBoxBody::new(StreamBody::new(pieces.map_ok(Frame::data))))
    }
}

impl<P: Patience> Client<'_, P> {
    /// Whether `reference`, a tag or a digest, names this very manifest.
    async fn names(
        &self,
        manifest: &Manifest<'_>,
        reference: &str,
        report: Report<'_>,
    ) -> Result<bool, PushError> {
        let attempted = format!("look for {reference} in {}", self.target.repository);
        let look = || {
            let mut call = self.call(Method::HEAD, &format!("manifests/{reference}"), &attempted);
            call.headers.push((ACCEPT, manifest.media_type.to_owned()));
            call
        };
        let answer = self.insist(|| self.within(look()), report).await?;
        Ok(answer.status.is_success()
            && digest_in(&answer.headers) == Some(manifest.digest.as_str()))
    }

    /// The manifest that a tag or a digest names, if there is one.
    async fn manifest(&self, tag: &str, report: Report<'_>) -> Result<Option<Bytes>, PushError> {
        let attempted = format!("read {tag} in {}", self.target.repository);
        let read = || async {
            let mut call = self.call(Method::GET, &format!("manifests/{tag}"), &attempted);
            call.headers.push((ACCEPT, format!("{MANIFEST}, {DOCKER_MANIFEST}")));
            let read = tokio::time::timeout(STALL, self.read(call)).await;
            read.unwrap_or_else(|_| Err(self.stalled(&attempted)))
        };
        self.insist(read, report).await
    }

    /// Uploads a blob unless the registry has it; returns whether it was uploaded.
    async fn upload(&self, blob: &Blob<'_>, report: Report<'_>) -> Result<bool, PushError> {
        let mut tries = Tries::new(self.patience);
        loop {
            match self.try_upload(blob, report).await {
                Ok(uploaded) => return Ok(uploaded),
                Err(failure) => tries.pause(failure, report).await?,
            }
        }
    }

    /// One attempt, which begins with the question: an earlier one may have come through.
    async fn try_upload(&self, blob: &Blob<'_>, report: Report<'_>) -> Result<bool, Failure> {
        let (digest, repository) = (blob.digest(), &self.target.repository);
        let attempted = format!("look for blob {digest} in {repository}");
        let look = || self.call(Method::HEAD, &format!("blobs/{digest}"), &attempted);
        let found = self.insist(|| self.within(look()), report).await.map_err(Failure::Final)?;
        if found.status.is_success() || found.status.is_redirection() {
            return Ok(false);
        }
        let attempted = format!("begin the upload of blob {digest} to {repository}");
        let begin = || {
            let mut call = self.call(Method::POST, "blobs/uploads/", &attempted);
            call.headers.push((CONTENT_LENGTH, "0".to_owned()));
            call
        };
        let answer = self.insist(|| self.within(begin()), report).await.map_err(Failure::Final)?;
        let uri = self.location(&answer, digest).ok_or_else(|| {
            Failure::Final(self.nonsense(&attempted, "it did not say where to upload to"))
        })?;

        let attempted = format!("store blob {digest} in {repository}");
        let (sender, mut sent) = mpsc::unbounded_channel();
        let headers = vec![
            (CONTENT_LENGTH, blob.size().to_string()),
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
        ];
        let body = blob.body(sender).map_err(Failure::Final)?;
        let call = Call { method: Method::PUT, uri, headers, body, attempted: &attempted };
        let mut request = Box::pin(self.send(call));
        let mut total = 0;
        loop {
            let moved = async {
                tokio::select! {
                    answer = &mut request => Moved::Answered(answer),
                    Some(length) = sent.recv() => Moved::Sent(length),
                }
            };
            match tokio::time::timeout(STALL, moved).await {
                Ok(Moved::Answered(answer)) => return answer.map(|_| true),
                Ok(Moved::Sent(length)) => {
                    total += length;
                    let (digest, size) = (digest.clone(), blob.size());
                    report(Progress::Uploading { digest, sent: total, size });
                }
                Err(_) => return Err(self.stalled(&attempted)),
            }
        }
    }

    /// Stores a manifest under a tag, and thereby under its digest, or under its digest alone.
    async fn store(
        &self,
        manifest: &Manifest<'_>,
        reference: &str,
        report: Report<'_>,
    ) -> Result<(), PushError> {
        let attempted = format!("store manifest {reference} in {}", self.target.repository);
        let store = || {
            let mut call = self.call(Method::PUT, &format!("manifests/{reference}"), &attempted);
            call.headers.push((CONTENT_TYPE, manifest.media_type.to_owned()));
            call.body = full(manifest.bytes);
            call
        };
        let answer = match self.insist(|| self.within(store()), report).await {
            // ECR refuses to write an immutable tag again even where it names this very image, as
            // after a reply that was lost (containers-roadmap#2179).
            Err(error) if is_taken(&error) => {
                let is_ours = self.names(manifest, reference, report).await?;
                return if is_ours { Ok(()) } else { Err(error) };
            }
            answer => answer?,
        };
        match digest_in(&answer.headers) {
            Some(other) if other != manifest.digest.as_str() => {
                let problem = format!("it made {other} of {}", manifest.digest);
                Err(self.nonsense(&attempted, &problem))
            }
            _ => Ok(()),
        }
    }

    /// Makes a request as often as patience lasts.
    async fn insist<T, F>(
        &self,
        attempt: impl Fn() -> F,
        report: Report<'_>,
    ) -> Result<T, PushError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tries = Tries::new(self.patience);
        loop {
            match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(failure) => tries.pause(failure, report).await?,
            }
        }
    }

    fn call<'a>(&self, method: Method, path: &str, attempted: &'a str) -> Call<'a> {
        Call { method, uri: self.uri(path), headers: Vec::new(), body: empty(), attempted }
    }

    /// Sends a request that is small, so that its answer is all there is to wait for.
    async fn within(&self, call: Call<'_>) -> Result<Answer, Failure> {
        let attempted = call.attempted;
        let answer = tokio::time::timeout(STALL, self.send(call)).await;
        answer.unwrap_or_else(|_| Err(self.stalled(attempted)))
    }

    fn stalled(&self, attempted: &str) -> Failure {
        self.unreachable(attempted, &format!("nothing moved for {} s", STALL.as_secs()))
    }

    /// Where an upload continues, with the digest that makes it the only piece.
    fn location(&self, answer: &Answer, digest: &Digest) -> Option<Uri> {
        let location = answer.headers.get(LOCATION)?.to_str().ok()?;
        let joint = if location.contains('?') { '&' } else { '?' };
        let mut parts =
            format!("{location}{joint}digest={digest}").parse::<Uri>().ok()?.into_parts();
        let scheme = parts.scheme.get_or_insert_with(|| self.target.scheme.clone()).clone();
        parts.authority.get_or_insert_with(|| self.target.registry.clone());
        let is_downgrade = self.target.scheme == Scheme::HTTPS && scheme != Scheme::HTTPS;
        Uri::from_parts(parts).ok().filter(|_| !is_downgrade)
    }
}

/// Whether a tag that does not move names an image already, in ECR's words.
fn is_taken(error: &PushError) -> bool {
    let PushError::Refused(refusal) = error else { return false };
    matches!(refusal.code.as_deref(), Some("TAG_INVALID" | "ImageTagAlreadyExistsException"))
}

fn digest_in(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_DIGEST).map(HeaderValue::to_str)?.ok()
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::super::Passing;
    use super::*;

    struct Never;

    impl Patience for Never {
        fn next(&self, _: Passing, _: u32, _: Option<Duration>) -> Option<Duration> {
            None
        }

        async fn pause(&self, _: Duration) {}
    }

    #[tokio::test]
    async fn an_upload_that_began_encrypted_goes_on_so() {
        let target = Target::new("https://registry.example.com", "notes", "v1", None);
        let target = target.expect("an address");
        let client = Client::new(&target, &Never).expect("a client");
        for (location, is_taken) in [
            ("/upload", true),
            ("https://elsewhere.example.com/upload", true),
            ("http://registry.example.com/upload", false),
            ("http://127.0.0.1/upload", false),
        ] {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(location))]);
            let answer = Answer { status: StatusCode::ACCEPTED, headers };
            let uri = client.location(&answer, &Digest::of(b""));
            assert_eq!(uri.is_some(), is_taken, "{location}");
        }
    }
}
