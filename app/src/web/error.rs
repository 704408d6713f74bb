//! A failed request as a page.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use maud::html;

use super::frame::frame;
use crate::{
    app::App,
    failure::{Failure, RETRY_AFTER},
};

/// A failure that a person reads in a browser.
#[derive(Debug)]
pub(super) struct PageError(Failure);

/// What is to be shown, on its way to [`render`], which knows the frame.
#[derive(Debug, Clone)]
struct Message(String);

impl<E: Into<Failure>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        self.0.log();
        let mut response = self.0.status().into_response();
        if self.0.status() == StatusCode::SERVICE_UNAVAILABLE {
            let wait = HeaderValue::from_static(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response.extensions_mut().insert(Message(self.0.to_string()));
        response
    }
}

/// Puts the message of a failed request into the frame of a page.
pub(super) async fn render(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(Message(text)) = response.extensions_mut().remove::<Message>() else {
        return response;
    };
    let title = response.status().canonical_reason().unwrap_or("Error");
    let content = html! {
        h1 { (title) }
        p { "Sorry: " (text) "." }
        p { a href="/" { "To the notes" } }
    };
    let mut page = (response.status(), frame(&app, title, &content)).into_response();
    if let Some(wait) = response.headers_mut().remove(header::RETRY_AFTER) {
        page.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    page
}
