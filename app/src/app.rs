//! What every request can reach.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum_extra::extract::cookie::Key;

use crate::{
    data::{Repository, Shared},
    limits::Limits,
    operations::Operations,
    readiness::Readiness,
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
    /// What clients may take.
    pub limits: Arc<Limits>,
    readiness: Readiness,
    prepared: Arc<AtomicBool>,
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
        limits: Limits,
    ) -> Self {
        Self {
            operations: Operations::new(repository.clone(), shared.clone()),
            visitors: Arc::new(Visitors::new(shared.clone())),
            repository,
            shared,
            key,
            about: Arc::new(about),
            limits: Arc::new(limits),
            readiness: Readiness::default(),
            prepared: Arc::default(),
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

    /// Says that the database is prepared: until then there is no use in asking it.
    pub fn open(&self) {
        self.prepared.store(true, Ordering::Relaxed);
    }

    /// Tells whether requests can be served, as found out within the last second.
    pub async fn is_ready(&self) -> bool {
        if !self.prepared.load(Ordering::Relaxed) {
            return false;
        }
        let (repository, shared) = (self.repository.clone(), self.shared.clone());
        self.readiness
            .ask(async move {
                tokio::try_join!(repository.ready(), shared.reachable())?;
                Ok(())
            })
            .await
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
