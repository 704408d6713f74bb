//! The worker, beside the server and inside it.

use serde_json::{Value, json};

use crate::{
    process::{Process, Variables, client, until},
    servers::{MARIADB, POSTGRES, REDIS, Server},
};

/// Adds two notes and waits until a worker has summed them up.
async fn a_digest_appears(serving: &Process) {
    let client = client();
    let notebook = serving.at("/api/v1/notebooks");
    let made: Value = client
        .post(&notebook)
        .json(&json!({ "title": "To sum up" }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let notebook = format!("{notebook}/{}", made["id"].as_str().unwrap());
    for body in ["Milk and bread", "More milk"] {
        let note = json!({ "body": body });
        client.post(format!("{notebook}/notes")).json(&note).send().await.unwrap();
    }
    until("the digest is made", async || {
        let found: Value = client.get(&notebook).send().await.unwrap().json().await.unwrap();
        (found["digest"] == "2 notes, 5 words; mostly milk, bread, more").then_some(())
    })
    .await;
}

/// Two workers beside one server, which does no work itself.
async fn with_workers_on(variables: &Variables) {
    let mut alone = variables.clone();
    alone.insert("INLINE_WORKER", "false".into());
    let serving = Process::serve(&alone).await;
    let mut workers = [Process::start("worker", variables), Process::start("worker", variables)];
    a_digest_appears(&serving).await;
    let log = until("the cleaning is done", async || {
        let log = workers.iter().map(Process::log).collect::<String>();
        log.contains("cleaned").then_some(log)
    })
    .await;
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
    for worker in &mut workers {
        worker.terminate();
        assert!(worker.end().await.success());
    }
}

#[tokio::test]
async fn with_nothing_said_the_server_works_too() {
    let process = Process::serve(&Variables::new()).await;
    a_digest_appears(&process).await;
    let postgres = Server::start(&POSTGRES);
    let process = Process::serve(&postgres.url()).await;
    a_digest_appears(&process).await;
}

#[tokio::test]
async fn workers_take_jobs_from_postgres() {
    let postgres = Server::start(&POSTGRES);
    with_workers_on(&postgres.url()).await;
}

#[tokio::test]
async fn workers_take_jobs_from_mariadb() {
    let mariadb = Server::start(&MARIADB);
    with_workers_on(&mariadb.url()).await;
}

#[tokio::test]
async fn workers_take_jobs_from_redis() {
    let (postgres, redis) = (Server::start(&POSTGRES), Server::start(&REDIS));
    let mut variables = postgres.parts();
    variables.extend(redis.parts());
    with_workers_on(&variables).await;
}
