//! What the environment says, and what must not be said about it.

use crate::{
    process::{Process, Variables, client, run, until},
    servers::{PASSWORD, POSTGRES, REDIS, Server},
};

#[test]
fn a_wrong_environment_is_told_completely_and_nothing_starts() {
    let variables = Variables::from([("PORT", "none".into()), ("DATABASE_URL", "oops".into())]);
    let ended = run(&[], &variables);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        said.contains("2 mistake(s)") && said.contains("PORT") && said.contains("DATABASE_URL")
    );
}

#[test]
fn the_version_is_told() {
    let said = String::from_utf8(run(&["--version"], &Variables::new()).stdout).unwrap();
    assert_eq!(said, format!("notes {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn the_pages_show_version_and_image() {
    let variables = Variables::from([("IMAGE_DIGEST", "sha256:0123abcd".into())]);
    let process = Process::serve(&variables).await;
    let page = client().get(process.at("/")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains(concat!("notes ", env!("CARGO_PKG_VERSION"))), "{page}");
    assert!(page.contains("sha256:0123abcd"), "{page}");
}

#[tokio::test]
async fn no_secret_is_logged_even_when_everything_is() {
    let (postgres, redis) = (Server::start(&POSTGRES), Server::start(&REDIS));
    let key = "a key that nobody else should ever know";
    let mut variables = postgres.url();
    variables.extend(redis.parts());
    variables.insert("RUST_LOG", "trace".into());
    variables.insert("SESSION_KEY", key.into());
    let process = Process::serve(&variables).await;
    client().get(process.at("/?q=private+words")).send().await.unwrap();
    let log = logged(&process).await;
    for secret in [PASSWORD, "correct%2Fhorse", key] {
        assert!(!log.contains(secret), "{secret} was logged");
    }
}

#[tokio::test]
async fn what_people_search_for_is_not_logged() {
    let process = Process::serve(&Variables::new()).await;
    client().get(process.at("/?q=private")).send().await.unwrap();
    assert!(!logged(&process).await.contains("private"));
}

/// Waits until the request for the first page is logged, and tells the log.
async fn logged(process: &Process) -> String {
    until("the request is logged", async || {
        let log = process.log();
        log.contains("\"path\":\"/\"").then_some(log)
    })
    .await
}
