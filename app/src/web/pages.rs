//! The pages.

use axum::{
    Form, Router,
    extract::{Path, State},
    response::{Html, Redirect},
    routing::{get, post},
};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::error::PageError;
use crate::{
    app::App,
    clock,
    data::{Added, Body, HOME, PageRequest},
    failure::Failure,
};

const PER_PAGE: u16 = 20;

/// Serves the pages.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(home)).route("/notebooks/{notebook}/notes", post(add))
}

/// Answers for every address that does not exist.
pub(super) async fn nowhere() -> PageError {
    PageError(Failure::NotFound("page"))
}

async fn home(State(app): State<App>) -> Result<Html<String>, PageError> {
    let request = PageRequest { search: None, before: None, limit: PER_PAGE };
    let page = app.repository.notes(HOME, &request).await?;
    Ok(frame(
        &app,
        &html! {
            form method="post" action={ "/notebooks/" (HOME) "/notes" } {
                label for="body" { "A new note" }
                textarea id="body" name="body" required maxlength="2000" rows="3" {}
                button { "Add" }
            }
            ul {
                @for note in &page.notes {
                    li { p { (note.body) } time datetime=(clock::rfc3339(note.created_at)) { (clock::readable(note.created_at)) } }
                }
            }
        },
    ))
}

#[derive(Deserialize)]
struct NewNote {
    body: String,
}

async fn add(
    State(app): State<App>,
    Path(notebook): Path<String>,
    Form(new): Form<NewNote>,
) -> Result<Redirect, PageError> {
    let body = Body::parse(&new.body)?;
    match app.repository.add_note(&notebook, &body, None).await? {
        Added::NoNotebook => Err(PageError(Failure::NotFound("notebook"))),
        Added::New(_) | Added::Before(_) => Ok(Redirect::to("/")),
    }
}

fn frame(app: &App, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Notes" }
            }
            body {
                header { h1 { "Notes" } }
                main { (content) }
                footer { "notes " (app.about.version) }
            }
        }
    };
    Html(page.into_string())
}
