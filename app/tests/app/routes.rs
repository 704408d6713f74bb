//! Every route, on every store.

use crate::{
    checks::Deployment,
    process::{Process, Variables},
    servers::{MARIADB, POSTGRES, REDIS, Server},
};

async fn every_route_on(variables: &Variables) {
    let process = Process::serve(variables).await;
    Deployment::of(&process).check().await;
}

#[tokio::test]
async fn nothing_configured_serves_every_route_from_sqlite() {
    every_route_on(&Variables::new()).await;
}

#[tokio::test]
async fn postgres_given_as_a_url_serves_every_route() {
    let postgres = Server::start(&POSTGRES);
    every_route_on(&postgres.url()).await;
}

#[tokio::test]
async fn postgres_given_in_parts_with_redis_serves_every_route() {
    let (postgres, redis) = (Server::start(&POSTGRES), Server::start(&REDIS));
    let mut variables = postgres.parts();
    variables.extend(redis.parts());
    every_route_on(&variables).await;
}

#[tokio::test]
async fn mariadb_given_as_a_url_serves_every_route() {
    let mariadb = Server::start(&MARIADB);
    every_route_on(&mariadb.url()).await;
}

#[tokio::test]
async fn mariadb_given_in_parts_with_redis_serves_every_route() {
    let (mariadb, redis) = (Server::start(&MARIADB), Server::start(&REDIS));
    let mut variables = mariadb.parts();
    variables.extend(redis.parts());
    every_route_on(&variables).await;
}
