//! What surrounds every request: an id, a log line, limits.

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next, map_request},
    response::Response,
};
use tower::ServiceBuilder;
use tower_http::{
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::{DefaultOnResponse, TraceLayer},
};
use tracing::{Level, Span};

use super::{headers, limit::limit};
use crate::{app::App, metrics};

const LARGEST_BODY: usize = 64 * 1024;
const LONGEST: Duration = Duration::from_secs(10);
const REQUEST_ID: &str = "x-request-id";
const LONGEST_ID: usize = 128;

/// Wraps the routes.
pub(super) fn surround(routes: Router<App>, app: App) -> Router<App> {
    let trace = TraceLayer::new_for_http()
        .make_span_with(span)
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    routes.layer(DefaultBodyLimit::max(LARGEST_BODY)).layer(
        ServiceBuilder::new()
            .layer(map_request(async |request: Request| keep_fine_id(request)))
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(middleware::from_fn(metrics::measure))
            .layer(middleware::from_fn(headers::protect))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(middleware::from_fn_with_state(app.clone(), say_goodbye))
            .layer(middleware::from_fn_with_state(app, limit))
            // What is refused for want of room is counted and not logged.
            .layer(trace)
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST)),
    )
}

/// Takes an id off a request unless it is a short word: it goes into every line of the log.
pub(crate) fn keep_fine_id<B>(mut request: Request<B>) -> Request<B> {
    let fine = |id: &HeaderValue| {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.=;:+/".contains(byte);
        (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(word)
    };
    if !request.headers().get(REQUEST_ID).is_some_and(fine) {
        request.headers_mut().remove(REQUEST_ID);
    }
    request
}

/// Opens the span of a request. The query is left out: it holds what people search for.
pub(crate) fn span<B>(request: &Request<B>) -> Span {
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
