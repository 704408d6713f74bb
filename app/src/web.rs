//! The web server: pages, health, and what surrounds every request.

mod error;
mod pages;
mod requests;

use axum::Router;

use crate::{app::App, health};

/// Puts all routes together.
pub fn routes(app: App) -> Router {
    let routes = Router::new().merge(pages::routes()).merge(health::routes());
    requests::surround(routes.fallback(pages::nowhere), app.clone()).with_state(app)
}
