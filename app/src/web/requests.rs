//! What surrounds every request: an id, a log line, limits.

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
};
use tower::ServiceBuilder;
use tower_http::{
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::{DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};

use super::headers;
use crate::{app::App, metrics};

const LARGEST_BODY: usize = 64 * 1024;
const LONGEST: Duration = Duration::from_secs(10);
const REQUEST_ID: &str = "x-request-id";

/// Wraps the routes.
pub(super) fn surround(routes: Router<App>, app: App) -> Router<App> {
    let trace = TraceLayer::new_for_http()
        .make_span_with(span)
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    routes.layer(DefaultBodyLimit::max(LARGEST_BODY)).layer(
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(trace)
            .layer(middleware::from_fn(metrics::measure))
            .layer(middleware::from_fn(headers::protect))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST))
            .layer(middleware::from_fn_with_state(app, say_goodbye)),
    )
}

/// Opens the span of a request. The query is left out: it holds what people search for.
fn span(request: &Request) -> Span {
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info_span!(
        "request",
        id,
        method = %request.method(),
        path = request.uri().path(),
    )
}

/// While the process drains, asks each client to open its next connection elsewhere.
async fn say_goodbye(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if app.is_draining() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
