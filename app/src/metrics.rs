//! `/metrics`, in the words of Prometheus, on a port of its own: what a load balancer leads to is
//! for everybody, and this is not.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tower_http::timeout::TimeoutLayer;

use crate::{app::App, build};

/// Upper bounds in seconds: from a request that touches nothing to one that hits the time limit.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];
const DURATION: &str = "http_request_duration_seconds";

/// How long the store may take to count jobs.
const LONGEST: Duration = Duration::from_secs(10);

/// Serves what was measured, and nothing else.
pub fn routes(app: App) -> Router {
    Router::new()
        .route("/metrics", get(show))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST))
        .with_state(app)
}

/// Starts to measure; one recorder serves the whole process.
pub fn start() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(DURATION.into()), &BUCKETS)
            .ok()?;
        let handle = builder.install_recorder().ok()?;
        metrics::describe_counter!("http_requests_total", "HTTP requests answered");
        metrics::describe_histogram!(DURATION, "Time to answer an HTTP request");
        metrics::describe_counter!("notes_jobs_total", "Jobs by outcome");
        metrics::describe_gauge!("notes_jobs_waiting", "Jobs that wait or run");
        metrics::describe_gauge!("notes_visitors", "Visitors, over all instances");
        metrics::gauge!("notes_build_info", "version" => build::VERSION).set(1.0);
        Some(handle)
    });
    handle.as_ref()
}

/// Measures each request under its route, never its address: addresses have no end.
pub async fn measure(request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = known(request.method()).to_owned();
    let route =
        request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let labels =
        [("method", method), ("route", route), ("status", response.status().as_str().to_owned())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!(DURATION, &labels[..2]).record(begin.elapsed().as_secs_f64());
    response
}

/// Names a method; those that clients make up are one.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::OPTIONS
        | Method::PATCH => method.as_str(),
        _ => "other",
    }
}

async fn show(State(app): State<App>) -> Response {
    let Some(handle) = start() else { return String::new().into_response() };
    #[expect(clippy::cast_precision_loss, reason = "no one counts visitors beyond 2^52")]
    metrics::gauge!("notes_visitors").set(app.visitors.number() as f64);
    if let Ok(jobs) = app.shared.jobs().await {
        #[expect(clippy::cast_precision_loss, reason = "no one queues 2^52 jobs")]
        metrics::gauge!("notes_jobs_waiting").set(jobs as f64);
    }
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}
