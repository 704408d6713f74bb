//! What every request can reach.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum_extra::extract::cookie::Key;

use crate::{data::Repository, secret::Secret};

/// What every request can reach; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Where the notes are.
    pub repository: Arc<dyn Repository>,
    /// What cookies are signed with.
    pub key: Key,
    /// What this process is.
    pub about: Arc<About>,
    phase: Arc<Phase>,
}

/// What this process is, as shown on every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The version of the binary.
    pub version: &'static str,
    /// The digest of the image it runs from, when that is known.
    pub image: Option<String>,
}

#[derive(Debug, Default)]
struct Phase {
    draining: AtomicBool,
}

impl App {
    /// Puts together what requests can reach.
    pub fn new(repository: Arc<dyn Repository>, key: Key, about: About) -> Self {
        Self { repository, key, about: Arc::new(about), phase: Arc::default() }
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

    /// Says that the process was asked to stop: it serves on, but wants no new requests.
    pub fn drain(&self) {
        self.phase.draining.store(true, Ordering::Relaxed);
    }

    /// Tells whether the process was asked to stop.
    pub fn is_draining(&self) -> bool {
        self.phase.draining.load(Ordering::Relaxed)
    }
}
