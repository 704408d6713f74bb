//! The web server: pages, health, and what surrounds every request.

mod assets;
mod error;
mod form;
mod frame;
mod headers;
mod limit;
mod pages;
mod requests;
mod views;
mod visitor;

use axum::Router;

pub(crate) use self::{
    frame::frame,
    requests::{keep_fine_id, span},
};
use crate::{api, app::App, health};

/// Puts all routes together.
pub fn routes(app: App) -> Router {
    let routes = Router::new()
        .merge(pages::routes(&app))
        .merge(api::routes())
        .merge(assets::routes())
        .merge(health::routes());
    requests::surround(routes, app.clone()).with_state(app)
}
