//! The documents that the API takes and gives.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{clock, data};

/// A notebook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notebook {
    /// Its id: whoever knows it can read and write the notebook.
    id: String,
    title: String,
    /// When it was made, in RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// What a worker last found out about its notes, in one sentence.
    digest: Option<String>,
}

/// A note.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Note {
    id: String,
    /// The id of its notebook.
    notebook: String,
    body: String,
    /// When it was added, in RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last edited, in RFC 3339.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Some notes of a notebook, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NotePage {
    notes: Vec<Note>,
    /// What to send as `before` to go on; null when these were the last.
    next: Option<String>,
}

/// A notebook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNotebook {
    /// White space around it is taken off.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    pub(super) title: String,
}

/// A note to be added, or what to change it to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNote {
    /// White space around it is taken off.
    #[schema(min_length = 1, max_length = 2000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    pub(super) body: String,
}

/// Which notes to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only notes that contain this text, whatever the case of its letters.
    #[param(max_length = 100)]
    pub(super) search: Option<String>,
    /// Only notes older than the one with this id.
    #[param(pattern = "^[0-9A-Za-z]{0,64}$")]
    pub(super) before: Option<String>,
    /// At most this many; 20 when not said.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<u32>,
}

impl From<data::Notebook> for Notebook {
    fn from(notebook: data::Notebook) -> Self {
        let data::Notebook { id, title, created_at, digest } = notebook;
        Self { id, title, created_at: clock::rfc3339(created_at), digest }
    }
}

impl From<data::Note> for Note {
    fn from(note: data::Note) -> Self {
        Self {
            id: note.id,
            notebook: note.notebook_id,
            body: note.body,
            created_at: clock::rfc3339(note.created_at),
            updated_at: clock::rfc3339(note.updated_at),
        }
    }
}

impl From<data::Page> for NotePage {
    fn from(page: data::Page) -> Self {
        Self { notes: page.notes.into_iter().map(Note::from).collect(), next: page.next }
    }
}
