//! What can be done with notes: the same for pages, API and gRPC.

use std::sync::Arc;

use crate::{
    data::{
        Added, Body, IdempotencyKey, Note, Notebook, Page, PageRequest, Repository, Shared, Title,
    },
    failure::Failure,
    worker::job::Job,
};

/// The most notes that one request lists.
pub const LONGEST_PAGE: u16 = 100;
/// How many notes a request lists that does not say.
pub const USUAL_PAGE: u16 = 20;
/// The longest text to search for.
pub const LONGEST_SEARCH: usize = 100;

/// Checks what is asked, does it, and asks the worker for what follows.
#[derive(Clone)]
pub struct Operations {
    repository: Arc<dyn Repository>,
    shared: Arc<dyn Shared>,
}

/// Which notes to list, as asked for.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Only notes that contain this text.
    pub search: Option<String>,
    /// Only notes older than the one with this id.
    pub before: Option<String>,
    /// At most this many.
    pub limit: Option<u16>,
}

const NO_NOTEBOOK: Failure = Failure::NotFound("notebook");
const NO_NOTE: Failure = Failure::NotFound("note");
const CHANGED: Failure = Failure::Conflict("someone else changed the note in the meantime");

impl Operations {
    /// Puts the operations on a repository and on what instances share.
    pub fn new(repository: Arc<dyn Repository>, shared: Arc<dyn Shared>) -> Self {
        Self { repository, shared }
    }

    /// Makes a notebook.
    pub async fn create_notebook(&self, title: &str) -> Result<Notebook, Failure> {
        Ok(self.repository.create_notebook(&Title::parse(title)?).await?)
    }

    /// Finds a notebook.
    pub async fn notebook(&self, id: &str) -> Result<Notebook, Failure> {
        self.repository.notebook(plausible(id, NO_NOTEBOOK)?).await?.ok_or(NO_NOTEBOOK)
    }

    /// Lists notes of a notebook, newest first.
    pub async fn notes(&self, notebook: &str, listing: Listing) -> Result<Page, Failure> {
        let limit = listing.limit.unwrap_or(USUAL_PAGE);
        if !(1..=LONGEST_PAGE).contains(&limit) {
            let text = format!("the limit must be between 1 and {LONGEST_PAGE}, not {limit}");
            return Err(Failure::Invalid(text));
        }
        let search = listing.search.map(|text| text.trim().to_owned());
        if search.as_ref().is_some_and(|text| text.chars().count() > LONGEST_SEARCH) {
            let text = format!("a search must have at most {LONGEST_SEARCH} characters");
            return Err(Failure::Invalid(text));
        }
        if search.as_ref().is_some_and(|text| text.contains('\0')) {
            return Err(Failure::Invalid("a search must not contain the NUL sign".into()));
        }
        let request = PageRequest {
            search: search.filter(|text| !text.is_empty()),
            before: listing.before.filter(|id| !id.is_empty()),
            limit,
        };
        if let Some(before) = &request.before {
            plausible(before, Failure::Invalid("`before` must be the id of a note".into()))?;
        }
        let page = self.repository.notes(plausible(notebook, NO_NOTEBOOK)?, &request).await?;
        if page.notes.is_empty() {
            self.notebook(notebook).await?;
        }
        Ok(page)
    }

    /// Finds a note.
    pub async fn note(&self, notebook: &str, id: &str) -> Result<Note, Failure> {
        self.repository
            .note(plausible(notebook, NO_NOTE)?, plausible(id, NO_NOTE)?)
            .await?
            .ok_or(NO_NOTE)
    }

    /// Adds a note; says whether it is new or answers a request that came before.
    pub async fn add(
        &self,
        notebook: &str,
        body: &str,
        key: Option<&str>,
    ) -> Result<(Note, bool), Failure> {
        let key = key.map(IdempotencyKey::parse).transpose()?;
        match self
            .repository
            .add_note(plausible(notebook, NO_NOTEBOOK)?, &Body::parse(body)?, key.as_ref())
            .await?
        {
            Added::NoNotebook => Err(NO_NOTEBOOK),
            Added::Before(note) => Ok((note, false)),
            Added::New(note) => {
                self.ask(&Job::Digest { notebook: notebook.to_owned() }).await;
                Ok((note, true))
            }
        }
    }

    /// Changes the text of a note; with a time, only the note that was last edited then.
    pub async fn edit(
        &self,
        notebook: &str,
        id: &str,
        body: &str,
        seen: Option<i64>,
    ) -> Result<Note, Failure> {
        let body = Body::parse(body)?;
        let (notebook, id) = (plausible(notebook, NO_NOTE)?, plausible(id, NO_NOTE)?);
        let edited = self.repository.edit_note(notebook, id, &body, seen).await?;
        let note = self.repository.note(notebook, id).await?.ok_or(NO_NOTE)?;
        if !edited && note.body != body.as_str() {
            return Err(CHANGED);
        }
        self.ask(&Job::Digest { notebook: notebook.to_owned() }).await;
        Ok(note)
    }

    /// Deletes a note.
    pub async fn delete(&self, notebook: &str, id: &str) -> Result<(), Failure> {
        if !self
            .repository
            .delete_note(plausible(notebook, NO_NOTE)?, plausible(id, NO_NOTE)?)
            .await?
        {
            return Err(NO_NOTE);
        }
        self.ask(&Job::Digest { notebook: notebook.to_owned() }).await;
        Ok(())
    }

    /// Asks the worker for a job. The request has done its part without it, so it goes on.
    async fn ask(&self, job: &Job) {
        if let Err(error) = self.shared.push(&job.to_string()).await {
            tracing::warn!(%error, %job, "could not ask for a job");
        }
    }
}

/// Tells what may be an id from what cannot be one, so that no database is asked about the latter.
fn plausible(id: &str, otherwise: Failure) -> Result<&str, Failure> {
    let fine = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fine { Ok(id) } else { Err(otherwise) }
}
