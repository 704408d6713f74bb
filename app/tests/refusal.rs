//! What is told when the data refuses: enough for the log, nothing of the database for the asker.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    body::Body as HttpBody,
    http::{Request, StatusCode},
};
use axum_extra::extract::cookie::Key;
use http_body_util::BodyExt;
use notes::{
    app::{About, App},
    data::{
        Added, Body, Claim, DataError, IdempotencyKey, Note, Notebook, Page, PageRequest,
        Repository, Session, Shared, Title,
    },
    web,
};
use tower::ServiceExt;

const REASON: &str = "relation \"notes\" of 10.0.0.7 is corrupt";

/// A store that refuses everything.
struct Refusing;

fn refused<T>() -> Result<T, DataError> {
    Err(DataError::Refused(REASON.into()))
}

#[async_trait]
impl Repository for Refusing {
    async fn migrate(&self) -> Result<(), DataError> {
        refused()
    }
    async fn ready(&self) -> Result<(), DataError> {
        refused()
    }
    async fn create_notebook(&self, _: &Title) -> Result<Notebook, DataError> {
        refused()
    }
    async fn notebook(&self, _: &str) -> Result<Option<Notebook>, DataError> {
        refused()
    }
    async fn notebooks(&self, _: &[String]) -> Result<Vec<Notebook>, DataError> {
        refused()
    }
    async fn notes(&self, _: &str, _: &PageRequest) -> Result<Page, DataError> {
        refused()
    }
    async fn note(&self, _: &str, _: &str) -> Result<Option<Note>, DataError> {
        refused()
    }
    async fn add_note(
        &self,
        _: &str,
        _: &Body,
        _: Option<&IdempotencyKey>,
    ) -> Result<Added, DataError> {
        refused()
    }
    async fn edit_note(
        &self,
        _: &str,
        _: &str,
        _: &Body,
        _: Option<i64>,
    ) -> Result<bool, DataError> {
        refused()
    }
    async fn delete_note(&self, _: &str, _: &str) -> Result<bool, DataError> {
        refused()
    }
    async fn save_digest(&self, _: &str, _: &str) -> Result<(), DataError> {
        refused()
    }
    async fn forget_notes(&self, _: i64) -> Result<u64, DataError> {
        refused()
    }
    async fn close(&self) {}
}

#[async_trait]
impl Shared for Refusing {
    async fn reachable(&self) -> Result<(), DataError> {
        refused()
    }
    async fn session(&self, _: &str) -> Result<Option<Session>, DataError> {
        refused()
    }
    async fn save_session(&self, _: &str, _: &Session) -> Result<(), DataError> {
        refused()
    }
    async fn forget_sessions(&self) -> Result<u64, DataError> {
        refused()
    }
    async fn add_visitors(&self, _: i64) -> Result<i64, DataError> {
        refused()
    }
    async fn push(&self, _: &str) -> Result<(), DataError> {
        refused()
    }
    async fn claim(&self, _: Duration) -> Result<Option<Claim>, DataError> {
        refused()
    }
    async fn finish(&self, _: &Claim) -> Result<(), DataError> {
        refused()
    }
    async fn jobs(&self) -> Result<i64, DataError> {
        refused()
    }
}

async fn ask(path: &str) -> (StatusCode, String) {
    let about = About { version: "0", image: None };
    let app = App::new(Arc::new(Refusing), Arc::new(Refusing), Key::generate(), about);
    let request = Request::get(path).body(HttpBody::empty()).unwrap();
    let answer = web::routes(app).oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_refusal_of_the_database_is_a_500_that_does_not_repeat_it() {
    for path in ["/", "/api/v1/notebooks/home", "/api/v1/notebooks/home/notes"] {
        let (status, body) = ask(path).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(body.contains("it has been logged"), "{path}: {body}");
        assert!(!body.contains("corrupt") && !body.contains("10.0.0.7"), "{path}: {body}");
    }
}

#[tokio::test]
async fn what_needs_no_data_works_without_it() {
    for path in ["/healthz", "/metrics", "/visitors", "/api/v1/openapi.json", "/api/v1/docs"] {
        assert_eq!(ask(path).await.0, StatusCode::OK, "{path}");
    }
    let (status, body) = ask("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!body.contains("corrupt"), "{body}");
}
