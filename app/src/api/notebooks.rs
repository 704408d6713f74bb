//! Operations on notebooks.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse,
};

use super::{
    ROOT,
    documents::{NewNotebook, Notebook},
    problem::{Checked, Problem},
};
use crate::app::App;

/// Make a notebook
#[utoipa::path(
    post, path = "/notebooks", tag = "notebooks", request_body = NewNotebook,
    responses(
        (status = 201, description = "It was made", body = Notebook,
         headers(("location" = String, description = "Its address"))),
        (status = "4XX", description = "It was not made", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    Checked { 0: Json(new), .. }: Checked<Json<NewNotebook>>,
) -> Result<impl IntoResponse, Problem> {
    let notebook = app.operations.create_notebook(&new.title).await?;
    let location = format!("{ROOT}/notebooks/{}", notebook.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(Notebook::from(notebook))))
}

/// Read a notebook
#[utoipa::path(
    get, path = "/notebooks/{notebook}", tag = "notebooks",
    params(("notebook" = String, Path, description = "The id of the notebook")),
    responses(
        (status = 200, description = "The notebook", body = Notebook),
        (status = "4XX", description = "It was not found", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "Try again later", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(super) async fn read(
    State(app): State<App>,
    Checked { 0: Path(id), .. }: Checked<Path<String>>,
) -> Result<Json<Notebook>, Problem> {
    Ok(Json(app.operations.notebook(&id).await?.into()))
}
