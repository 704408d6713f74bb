//! A database that goes away and comes back, and a cache that stays away.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio::time::Instant;

use crate::{
    process::{Process, Variables, client, until},
    servers::{Daemon, MariaDb, Postgres, Redis},
};

async fn status(client: &Client, address: &str) -> (StatusCode, bool) {
    let answer = client.get(address).send().await.unwrap();
    (answer.status(), answer.headers().contains_key("retry-after"))
}

/// How long the database is away.
const OUTAGE: Duration = Duration::from_secs(20);

const PATHS: [&str; 3] = ["/", "/api/v1/notebooks/home", "/readyz"];

async fn survives_an_outage(variables: &Variables, database: &mut Daemon) {
    let process = Process::serve(variables).await;
    let client = client();
    for path in PATHS {
        assert_eq!(status(&client, &process.at(path)).await, (StatusCode::OK, false), "{path}");
    }
    database.fail();
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
    let mut postgres = Postgres::start();
    survives_an_outage(&postgres.url(), &mut postgres.daemon).await;
}

#[tokio::test]
async fn mariadb_gone_for_20_s_gives_503_and_comes_back_without_a_restart() {
    let mut mariadb = MariaDb::start();
    survives_an_outage(&mariadb.url(), &mut mariadb.daemon).await;
}

#[tokio::test]
async fn pages_are_served_without_the_cache_but_the_process_is_not_ready() {
    let mut redis = Redis::start();
    let process = Process::serve(&redis.parts()).await;
    let client = client();
    redis.daemon.fail();
    assert_eq!(status(&client, &process.at("/")).await.0, StatusCode::OK);
    let ready = status(&client, &process.at("/readyz")).await;
    assert_eq!(ready, (StatusCode::SERVICE_UNAVAILABLE, true));
}
