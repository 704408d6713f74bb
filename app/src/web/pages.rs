//! The pages, and the forms that lead back to them.

use axum::{
    Extension, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    middleware,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    error::{self, Checked, PageError},
    form::{OwnForm, SEEN},
    frame::frame,
    views::{self, NotebookView, address},
    visitor::{self, Visitor},
};
use crate::{
    app::App,
    data::{HOME, Notebook, Session},
    failure::Failure,
    operations::Listing,
};

/// Serves the pages.
pub(super) fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/notebooks", post(create))
        .route("/notebooks/{notebook}", get(open))
        .route("/notebooks/{notebook}/notes", post(add))
        .route("/notebooks/{notebook}/notes/{note}", post(save))
        .route("/notebooks/{notebook}/notes/{note}/edit", get(edit))
        .route("/notebooks/{notebook}/notes/{note}/delete", post(delete))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(app.clone(), error::render))
        .layer(middleware::from_fn_with_state(app.clone(), visitor::recognise))
        .route("/visitors", get(visitors))
}

const EDIT: &str = "Edit a note";

type Answer<T> = Result<T, PageError>;

#[derive(Debug, Default, Deserialize)]
struct Filter {
    q: Option<String>,
    before: Option<String>,
}

async fn nowhere() -> PageError {
    Failure::NotFound("page").into()
}

async fn no_such_method() -> PageError {
    PageError::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method")
}

async fn visitors(State(app): State<App>) -> String {
    app.visitors.number().to_string()
}

async fn home(
    app: State<App>,
    visitor: Extension<Visitor>,
    Checked { 0: Query(filter), .. }: Checked<Query<Filter>>,
) -> Answer<Html<String>> {
    show(&app, &visitor, HOME, filter).await
}

async fn open(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Checked { 0: Path(id), .. }: Checked<Path<String>>,
    Checked { 0: Query(filter), .. }: Checked<Query<Filter>>,
) -> Answer<Html<String>> {
    show(&app, &visitor, &id, filter).await
}

async fn show(app: &App, visitor: &Visitor, id: &str, filter: Filter) -> Answer<Html<String>> {
    let notebook = app.operations.notebook(id).await?;
    let search = filter.q.unwrap_or_default();
    let listing =
        Listing { search: Some(search.clone()), before: filter.before, ..Listing::default() };
    let page = app.operations.notes(id, listing).await?;
    let others = others(app, visitor.opened(app, id).await, id).await?;
    let view = NotebookView {
        notebook: &notebook,
        page: &page,
        search: search.trim(),
        token: &visitor.token(&app.key),
        others: &others,
    };
    Ok(frame(app, &notebook.title, &views::notebook(&view)))
}

/// Finds the notebooks of a session in its order, leaving out the open one and those that are gone.
async fn others(app: &App, session: Session, open: &str) -> Answer<Vec<Notebook>> {
    let mut ids = session.notebooks;
    ids.retain(|id| id != open);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut notebooks = app.repository.notebooks(&ids).await?;
    notebooks.sort_by_key(|notebook| ids.iter().position(|id| *id == notebook.id));
    Ok(notebooks)
}

async fn create(State(app): State<App>, form: OwnForm) -> Answer<Redirect> {
    let notebook = app.operations.create_notebook(form.field("title")).await?;
    Ok(Redirect::to(&address(&notebook.id)))
}

async fn add(
    State(app): State<App>,
    Checked { 0: Path(notebook), .. }: Checked<Path<String>>,
    form: OwnForm,
) -> Answer<Redirect> {
    app.operations.add(&notebook, form.field("body"), None).await?;
    Ok(Redirect::to(&address(&notebook)))
}

async fn edit(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Checked { 0: Path((notebook, id)), .. }: Checked<Path<(String, String)>>,
) -> Answer<Html<String>> {
    let note = app.operations.note(&notebook, &id).await?;
    let token = visitor.token(&app.key);
    Ok(frame(&app, EDIT, &views::editor(&note, &note.body, None, &token)))
}

/// Saves a note, unless it is no longer the one that was shown: then both texts are.
async fn save(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Checked { 0: Path((notebook, id)), .. }: Checked<Path<(String, String)>>,
    form: OwnForm,
) -> Answer<Response> {
    let (body, seen) = (form.field("body"), form.field(SEEN).parse().ok());
    match app.operations.edit(&notebook, &id, body, seen).await {
        Ok(_) => Ok(Redirect::to(&address(&notebook)).into_response()),
        Err(Failure::Conflict(problem)) => {
            let note = app.operations.note(&notebook, &id).await?;
            let token = visitor.token(&app.key);
            let editor = views::editor(&note, body, Some(problem), &token);
            Ok((StatusCode::CONFLICT, frame(&app, EDIT, &editor)).into_response())
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn delete(
    State(app): State<App>,
    Checked { 0: Path((notebook, id)), .. }: Checked<Path<(String, String)>>,
    _: OwnForm,
) -> Answer<Redirect> {
    app.operations.delete(&notebook, &id).await?;
    Ok(Redirect::to(&address(&notebook)))
}
