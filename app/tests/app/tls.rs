//! TLS to every server, with the server's name checked.

use crate::{
    process::{Process, Variables, run},
    servers::{Kind, MARIADB, POSTGRES, REDIS, Server},
};

/// A process that is asked to give up at once when the database does not let it in.
fn impatient(mut variables: Variables) -> Variables {
    variables.insert("STARTUP_SECONDS", "0".into());
    variables
}

/// The ways to say that the server under this name must prove it; `options` is how a URL does.
fn verified(server: &Server, host: &str, options: &str) -> [Variables; 3] {
    let authority = server.authority.as_deref().unwrap().display().to_string();
    let parts = |tls, ca| {
        let mut parts = server.parts();
        parts.insert("MAIN_HOST", host.into());
        parts.insert(tls, "verify-full".into());
        parts.insert(ca, authority.clone());
        parts
    };
    let mut url = server.url_by(host);
    url.get_mut("DATABASE_URL").unwrap().extend(["?", options, &authority]);
    [parts("DATABASE_TLS", "DATABASE_CA"), parts("MAIN_TLS", "MAIN_CA"), url]
}

async fn proves_its_name(kind: &'static Kind, options: &str) {
    let server = Server::start_with_tls(kind);
    for variables in verified(&server, "localhost", options) {
        Process::serve(&variables).await;
    }
    // The certificate is for `localhost`.
    for variables in verified(&server, "127.0.0.1", options) {
        let ended = run(&["migrate"], &impatient(variables.clone()));
        assert_eq!(ended.status.code(), Some(1), "{variables:?}");
    }
    let mut clear = impatient(server.parts());
    clear.insert("DATABASE_TLS", "disable".into());
    assert_eq!(run(&["migrate"], &clear).status.code(), Some(1));
}

#[tokio::test]
async fn postgres_is_reached_over_tls_and_must_prove_its_name() {
    proves_its_name(&POSTGRES, "sslmode=verify-full&sslrootcert=").await;
}

#[tokio::test]
async fn mariadb_is_reached_over_tls_and_must_prove_its_name() {
    proves_its_name(&MARIADB, "ssl-mode=VERIFY_IDENTITY&ssl-ca=").await;
}

#[tokio::test]
async fn redis_is_reached_over_tls_when_the_system_trusts_it() {
    let redis = Server::start_with_tls(&REDIS);
    let mut variables = redis.parts();
    let authority = redis.authority.as_deref().unwrap().display().to_string();
    variables.insert("SSL_CERT_FILE", authority);
    Process::serve(&variables).await;
}
