//! TLS to every server, with the server's name checked.

use std::path::Path;

use crate::{
    process::{Process, Variables, run},
    servers::{MARIADB, POSTGRES, REDIS, Server},
};

fn verified(mut variables: Variables, authority: Option<&Path>) -> Variables {
    variables.insert("DATABASE_TLS", "verify".into());
    variables.insert("DATABASE_CA", authority.unwrap().display().to_string());
    variables
}

/// A process that is asked to give up at once when the database does not let it in.
fn impatient(mut variables: Variables) -> Variables {
    variables.insert("STARTUP_SECONDS", "0".into());
    variables
}

#[tokio::test]
async fn postgres_is_reached_over_tls_and_must_prove_its_name() {
    let postgres = Server::start_with_tls(&POSTGRES);
    let variables = verified(postgres.parts(), postgres.authority.as_deref());
    Process::serve(&variables).await;
    let mut elsewhere = impatient(variables);
    elsewhere.insert("MAIN_HOST", "127.0.0.1".into());
    assert_eq!(run(&["migrate"], &elsewhere).status.code(), Some(1));
    let mut clear = impatient(postgres.parts());
    clear.insert("DATABASE_TLS", "disable".into());
    assert_eq!(run(&["migrate"], &clear).status.code(), Some(1));
}

#[tokio::test]
async fn mariadb_is_reached_over_tls_and_must_prove_its_name() {
    let mariadb = Server::start_with_tls(&MARIADB);
    let variables = verified(mariadb.parts(), mariadb.authority.as_deref());
    Process::serve(&variables).await;
    let mut elsewhere = impatient(variables);
    elsewhere.insert("MAIN_HOST", "127.0.0.1".into());
    assert_eq!(run(&["migrate"], &elsewhere).status.code(), Some(1));
}

#[tokio::test]
async fn redis_is_reached_over_tls_when_the_system_trusts_it() {
    let redis = Server::start_with_tls(&REDIS);
    let mut variables = redis.parts();
    let authority = redis.authority.as_deref().unwrap().display().to_string();
    variables.insert("SSL_CERT_FILE", authority);
    Process::serve(&variables).await;
}
