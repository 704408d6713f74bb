//! How much may be asked for, and how long anything may take, on a clock that does not wait, but for
//! the rate, which is counted by the real one.

use std::{future::pending, net::IpAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, request::Builder},
    response::Response,
};
use futures_util::stream;
use http_body_util::BodyExt;
use notes::{
    grpc,
    listener::{Listener, Peer},
    settings::{Environment, LimitSettings, Settings},
    web,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::{JoinHandle, yield_now},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::store::{self, Store};

const HOME: &str = "/api/v1/notebooks/home";

fn limits(variables: &[(&str, &str)]) -> LimitSettings {
    let environment: Environment =
        variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Settings::from_environment(&environment).unwrap().limits
}

/// Begins a request that comes from an address.
fn from(address: &str, path: &str) -> Builder {
    let address: IpAddr = address.parse().unwrap();
    Request::get(path).extension(Peer { address, crowded: false })
}

async fn ask(routes: &Router, request: Builder) -> Response {
    routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(answer: Response) -> String {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn wait(answer: &Response) -> Option<u32> {
    answer.headers().get("retry-after")?.to_str().ok()?.parse().ok()
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let routes = web::routes(store::app(Store::Refuses, &limits(&[("RATE_LIMIT", "1")])));
    let first = ask(&routes, from("192.0.2.1", HOME)).await;
    assert_eq!(first.status(), StatusCode::INTERNAL_SERVER_ERROR, "the store was asked");
    let second = ask(&routes, from("192.0.2.1", HOME)).await;
    assert_eq!((second.status(), wait(&second)), (StatusCode::TOO_MANY_REQUESTS, Some(1)));
    assert_eq!(second.headers()["content-type"], "application/problem+json");
    assert!(second.headers().contains_key("x-request-id"));
    assert!(text(second).await.contains("\"status\":429"));
    let page = ask(&routes, from("192.0.2.1", "/")).await;
    assert_eq!((page.status(), wait(&page)), (StatusCode::TOO_MANY_REQUESTS, Some(1)));
    assert!(text(page).await.contains("more often than one may"));
    let other = ask(&routes, from("192.0.2.2", "/")).await;
    assert_eq!(other.status(), StatusCode::INTERNAL_SERVER_ERROR, "another client may ask");
}

/// Counts which of some requests from one peer were let in.
async fn let_in(proxies: &str, headers: &[&str]) -> usize {
    let limits = limits(&[("RATE_LIMIT", "1"), ("TRUSTED_PROXIES", proxies)]);
    let routes = web::routes(store::app(Store::Refuses, &limits));
    let mut number = 0;
    for header in headers {
        let request = from("10.20.0.9", HOME).header("x-forwarded-for", *header);
        let answer = ask(&routes, request).await;
        number += usize::from(answer.status() != StatusCode::TOO_MANY_REQUESTS);
    }
    number
}

#[tokio::test]
async fn the_header_that_a_client_writes_is_no_way_round_the_limit() {
    assert_eq!(let_in("0", &["203.0.113.1", "203.0.113.2"]).await, 1);
    let (one, two) = ("203.0.113.1, 198.51.100.7", "203.0.113.2, 198.51.100.7");
    assert_eq!(let_in("1", &[one, two, "198.51.100.7"]).await, 1);
    assert_eq!(let_in("1", &["198.51.100.7", "198.51.100.8"]).await, 2, "those are two clients");
    assert_eq!(let_in("1", &["2001:db8::1", "2001:db8::2"]).await, 1, "that is one network");
}

#[tokio::test]
async fn health_is_never_limited_for_the_one_who_asks_on_his_own_account() {
    let limits = limits(&[("RATE_LIMIT", "1"), ("MAX_REQUESTS", "1"), ("TRUSTED_PROXIES", "1")]);
    let routes = web::routes(store::app(Store::Refuses, &limits));
    for _ in 0..20 {
        assert_eq!(ask(&routes, from("10.20.0.9", "/healthz")).await.status(), StatusCode::OK);
        let ready = ask(&routes, from("10.20.0.9", "/readyz")).await;
        assert!(text(ready).await.contains("the database is not ready"));
    }
    let forwarded = || from("10.20.0.9", "/healthz").header("x-forwarded-for", "198.51.100.7");
    assert_eq!(ask(&routes, forwarded()).await.status(), StatusCode::OK);
    assert_eq!(ask(&routes, forwarded()).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn limits_can_be_turned_off() {
    let none = limits(&[("RATE_LIMIT", "0"), ("MAX_REQUESTS", "0")]);
    let routes = web::routes(store::app(Store::Refuses, &none));
    for _ in 0..1000 {
        let answer = ask(&routes, from("192.0.2.1", HOME)).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}

fn begin(routes: &Router, address: &str) -> JoinHandle<Response> {
    let (routes, request) = (routes.clone(), from(address, HOME));
    tokio::spawn(async move { ask(&routes, request).await })
}

#[tokio::test(start_paused = true)]
async fn beyond_the_places_a_request_is_refused_at_once_and_health_is_not() {
    let routes = web::routes(store::app(Store::Hangs, &limits(&[("MAX_REQUESTS", "4")])));
    let start = Instant::now();
    let held = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"].map(|ip| begin(&routes, ip));
    yield_now().await;
    let more = ask(&routes, from("192.0.2.1", HOME)).await;
    assert_eq!((more.status(), wait(&more)), (StatusCode::TOO_MANY_REQUESTS, Some(1)));
    let full = ask(&routes, from("192.0.2.5", HOME)).await;
    assert_eq!((full.status(), wait(&full)), (StatusCode::SERVICE_UNAVAILABLE, Some(5)));
    assert!(text(full).await.contains("too many requests"));
    assert_eq!(ask(&routes, from("192.0.2.5", "/healthz")).await.status(), StatusCode::OK);
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waited");
    let ready = ask(&routes, from("192.0.2.5", "/readyz")).await;
    assert!(text(ready).await.contains("the database is not ready"), "it was asked");
    for request in held {
        assert_eq!(request.await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(start.elapsed(), Duration::from_secs(10), "no request takes longer");
    let free = begin(&routes, "192.0.2.5");
    yield_now().await;
    assert!(!free.is_finished(), "the places are free again");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_takes_no_longer_than_any_other_request() {
    let routes = web::routes(store::app(Store::Refuses, &limits(&[])));
    for path in ["/api/v1/notebooks/home/notes", "/notebooks"] {
        let start = Instant::now();
        let body = Body::from_stream(stream::once(pending::<Result<&str, std::io::Error>>()));
        let request = Request::post(path).header("content-type", "application/json").body(body);
        let answer = routes.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(start.elapsed(), Duration::from_secs(10), "{path}");
    }
}

#[tokio::test]
async fn a_body_of_more_than_64_kib_is_refused() {
    let routes = web::routes(store::app(Store::Refuses, &limits(&[])));
    let body = format!("{{\"body\": \"{}\"}}", "x".repeat(64 * 1024));
    for (path, status) in [
        ("/api/v1/notebooks", StatusCode::PAYLOAD_TOO_LARGE),
        ("/api/v1/notebooks/home/notes", StatusCode::PAYLOAD_TOO_LARGE),
        ("/notebooks", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.clone())).unwrap();
        assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
}

/// Connects to gRPC on a store that refuses.
async fn grpc() -> TcpStream {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.address().unwrap();
    let app = store::app(Store::Refuses, &limits(&[]));
    tokio::spawn(grpc::serve(app, listener, CancellationToken::new()));
    TcpStream::connect(address).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_of_grpc_that_says_nothing_is_hung_up_on() {
    let mut client = grpc().await;
    let start = Instant::now();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert!((75..80).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_connection_of_grpc_may_have_so_many_calls() {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let mut client = grpc().await;
    client.write_all(&[PREFACE, EMPTY_SETTINGS].concat()).await.unwrap();
    let mut head = [0; 9];
    client.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "the first frame holds the settings");
    let mut settings = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    client.read_exact(&mut settings).await.unwrap();
    let most = settings.chunks(6).find(|setting| setting[..2] == [0, 3]).unwrap();
    assert_eq!(most[2..], 32_u32.to_be_bytes());
}
