//! A form that was sent from one of our own pages.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};

use super::{error::PageError, visitor::Visitor};
use crate::{app::App, failure::Failure};

/// The name of the field that carries the token.
pub(super) const TOKEN: &str = "token";

/// The name of the field that tells which state of a note the editor showed.
pub(super) const SEEN: &str = "seen";

/// The fields of a form whose token is right. Taking this is the only way to read a form, so no
/// handler can forget the check.
pub(super) struct OwnForm(BTreeMap<String, String>);

impl OwnForm {
    /// Reads a field; one that was not sent is empty, which no checked text may be.
    pub(super) fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

impl FromRequest<App> for OwnForm {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        let visitor = request.extensions().get::<Visitor>().cloned();
        let bytes = Bytes::from_request(request, app)
            .await
            .map_err(|_| Failure::Invalid("the form is too long".into()))?;
        let fields: BTreeMap<String, String> =
            url::form_urlencoded::parse(&bytes).into_owned().collect();
        let token = fields.get(TOKEN).map_or("", String::as_str);
        if visitor.is_some_and(|visitor| visitor.owns(token, &app.key)) {
            return Ok(Self(fields));
        }
        Err(Failure::Forbidden("the form is out of date; please load the page again").into())
    }
}
