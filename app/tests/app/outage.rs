//! A database that goes away and comes back, and a cache that stays away.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use sqlx::{Connection, Executor, MySqlConnection, PgConnection};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    process::{Process, Variables, client, run, until},
    servers::{MARIADB, POSTGRES, REDIS, Server},
    wire::Wire,
};

async fn status(client: &Client, address: &str) -> (StatusCode, bool) {
    let answer = client.get(address).send().await.unwrap();
    (answer.status(), answer.headers().contains_key("retry-after"))
}

/// How long the database is away.
const OUTAGE: Duration = Duration::from_secs(20);

const PATHS: [&str; 3] = ["/", "/api/v1/notebooks/home", "/readyz"];

/// Waits until the process has noticed: what it last found out is good for a second.
async fn becomes_unready(client: &Client, process: &Process) {
    until("it is not ready", async || {
        let found = status(client, &process.at("/readyz")).await;
        (found == (StatusCode::SERVICE_UNAVAILABLE, true)).then_some(())
    })
    .await;
}

async fn survives_an_outage(variables: &Variables, database: &mut Server) {
    let process = Process::serve(variables).await;
    let client = client();
    for path in PATHS {
        assert_eq!(status(&client, &process.at(path)).await, (StatusCode::OK, false), "{path}");
    }
    database.fail();
    becomes_unready(&client, &process).await;
    let end = Instant::now() + OUTAGE;
    while Instant::now() < end {
        for path in PATHS {
            let found = status(&client, &process.at(path)).await;
            assert_eq!(found, (StatusCode::SERVICE_UNAVAILABLE, true), "{path}");
        }
        assert_eq!(status(&client, &process.at("/healthz")).await.0, StatusCode::OK);
    }
    database.recover();
    for path in PATHS {
        until("the database is back", async || {
            let (status, _) = status(&client, &process.at(path)).await;
            assert!([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&status));
            (status == StatusCode::OK).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn postgres_gone_for_20_s_gives_503_and_comes_back_without_a_restart() {
    let mut postgres = Server::start(&POSTGRES);
    survives_an_outage(&postgres.url(), &mut postgres).await;
}

#[tokio::test]
async fn mariadb_gone_for_20_s_gives_503_and_comes_back_without_a_restart() {
    let mut mariadb = Server::start(&MARIADB);
    survives_an_outage(&mariadb.url(), &mut mariadb).await;
}

#[tokio::test]
async fn pages_are_served_without_the_cache_but_the_process_is_not_ready() {
    let mut redis = Server::start(&REDIS);
    let process = Process::serve(&redis.parts()).await;
    let client = client();
    redis.fail();
    assert_eq!(status(&client, &process.at("/")).await.0, StatusCode::OK);
    becomes_unready(&client, &process).await;
    assert_eq!(status(&client, &process.at("/")).await.0, StatusCode::OK);
}

/// The machine of the database is gone in the middle of a query, and nobody told the connections to
/// it; another machine takes its address.
async fn survives_a_failover(mut variables: Variables, wire: &Wire, lock: impl Sized) {
    variables.insert("DATABASE_POOL", "2".into());
    let process = Process::serve(&variables).await;
    let client = client();
    let notes = process.at("/api/v1/notebooks/home/notes");
    // As many as there are connections: each of them waits for an answer when the wire goes dead.
    let (one, two, ()) = tokio::join!(status(&client, &notes), status(&client, &notes), async {
        sleep(Duration::from_millis(500)).await;
        wire.cut();
    });
    assert_eq!(
        (one, two),
        ((StatusCode::SERVICE_UNAVAILABLE, true), (StatusCode::SERVICE_UNAVAILABLE, true))
    );
    drop(lock);
    wire.mend();
    until("the database is back", async || {
        (status(&client, &notes).await == (StatusCode::OK, false)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn postgres_failing_over_in_the_middle_of_a_query_is_survived() {
    let postgres = Server::start(&POSTGRES);
    run(&["migrate"], &postgres.url());
    let mut lock = PgConnection::connect(&postgres.url()["DATABASE_URL"]).await.unwrap();
    lock.execute("BEGIN; LOCK TABLE notes").await.unwrap();
    let wire = Wire::to(postgres.port).await;
    survives_a_failover(postgres.url_through(wire.port), &wire, lock).await;
}

#[tokio::test]
async fn mariadb_failing_over_in_the_middle_of_a_query_is_survived() {
    let mariadb = Server::start(&MARIADB);
    run(&["migrate"], &mariadb.url());
    let mut lock = MySqlConnection::connect(&mariadb.url()["DATABASE_URL"]).await.unwrap();
    lock.execute("LOCK TABLES notes WRITE").await.unwrap();
    let wire = Wire::to(mariadb.port).await;
    survives_a_failover(mariadb.url_through(wire.port), &wire, lock).await;
}

#[tokio::test]
async fn a_database_that_hangs_makes_nobody_who_asks_for_readiness_wait_longer_than_5_s() {
    let postgres = Server::start(&POSTGRES);
    let wire = Wire::to(postgres.port).await;
    let process = Process::serve(&postgres.url_through(wire.port)).await;
    let client = client();
    wire.cut();
    sleep(Duration::from_secs(1)).await;
    for _ in 0..2 {
        let mut asking = JoinSet::new();
        for _ in 0..100 {
            let (client, address) = (client.clone(), process.at("/readyz"));
            asking.spawn(async move {
                let start = Instant::now();
                (status(&client, &address).await, start.elapsed())
            });
        }
        for (found, took) in asking.join_all().await {
            assert_eq!(found, (StatusCode::SERVICE_UNAVAILABLE, true));
            // The process waits for 4 s; the machine may have other work.
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn redis_failing_over_without_a_word_is_survived() {
    let redis = Server::start(&REDIS);
    let wire = Wire::to(redis.port).await;
    let process = Process::serve(&redis.url_through(wire.port)).await;
    let (client, ready) = (client(), process.at("/readyz"));
    wire.cut();
    becomes_unready(&client, &process).await;
    wire.mend();
    until("the cache is back", async || {
        (status(&client, &ready).await == (StatusCode::OK, false)).then_some(())
    })
    .await;
}
