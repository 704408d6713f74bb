//! A store under test, of which every operation ends the same.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum_extra::extract::cookie::Key;
use notes::{
    app::{About, App},
    data::{
        Added, Body, Claim, DataError, IdempotencyKey, Note, Notebook, Page, PageRequest,
        Repository, Session, Shared, Title,
    },
    limits::Limits,
    settings::LimitSettings,
};

/// Why it refuses.
pub(crate) const REASON: &str = "relation \"notes\" of 10.0.0.7 is corrupt";

/// A store that gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// It refuses everything.
    Refuses,
    /// It never answers.
    Hangs,
}

impl Store {
    async fn answer<T>(self) -> Result<T, DataError> {
        match self {
            Self::Refuses => Err(DataError::Refused(REASON.into())),
            Self::Hangs => pending().await,
        }
    }
}

/// Makes an app on such a store, as if that had been prepared.
pub(crate) fn app(store: Store, limits: &LimitSettings) -> App {
    let about = About { version: "0", image: None };
    let limits = Limits::new(limits);
    let app = App::new(Arc::new(store), Arc::new(store), Key::generate(), about, limits);
    app.open();
    app
}

#[async_trait]
impl Repository for Store {
    async fn migrate(&self) -> Result<(), DataError> {
        self.answer().await
    }
    async fn ready(&self) -> Result<(), DataError> {
        self.answer().await
    }
    async fn create_notebook(&self, _: &Title) -> Result<Notebook, DataError> {
        self.answer().await
    }
    async fn notebook(&self, _: &str) -> Result<Option<Notebook>, DataError> {
        self.answer().await
    }
    async fn notebooks(&self, _: &[String]) -> Result<Vec<Notebook>, DataError> {
        self.answer().await
    }
    async fn notes(&self, _: &str, _: &PageRequest) -> Result<Page, DataError> {
        self.answer().await
    }
    async fn note(&self, _: &str, _: &str) -> Result<Option<Note>, DataError> {
        self.answer().await
    }
    async fn add_note(
        &self,
        _: &str,
        _: &Body,
        _: Option<&IdempotencyKey>,
    ) -> Result<Added, DataError> {
        self.answer().await
    }
    async fn edit_note(
        &self,
        _: &str,
        _: &str,
        _: &Body,
        _: Option<i64>,
    ) -> Result<bool, DataError> {
        self.answer().await
    }
    async fn delete_note(&self, _: &str, _: &str) -> Result<bool, DataError> {
        self.answer().await
    }
    async fn save_digest(&self, _: &str, _: &str) -> Result<(), DataError> {
        self.answer().await
    }
    async fn forget_notes(&self, _: i64) -> Result<u64, DataError> {
        self.answer().await
    }
    async fn close(&self) {}
}

#[async_trait]
impl Shared for Store {
    async fn reachable(&self) -> Result<(), DataError> {
        self.answer().await
    }
    async fn session(&self, _: &str) -> Result<Option<Session>, DataError> {
        self.answer().await
    }
    async fn save_session(&self, _: &str, _: &Session) -> Result<(), DataError> {
        self.answer().await
    }
    async fn forget_sessions(&self) -> Result<u64, DataError> {
        self.answer().await
    }
    async fn add_visitors(&self, _: i64) -> Result<i64, DataError> {
        self.answer().await
    }
    async fn push(&self, _: &str) -> Result<(), DataError> {
        self.answer().await
    }
    async fn claim(&self, _: Duration) -> Result<Option<Claim>, DataError> {
        self.answer().await
    }
    async fn finish(&self, _: &Claim) -> Result<(), DataError> {
        self.answer().await
    }
    async fn jobs(&self) -> Result<i64, DataError> {
        self.answer().await
    }
}
