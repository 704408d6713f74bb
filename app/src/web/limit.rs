//! Lets in no more requests than there is room for.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::error;
use crate::{api, app::App, failure::Failure, health};

/// Serves the request if there is a place for it, and otherwise says when to come back, at once.
pub(super) async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.limits.admit(&request, &health::PATHS) {
        Ok(place) => {
            let response = next.run(request).await;
            drop(place);
            response
        }
        Err(failure) => refuse(&app, request.uri().path(), failure),
    }
}

fn refuse(app: &App, path: &str, failure: Failure) -> Response {
    let wait = failure.retry_after();
    let mut response = if path.starts_with("/api/") {
        api::problem(failure).into_response()
    } else {
        error::page(app, failure.status(), &failure.to_string()).into_response()
    };
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
