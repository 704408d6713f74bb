//! The pages, and the forms that lead back to them.

use axum::{
    Extension, Router,
    extract::{Path, Query, State},
    middleware,
    response::{Html, Redirect},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    error::{self, PageError},
    form::OwnForm,
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
        .layer(middleware::from_fn_with_state(app.clone(), error::render))
        .layer(middleware::from_fn_with_state(app.clone(), visitor::recognise))
        .route("/visitors", get(visitors))
}

type Answer<T> = Result<T, PageError>;

#[derive(Debug, Default, Deserialize)]
struct Filter {
    q: Option<String>,
    before: Option<String>,
}

async fn nowhere() -> PageError {
    Failure::NotFound("page").into()
}

async fn visitors(State(app): State<App>) -> String {
    app.visitors.number().to_string()
}

async fn home(
    app: State<App>,
    visitor: Extension<Visitor>,
    filter: Query<Filter>,
) -> Answer<Html<String>> {
    open(app, visitor, Path(HOME.to_owned()), filter).await
}

async fn open(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
) -> Answer<Html<String>> {
    let notebook = app.operations.notebook(&id).await?;
    let search = filter.q.unwrap_or_default();
    let listing =
        Listing { search: Some(search.clone()), before: filter.before, ..Listing::default() };
    let page = app.operations.notes(&id, listing).await?;
    let others = others(&app, visitor.opened(&app, &id).await, &id).await?;
    let view = NotebookView {
        notebook: &notebook,
        page: &page,
        search: search.trim(),
        token: &visitor.token(&app.key),
        others: &others,
    };
    Ok(frame(&app, &notebook.title, &views::notebook(&view)))
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
    Path(notebook): Path<String>,
    form: OwnForm,
) -> Answer<Redirect> {
    app.operations.add(&notebook, form.field("body"), None).await?;
    Ok(Redirect::to(&address(&notebook)))
}

async fn edit(
    State(app): State<App>,
    Extension(visitor): Extension<Visitor>,
    Path((notebook, id)): Path<(String, String)>,
) -> Answer<Html<String>> {
    let note = app.operations.note(&notebook, &id).await?;
    Ok(frame(&app, "Edit a note", &views::editor(&note, &visitor.token(&app.key))))
}

async fn save(
    State(app): State<App>,
    Path((notebook, id)): Path<(String, String)>,
    form: OwnForm,
) -> Answer<Redirect> {
    app.operations.edit(&notebook, &id, form.field("body")).await?;
    Ok(Redirect::to(&address(&notebook)))
}

async fn delete(
    State(app): State<App>,
    Path((notebook, id)): Path<(String, String)>,
    _: OwnForm,
) -> Answer<Redirect> {
    app.operations.delete(&notebook, &id).await?;
    Ok(Redirect::to(&address(&notebook)))
}
