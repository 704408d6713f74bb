//! The one trait through which notes are stored.

use async_trait::async_trait;
use thiserror::Error;

use super::model::{Added, Body, IdempotencyKey, Note, Notebook, Page, PageRequest, Title};

/// Why the data could not be read or written.
#[derive(Debug, Error)]
pub enum DataError {
    /// The database is away or overloaded: the same request may work in a while.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The database refused; trying again does not help.
    #[error("the database refused: {0}")]
    Refused(String),
}

/// How many notebooks are found in one go.
pub const SOME: usize = 12;

/// Stores notebooks and notes.
#[async_trait]
pub trait Repository: Send + Sync {
    /// Brings the tables to what this version needs; safe from several processes at once.
    async fn migrate(&self) -> Result<(), DataError>;

    /// Checks that requests can be served: the database answers and has the tables.
    async fn ready(&self) -> Result<(), DataError>;

    /// Makes a notebook.
    async fn create_notebook(&self, title: &Title) -> Result<Notebook, DataError>;

    /// Finds a notebook.
    async fn notebook(&self, id: &str) -> Result<Option<Notebook>, DataError>;

    /// Finds some notebooks, at most [`SOME`], in no order; leaves out those that are gone.
    async fn notebooks(&self, ids: &[String]) -> Result<Vec<Notebook>, DataError>;

    /// Lists notes of a notebook, newest first; none when there is no such notebook.
    async fn notes(&self, notebook: &str, request: &PageRequest) -> Result<Page, DataError>;

    /// Finds a note in a notebook.
    async fn note(&self, notebook: &str, id: &str) -> Result<Option<Note>, DataError>;

    /// Adds a note, once for each key.
    async fn add_note(
        &self,
        notebook: &str,
        body: &Body,
        key: Option<&IdempotencyKey>,
    ) -> Result<Added, DataError>;

    /// Changes the text of a note, if it was last edited at the time given; says whether it did.
    async fn edit_note(
        &self,
        notebook: &str,
        id: &str,
        body: &Body,
        seen: Option<i64>,
    ) -> Result<bool, DataError>;

    /// Deletes a note; says whether there was one.
    async fn delete_note(&self, notebook: &str, id: &str) -> Result<bool, DataError>;

    /// Keeps what a worker found out about a notebook.
    async fn save_digest(&self, notebook: &str, digest: &str) -> Result<(), DataError>;

    /// Deletes the notes last edited before a time in milliseconds since 1970; counts them.
    async fn forget_notes(&self, before: i64) -> Result<u64, DataError>;

    /// Lets go of all connections.
    async fn close(&self);
}
