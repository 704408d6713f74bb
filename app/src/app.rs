//! What every request can reach.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum_extra::extract::cookie::Key;

use crate::{
    data::{DataError, Repository, Shared},
    operations::Operations,
    secret::Secret,
    visitors::Visitors,
};

/// What every request can reach; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Where the notes are.
    pub repository: Arc<dyn Repository>,
    /// Where sessions, the counter and jobs are.
    pub shared: Arc<dyn Shared>,
    /// What can be done with notes.
    pub operations: Operations,
    /// The number of visitors.
    pub visitors: Arc<Visitors>,
    /// What cookies are signed with.
    pub key: Key,
    /// What this process is.
    pub about: Arc<About>,
    draining: Arc<AtomicBool>,
}

/// What this process is, as shown on every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The version of the binary.
    pub version: &'static str,
    /// The digest of the image it runs from, when that is known.
    pub image: Option<String>,
}

impl App {
    /// Puts together what requests can reach.
    pub fn new(
        repository: Arc<dyn Repository>,
        shared: Arc<dyn Shared>,
        key: Key,
        about: About,
    ) -> Self {
        Self {
            operations: Operations::new(repository.clone(), shared.clone()),
            visitors: Arc::new(Visitors::new(shared.clone())),
            repository,
            shared,
            key,
            about: Arc::new(about),
            draining: Arc::default(),
        }
    }

    /// Makes the key that cookies are signed with; none given means one for this process alone.
    pub fn key(configured: Option<&Secret>) -> Key {
        if let Some(secret) = configured {
            return Key::derive_from(secret.reveal().as_bytes());
        }
        tracing::warn!(
            "SESSION_KEY is not set: a key was made for this process alone, so sessions end with \
             it and other processes do not know them"
        );
        Key::generate()
    }

    /// Checks that requests can be served.
    pub async fn ready(&self) -> Result<(), DataError> {
        self.repository.ready().await?;
        self.shared.reachable().await
    }

    /// Says that the process was asked to stop: it serves on, but wants no new requests.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Tells whether the process was asked to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
