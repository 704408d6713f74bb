//! A database that goes away and comes back, and a cache that stays away.

use reqwest::{Client, StatusCode};

use crate::{
    process::{Process, client, until},
    servers::{Postgres, Redis},
};

async fn status(client: &Client, address: &str) -> (StatusCode, bool) {
    let answer = client.get(address).send().await.unwrap();
    (answer.status(), answer.headers().contains_key("retry-after"))
}

#[tokio::test]
async fn a_database_that_goes_away_gives_503_and_comes_back_without_a_restart() {
    let mut postgres = Postgres::start();
    let process = Process::serve(&postgres.url()).await;
    let client = client();
    let paths = ["/", "/api/v1/notebooks/home", "/readyz"];
    for path in paths {
        assert_eq!(status(&client, &process.at(path)).await, (StatusCode::OK, false), "{path}");
    }
    postgres.fail();
    for path in paths {
        let found = status(&client, &process.at(path)).await;
        assert_eq!(found, (StatusCode::SERVICE_UNAVAILABLE, true), "{path}");
    }
    assert_eq!(status(&client, &process.at("/healthz")).await.0, StatusCode::OK);
    postgres.recover();
    for path in paths {
        until("the database is back", async || {
            let (status, _) = status(&client, &process.at(path)).await;
            assert!([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&status));
            (status == StatusCode::OK).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn pages_are_served_without_the_cache_but_the_process_is_not_ready() {
    let mut redis = Redis::start();
    let process = Process::serve(&redis.parts()).await;
    let client = client();
    redis.fail();
    assert_eq!(status(&client, &process.at("/")).await.0, StatusCode::OK);
    let ready = status(&client, &process.at("/readyz")).await;
    assert_eq!(ready, (StatusCode::SERVICE_UNAVAILABLE, true));
}
