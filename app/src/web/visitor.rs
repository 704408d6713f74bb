//! Who is asking: a signed cookie names a session, and a token proves that a form is ours.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::{
    app::App,
    data::{HOME, SESSION_LIFETIME, SOME, Session},
};

const COOKIE: &str = "notes_session";
/// Who is asking.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    id: String,
}

/// Finds out who is asking, and gives a cookie to those who have none.
pub(super) async fn recognise(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Response {
    let jar = SignedCookieJar::from_headers(request.headers(), app.key.clone());
    let known = jar.get(COOKIE).map(|cookie| cookie.value().to_owned());
    let secure = came_over_https(request.headers());
    let visitor =
        Visitor { id: known.clone().unwrap_or_else(|| Uuid::new_v4().simple().to_string()) };
    request.extensions_mut().insert(visitor.clone());
    let response = next.run(request).await;
    if known.is_some() {
        return response;
    }
    app.visitors.count();
    (jar.add(cookie(visitor.id, secure)), response).into_response()
}

/// Tells whether the load balancer in front of us was spoken to over HTTPS.
pub(super) fn came_over_https(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|protocol| protocol == "https")
}

fn cookie(id: String, secure: bool) -> Cookie<'static> {
    Cookie::build((COOKIE, id))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(SESSION_LIFETIME.try_into().expect("some days fit"))
        .build()
}

impl Visitor {
    /// Makes the token that every form of this visitor carries.
    pub(super) fn token(&self, key: &Key) -> String {
        hex::encode(self.tag(key).finalize().into_bytes())
    }

    /// Checks a token in a time that does not tell how much of it was right.
    pub(super) fn owns(&self, token: &str, key: &Key) -> bool {
        hex::decode(token).is_ok_and(|bytes| self.tag(key).verify_slice(&bytes).is_ok())
    }

    fn tag(&self, key: &Key) -> Hmac<Sha256> {
        let mut tag = Hmac::<Sha256>::new_from_slice(key.signing())
            .expect("an HMAC takes a key of any length");
        tag.update(b"form ");
        tag.update(self.id.as_bytes());
        tag
    }

    /// Reads what is remembered of this visitor. A store that is away means nothing is: the page
    /// is worth more than the list beside it.
    pub(super) async fn session(&self, app: &App) -> Session {
        match app.shared.session(&self.id).await {
            Ok(session) => session.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "could not read a session");
                Session::default()
            }
        }
    }

    /// Remembers that this visitor opened a notebook.
    pub(super) async fn opened(&self, app: &App, notebook: &str) -> Session {
        let mut session = self.session(app).await;
        if notebook == HOME || session.notebooks.first().is_some_and(|first| first == notebook) {
            return session;
        }
        session.notebooks.retain(|known| known != notebook);
        session.notebooks.insert(0, notebook.to_owned());
        session.notebooks.truncate(SOME);
        if let Err(error) = app.shared.save_session(&self.id, &session).await {
            tracing::warn!(%error, "could not save a session");
        }
        session
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_visitor_and_key_only() {
        let (key, other_key) = (Key::generate(), Key::generate());
        let (ann, bob) = (Visitor { id: "ann".into() }, Visitor { id: "bob".into() });
        let token = ann.token(&key);
        assert!(ann.owns(&token, &key));
        assert!(!bob.owns(&token, &key));
        assert!(!ann.owns(&token, &other_key));
        for strange in ["", "0", "zz", "é", &token[2..]] {
            assert!(!ann.owns(strange, &key), "{strange}");
        }
    }
}
