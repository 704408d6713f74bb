//! The JSON API under `/api/v1`, described by an OpenAPI document made from this code.

mod browse;
mod documents;
mod notebooks;
mod notes;
mod problem;

use std::sync::LazyLock;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, Uri},
    response::{Html, IntoResponse},
    routing::{any, get},
};
use maud::Markup;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::problem::Problem;
use crate::{app::App, failure::Failure, web::frame};

/// Where the API is.
pub const ROOT: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Notes",
        description = "Short notes in notebooks, shared by link. Whoever knows the id of a \
                       notebook can read and write it. The notebook `home` is everyone's.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/api/v1")),
    tags(
        (name = "notebooks", description = "Some notes under one title"),
        (name = "notes", description = "Short texts, newest first"),
    )
)]
struct Description;

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(|| operations().1);

static CONTENT: LazyLock<Markup> = LazyLock::new(|| browse::content(&DOCUMENT));

/// Serves the API, its description, and a page to browse it.
pub fn routes() -> Router<App> {
    let api = operations()
        .0
        .route("/openapi.json", get(|| async { Json(&*DOCUMENT) }))
        .route("/docs", get(docs))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_such_method);
    // The rest of `/api` is for programs too.
    Router::new().nest(ROOT, api).route("/api/{*rest}", any(nowhere))
}

async fn docs(State(app): State<App>) -> Html<String> {
    frame(&app, "API", &CONTENT)
}

fn operations() -> (Router<App>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(notebooks::create))
        .routes(routes!(notebooks::read))
        .routes(routes!(notes::list, notes::add))
        .routes(routes!(notes::read, notes::edit, notes::delete))
        .split_for_parts()
}

/// Tells of a failure that came before any operation.
pub(crate) fn problem(failure: Failure) -> impl IntoResponse {
    Problem::from(failure)
}

async fn nowhere(_: Uri) -> Problem {
    Problem::from(Failure::NotFound("address"))
}

async fn no_such_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method")
}
