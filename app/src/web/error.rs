//! A failed request as a page.

use axum::{
    extract::{
        Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use axum_extra::extract::WithRejection;
use maud::html;

use super::frame::frame;
use crate::{app::App, data::DataError, failure::Failure};

/// A failure that a person reads in a browser.
#[derive(Debug)]
pub(super) struct PageError {
    status: StatusCode,
    text: String,
}

/// An extractor whose rejections are pages too.
pub(super) type Checked<E> = WithRejection<E, PageError>;

/// What is to be shown, on its way to [`render`], which knows the frame.
#[derive(Debug, Clone)]
struct Message(String);

impl PageError {
    /// Makes a failure of a status and a text.
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }
}

impl From<Failure> for PageError {
    fn from(failure: Failure) -> Self {
        failure.log();
        Self::new(failure.status(), failure.to_string())
    }
}

impl From<DataError> for PageError {
    fn from(error: DataError) -> Self {
        Failure::from(error).into()
    }
}

impl From<PathRejection> for PageError {
    fn from(_: PathRejection) -> Self {
        Failure::NotFound("page").into()
    }
}

impl From<QueryRejection> for PageError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "this address cannot be understood")
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Message(self.text));
        response
    }
}

/// Makes the page that tells of a failure.
pub(super) fn page(app: &App, status: StatusCode, text: &str) -> (StatusCode, Html<String>) {
    let title = status.canonical_reason().unwrap_or("Error");
    let content = html! {
        h1 { (title) }
        p { "Sorry: " (text) "." }
        p { a href="/" { "To the notes" } }
    };
    (status, frame(app, title, &content))
}

/// Puts the message of a failed request into the frame of a page.
pub(super) async fn render(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(Message(text)) = response.extensions_mut().remove::<Message>() else {
        return response;
    };
    let mut page = page(&app, response.status(), &text).into_response();
    // A wrong method is answered with the right ones.
    if let Some(allowed) = response.headers_mut().remove(header::ALLOW) {
        page.headers_mut().insert(header::ALLOW, allowed);
    }
    page
}
