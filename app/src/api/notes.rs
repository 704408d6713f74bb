//! Operations on notes.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    ROOT,
    documents::{ListQuery, NewNote, Note, NotePage},
    problem::{Checked, Problem},
};
use crate::{app::App, operations::Listing};

const KEY: &str = "idempotency-key";

/// List notes
///
/// Newest first, in pages: `next` of one page is `before` of the following one.
#[utoipa::path(
    get, path = "/notebooks/{notebook}/notes", tag = "notes",
    params(("notebook" = String, Path, description = "The id of the notebook"), ListQuery),
    responses(
        (status = 200, description = "Some notes", body = NotePage),
        (status = "4XX", description = "None could be listed", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Checked { 0: Path(notebook), .. }: Checked<Path<String>>,
    Checked { 0: Query(query), .. }: Checked<Query<ListQuery>>,
) -> Result<Json<NotePage>, Problem> {
    let ListQuery { search, before, limit } = query;
    Ok(Json(app.operations.notes(&notebook, Listing { search, before, limit }).await?.into()))
}

/// Add a note
///
/// With an `Idempotency-Key`, sending the request again adds nothing and answers 200 with the note
/// of the first time.
#[utoipa::path(
    post, path = "/notebooks/{notebook}/notes", tag = "notes", request_body = NewNote,
    params(
        ("notebook" = String, Path, description = "The id of the notebook"),
        ("Idempotency-Key" = Option<String>, Header, description = "A name for this attempt",
         min_length = 1, max_length = 100, pattern = "^[!-~]+$"),
    ),
    responses(
        (status = 201, description = "It was added", body = Note,
         headers(("location" = String, description = "Its address"))),
        (status = 200, description = "It had been added before", body = Note),
        (status = "4XX", description = "It was not added", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn add(
    State(app): State<App>,
    Checked { 0: Path(notebook), .. }: Checked<Path<String>>,
    headers: HeaderMap,
    Checked { 0: Json(new), .. }: Checked<Json<NewNote>>,
) -> Result<Response, Problem> {
    let key = headers.get(KEY).map(|key| String::from_utf8_lossy(key.as_bytes()));
    let (note, new) = app.operations.add(&notebook, &new.body, key.as_deref()).await?;
    let location = format!("{ROOT}/notebooks/{notebook}/notes/{}", note.id);
    let note = Json(Note::from(note));
    Ok(if new {
        (StatusCode::CREATED, [(header::LOCATION, location)], note).into_response()
    } else {
        note.into_response()
    })
}

/// Read a note
#[utoipa::path(
    get, path = "/notebooks/{notebook}/notes/{note}", tag = "notes",
    params(
        ("notebook" = String, Path, description = "The id of the notebook"),
        ("note" = String, Path, description = "The id of the note"),
    ),
    responses(
        (status = 200, description = "The note", body = Note),
        (status = "4XX", description = "It was not found", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn read(
    State(app): State<App>,
    Checked { 0: Path((notebook, id)), .. }: Checked<Path<(String, String)>>,
) -> Result<Json<Note>, Problem> {
    Ok(Json(app.operations.note(&notebook, &id).await?.into()))
}

/// Change a note
#[utoipa::path(
    put, path = "/notebooks/{notebook}/notes/{note}", tag = "notes", request_body = NewNote,
    params(
        ("notebook" = String, Path, description = "The id of the notebook"),
        ("note" = String, Path, description = "The id of the note"),
    ),
    responses(
        (status = 200, description = "The note as it is now", body = Note),
        (status = "4XX", description = "It was not changed", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn edit(
    State(app): State<App>,
    Checked { 0: Path((notebook, id)), .. }: Checked<Path<(String, String)>>,
    Checked { 0: Json(new), .. }: Checked<Json<NewNote>>,
) -> Result<Json<Note>, Problem> {
    Ok(Json(app.operations.edit(&notebook, &id, &new.body, None).await?.into()))
}

/// Delete a note
#[utoipa::path(
    delete, path = "/notebooks/{notebook}/notes/{note}", tag = "notes",
    params(
        ("notebook" = String, Path, description = "The id of the notebook"),
        ("note" = String, Path, description = "The id of the note"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = "4XX", description = "It was not deleted", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn delete(
    State(app): State<App>,
    Checked { 0: Path((notebook, id)), .. }: Checked<Path<(String, String)>>,
) -> Result<StatusCode, Problem> {
    app.operations.delete(&notebook, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
