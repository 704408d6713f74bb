//! Alive, ready, and asked from the inside of an image.

use reqwest::StatusCode;

use crate::process::{Process, Variables, client, run, until};

#[tokio::test]
async fn a_process_without_its_database_is_alive_and_not_ready() {
    let variables = Variables::from([("DATABASE_URL", "postgres://n@127.0.0.1:1/n".into())]);
    let process = Process::start("serve", &variables);
    let client = client();
    let alive = client.get(process.at("/healthz")).send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
    let ready = client.get(process.at("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_database_that_never_comes_ends_the_process_with_the_reason() {
    let variables = Variables::from([
        ("DATABASE_URL", "postgres://n@127.0.0.1:1/n".into()),
        ("STARTUP_SECONDS", "1".into()),
    ]);
    let mut process = Process::start("serve", &variables);
    assert_eq!(process.end().await.code(), Some(1));
    until("the reason is logged", async || {
        process.log().contains("could not prepare the database").then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_healthcheck_tells_a_process_that_lives_from_one_that_does_not() {
    let process = Process::serve(&Variables::new()).await;
    let port = process.http.rsplit(':').next().unwrap().to_owned();
    let variables = Variables::from([("PORT", port)]);
    assert_eq!(run(&["healthcheck"], &variables).status.code(), Some(0));
    drop(process);
    assert_eq!(run(&["healthcheck"], &variables).status.code(), Some(1));
}
