//! Turns gRPC messages into operations and back.

use axum::http::StatusCode;
use prost_types::Timestamp;
use tonic::{Code, Request, Response, Status, async_trait};

use super::v1::{
    self, AddNoteRequest, AddNoteResponse, CreateNotebookRequest, DeleteNoteRequest,
    DeleteNoteResponse, EditNoteRequest, GetNoteRequest, GetNotebookRequest, ListNotesRequest,
    ListNotesResponse, Note, Notebook, notes_server::Notes,
};
use crate::{app::App, data, failure::Failure, operations::Listing};

/// The operations, spoken in gRPC.
pub(super) struct NotesService {
    app: App,
}

type Answer<T> = Result<Response<T>, Status>;

impl NotesService {
    pub(super) fn new(app: App) -> Self {
        Self { app }
    }
}

#[async_trait]
impl Notes for NotesService {
    async fn create_notebook(&self, request: Request<CreateNotebookRequest>) -> Answer<Notebook> {
        let title = &request.get_ref().title;
        answer("CreateNotebook", self.app.operations.create_notebook(title).await.map(notebook))
    }

    async fn get_notebook(&self, request: Request<GetNotebookRequest>) -> Answer<Notebook> {
        let id = &request.get_ref().notebook;
        answer("GetNotebook", self.app.operations.notebook(id).await.map(notebook))
    }

    async fn list_notes(&self, request: Request<ListNotesRequest>) -> Answer<ListNotesResponse> {
        let ListNotesRequest { notebook, search, before, limit } = request.into_inner();
        let limit = (limit > 0).then_some(limit);
        let listing = Listing { search: Some(search), before: Some(before), limit };
        let page = self.app.operations.notes(&notebook, listing).await;
        answer(
            "ListNotes",
            page.map(|page| ListNotesResponse {
                notes: page.notes.into_iter().map(note).collect(),
                next: page.next,
            }),
        )
    }

    async fn add_note(&self, request: Request<AddNoteRequest>) -> Answer<AddNoteResponse> {
        let AddNoteRequest { notebook, body, idempotency_key: key } = request.get_ref();
        let key = (!key.is_empty()).then_some(key.as_str());
        let added = self.app.operations.add(notebook, body, key).await;
        answer(
            "AddNote",
            added.map(|(added, new)| AddNoteResponse { note: Some(note(added)), replayed: !new }),
        )
    }

    async fn get_note(&self, request: Request<GetNoteRequest>) -> Answer<Note> {
        let GetNoteRequest { notebook, note: id } = request.get_ref();
        answer("GetNote", self.app.operations.note(notebook, id).await.map(note))
    }

    async fn edit_note(&self, request: Request<EditNoteRequest>) -> Answer<Note> {
        let EditNoteRequest { notebook, note: id, body } = request.get_ref();
        answer("EditNote", self.app.operations.edit(notebook, id, body, None).await.map(note))
    }

    async fn delete_note(&self, request: Request<DeleteNoteRequest>) -> Answer<DeleteNoteResponse> {
        let DeleteNoteRequest { notebook, note: id } = request.get_ref();
        let deleted = self.app.operations.delete(notebook, id).await;
        answer("DeleteNote", deleted.map(|()| DeleteNoteResponse {}))
    }
}

/// Turns the outcome of an operation into an answer, and counts it.
fn answer<T>(method: &'static str, outcome: Result<T, Failure>) -> Answer<T> {
    let answer = outcome.map(Response::new).map_err(|failure| {
        failure.log();
        Status::new(code(&failure), failure.to_string())
    });
    let code = answer.as_ref().err().map_or(Code::Ok, Status::code);
    let labels = [("method", method.to_owned()), ("code", format!("{code:?}"))];
    metrics::counter!("grpc_requests_total", &labels).increment(1);
    answer
}

/// Tells what gRPC calls a failure.
pub(super) fn code(failure: &Failure) -> Code {
    match failure.status() {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::UNPROCESSABLE_ENTITY => Code::InvalidArgument,
        StatusCode::CONFLICT => Code::Aborted,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::TOO_MANY_REQUESTS => Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        _ => Code::Internal,
    }
}

fn notebook(notebook: data::Notebook) -> v1::Notebook {
    let data::Notebook { id, title, created_at, digest } = notebook;
    v1::Notebook { id, title, created_at: Some(timestamp(created_at)), digest }
}

fn note(note: data::Note) -> v1::Note {
    v1::Note {
        id: note.id,
        notebook: note.notebook_id,
        body: note.body,
        created_at: Some(timestamp(note.created_at)),
        updated_at: Some(timestamp(note.updated_at)),
    }
}

fn timestamp(millis: i64) -> Timestamp {
    let nanos = i32::try_from(millis.rem_euclid(1000) * 1_000_000).unwrap_or_default();
    Timestamp { seconds: millis.div_euclid(1000), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_become_seconds_and_nanoseconds() {
        assert_eq!(timestamp(1_500), Timestamp { seconds: 1, nanos: 500_000_000 });
        assert_eq!(timestamp(-1), Timestamp { seconds: -1, nanos: 999_000_000 });
    }
}
