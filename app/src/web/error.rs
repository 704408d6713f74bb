//! A failed request as a page.

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use maud::html;

use crate::failure::{Failure, RETRY_AFTER};

/// A failure that a person reads in a browser.
#[derive(Debug)]
pub(super) struct PageError(pub(super) Failure);

impl<E: Into<Failure>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        self.0.log();
        let status = self.0.status();
        let page =
            html! { h1 { (status) } p { (self.0) } p { a href="/" { "Back to the notes" } } };
        let mut response = (status, Html(page.into_string())).into_response();
        if matches!(self.0, Failure::Unavailable(_)) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        response
    }
}
