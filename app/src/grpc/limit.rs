//! Lets in no more calls than there is room for.

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tonic::Status;

use super::service::code;
use crate::{app::App, failure::Failure};

/// What a load balancer asks.
const HEALTH: [&str; 1] = ["/grpc.health.v1.Health/Check"];

/// Serves the call if there is a place for it, and otherwise refuses it at once.
pub(super) async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.limits.admit(&request, &HEALTH) {
        Ok(place) => {
            let response = next.run(request).await;
            drop(place);
            response
        }
        Err(failure) => refuse(&failure),
    }
}

fn refuse(failure: &Failure) -> Response {
    let code = code(failure);
    // Not the name of the method: before it is found, it is whatever the client says.
    let labels = [("method", "none".to_owned()), ("code", format!("{code:?}"))];
    metrics::counter!("grpc_requests_total", &labels).increment(1);
    Status::new(code, failure.to_string()).into_http::<Body>()
}
