//! `/healthz` says that the process is alive, `/readyz` that it can serve.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::app::App;

/// Both addresses.
pub const PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// Serves both addresses.
pub fn routes() -> Router<App> {
    let [alive, readiness] = PATHS;
    Router::new().route(alive, get(|| async { "alive\n" })).route(readiness, get(ready))
}

async fn ready(State(app): State<App>) -> Response {
    if app.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    if app.is_ready().await {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the database is not ready\n").into_response()
}
