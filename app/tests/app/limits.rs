//! What a process lets its clients have, over real connections.

use notes::grpc::v1::{AddNoteRequest, GetNotebookRequest, notes_client::NotesClient};
use reqwest::{Client, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Duration, Instant},
};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::process::{Process, Variables, client, client_from, until};

const REQUESTS: u64 = 30;

/// Sends some requests under names of their own and counts those that were served.
async fn served(client: &Client, address: &str) -> u64 {
    let mut served = 0;
    for number in 0..REQUESTS {
        let request = client.get(address).header("x-forwarded-for", format!("203.0.113.{number}"));
        match request.send().await.unwrap() {
            answer if answer.status() == StatusCode::OK => served += 1,
            answer => {
                assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
                assert_eq!(answer.headers()["retry-after"], "1");
            }
        }
    }
    served
}

#[tokio::test]
async fn a_client_has_one_budget_for_all_ways_in_and_another_client_its_own() {
    let process = Process::serve(&Variables::from([("RATE_LIMIT", "1".into())])).await;
    let start = Instant::now();
    let served = served(&client(), &process.at("/")).await;
    // One at once, and one more each second.
    let most = 2 + start.elapsed().as_secs();
    assert!((1..=most).contains(&served), "{served} of {REQUESTS}, at most {most}");
    let channel = Channel::from_shared(process.grpc.clone()).unwrap().connect().await.unwrap();
    let mut calls = NotesClient::new(channel.clone());
    until("a call is refused", async || {
        let request = GetNotebookRequest { notebook: "home".into() };
        let refused = calls.clone().get_notebook(request).await.err()?;
        (refused.code() == Code::ResourceExhausted).then_some(())
    })
    .await;
    for _ in 0..REQUESTS {
        let request = HealthCheckRequest { service: String::new() };
        HealthClient::new(channel.clone()).check(request).await.unwrap();
        let alive = client().get(process.at("/healthz")).send().await.unwrap();
        assert_eq!(alive.status(), StatusCode::OK);
    }
    let other = client_from([127, 0, 0, 2]).get(process.at("/")).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
    let request = GetNotebookRequest { notebook: "home".into() };
    until("the client may call again", async || {
        calls.clone().get_notebook(request.clone()).await.ok()
    })
    .await;
    // A second may pass between two calls, but not between all of these.
    let mut is_refused = false;
    for _ in 0..20 {
        is_refused |= calls.get_notebook(request.clone()).await.is_err();
    }
    assert!(is_refused, "and no more than that");
}

#[tokio::test]
async fn a_call_may_not_send_more_than_64_kib() {
    let process = Process::serve(&Variables::new()).await;
    let channel = Channel::from_shared(process.grpc.clone()).unwrap().connect().await.unwrap();
    let long = "x".repeat(70 * 1024);
    let add = AddNoteRequest { body: long.clone(), ..AddNoteRequest::default() };
    let refused = NotesClient::new(channel.clone()).add_note(add).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
    let check = HealthCheckRequest { service: long };
    let refused = HealthClient::new(channel).check(check).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
}

/// Opens a connection and keeps it, if it is one on which pages are served.
async fn hold(address: &str) -> Option<TcpStream> {
    const SERVED: &[u8] = b"HTTP/1.1 200";
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /visitors HTTP/1.1\r\nHost: notes\r\n\r\n").await.unwrap();
    let mut begin = [0; SERVED.len()];
    stream.read_exact(&mut begin).await.ok()?;
    (begin == SERVED).then_some(stream)
}

#[tokio::test]
async fn with_too_many_connections_only_health_is_served() {
    let process = Process::serve(&Variables::from([("MAX_CONNECTIONS", "1".into())])).await;
    let address = process.http.trim_start_matches("http://");
    let held = until("there is a place", async || hold(address).await).await;
    // Each of them opens a connection of its own.
    let ask = async |path: &str| client().get(process.at(path)).send().await.ok();
    let refused = ask("/").await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.headers()["connection"], "close");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(ask(path).await.unwrap().status(), StatusCode::OK, "{path}");
    }
    let start = Instant::now();
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(address).await.unwrap());
    }
    until("those who say nothing are soon gone", async || {
        ask("/healthz").await.filter(|answer| answer.status() == StatusCode::OK)
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(30));
    drop(held);
    until("the place is free", async || {
        ask("/").await.filter(|answer| answer.status() == StatusCode::OK)
    })
    .await;
}
