//! Every route, on every store.

use crate::{
    checks::Deployment,
    process::{Process, Variables},
    servers::{MariaDb, Postgres, Redis},
};

async fn every_route_on(variables: &Variables) {
    let process = Process::serve(variables).await;
    let deployment = Deployment { http: process.http.clone(), grpc: Some(process.grpc.clone()) };
    deployment.check().await;
}

#[tokio::test]
async fn nothing_configured_serves_every_route_from_sqlite() {
    every_route_on(&Variables::new()).await;
}

#[tokio::test]
async fn postgres_given_as_a_url_serves_every_route() {
    let postgres = Postgres::start();
    every_route_on(&postgres.url()).await;
}

#[tokio::test]
async fn postgres_given_in_parts_with_redis_serves_every_route() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let mut variables = postgres.parts();
    variables.extend(redis.parts());
    every_route_on(&variables).await;
}

#[tokio::test]
async fn mariadb_given_as_a_url_serves_every_route() {
    let mariadb = MariaDb::start();
    every_route_on(&mariadb.url()).await;
}

#[tokio::test]
async fn mariadb_given_in_parts_with_redis_serves_every_route() {
    let (mariadb, redis) = (MariaDb::start(), Redis::start());
    let mut variables = mariadb.parts();
    variables.extend(redis.parts());
    every_route_on(&variables).await;
}
