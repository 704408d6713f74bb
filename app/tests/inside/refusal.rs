//! What is told when the data refuses: enough for the log, nothing of the database for the asker.

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
};
use http_body_util::BodyExt;
use notes::{
    metrics,
    settings::{Environment, Settings},
    web,
};
use tower::ServiceExt;

use crate::store::{self, REASON, Store};

async fn answer(request: Request<Body>) -> Response<Body> {
    let settings = Settings::from_environment(&Environment::new()).unwrap();
    web::routes(store::app(Store::Refuses, &settings.limits)).oneshot(request).await.unwrap()
}

async fn ask(path: &str) -> (StatusCode, String) {
    read(answer(Request::get(path).body(Body::empty()).unwrap()).await).await
}

async fn read(answer: Response<Body>) -> (StatusCode, String) {
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_refusal_of_the_database_is_a_500_that_does_not_repeat_it() {
    assert!(REASON.contains("corrupt") && REASON.contains("10.0.0.7"));
    for path in ["/", "/api/v1/notebooks/home", "/api/v1/notebooks/home/notes"] {
        let (status, body) = ask(path).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(body.contains("it has been logged"), "{path}: {body}");
        assert!(!body.contains("corrupt") && !body.contains("10.0.0.7"), "{path}: {body}");
    }
}

#[tokio::test]
async fn what_needs_no_data_works_without_it() {
    for path in ["/healthz", "/visitors", "/api/v1/openapi.json", "/api/v1/docs"] {
        assert_eq!(ask(path).await.0, StatusCode::OK, "{path}");
    }
    let (status, body) = ask("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!body.contains("corrupt"), "{body}");
}

#[tokio::test]
async fn metrics_need_no_data_and_are_not_among_the_pages() {
    assert_eq!(ask("/metrics").await.0, StatusCode::NOT_FOUND);
    let settings = Settings::from_environment(&Environment::new()).unwrap();
    let metrics: Router = metrics::routes(store::app(Store::Refuses, &settings.limits));
    for (path, status) in [
        ("/metrics", StatusCode::OK),
        ("/", StatusCode::NOT_FOUND),
        ("/healthz", StatusCode::NOT_FOUND),
        ("/api/v1/notebooks/home", StatusCode::NOT_FOUND),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(metrics.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
}

#[tokio::test]
async fn browsers_are_told_to_stay_with_https_where_they_came_by_it() {
    let told = async |path: &str, protocol: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(protocol) = protocol {
            request = request.header("x-forwarded-proto", protocol);
        }
        let answer = answer(request.body(Body::empty()).unwrap()).await;
        answer.headers().get("strict-transport-security").cloned()
    };
    for path in ["/", "/nowhere", "/healthz", "/api/v1/openapi.json"] {
        assert_eq!(told(path, Some("https")).await.unwrap(), "max-age=31536000", "{path}");
        for protocol in [None, Some("http"), Some("")] {
            assert_eq!(told(path, protocol).await, None, "{path} {protocol:?}");
        }
    }
}
