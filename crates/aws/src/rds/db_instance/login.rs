//! The login of a database whose password a secret keeps: `GetSecretValue`, `PutSecretValue`.
//!
//! The secret has the password before there is a database, and is told by the database's kind
//! where that is once it is known. No value of it is kept, shown or written anywhere else.

use aws_sdk_rds::types::DbInstance as Description;
use deployer_core::{Cause, Failure};
use deployer_engine::Result;
use deployer_kinds::{DbInstanceSpec, Password};
use serde_json::{Map, Value};

use crate::Aws;
use crate::missing::Required;
use crate::random;
use crate::secrets;

/// The key that the password stands under.
const PASSWORD: &str = "password";

/// What RDS is to be asked for.
pub(super) enum Asked {
    /// It makes a password, and keeps it.
    Managed,
    /// This one.
    Given(String),
}

/// What a new database is asked for.
pub(super) async fn of_new(aws: &Aws, spec: &DbInstanceSpec) -> Result<Asked> {
    Ok(match spec.password.wanted()? {
        Password::Managed => Asked::Managed,
        Password::Kept(secret) => Asked::Given(password(aws, secret.id()).await?),
    })
}

/// What a database is asked for whose password is to be another's; nothing where it stays.
pub(super) async fn change(
    aws: &Aws,
    live: &DbInstanceSpec,
    wanted: &DbInstanceSpec,
) -> Result<Option<Asked>> {
    if live.password == wanted.password {
        return Ok(None);
    }
    of_new(aws, wanted).await.map(Some)
}

/// The secret that keeps the password that is wanted, where one does.
pub(super) fn secret(spec: &DbInstanceSpec) -> Option<&str> {
    match spec.password.known()? {
        Password::Managed => None,
        Password::Kept(secret) => Some(secret.id()),
    }
}

/// Writes into the secret what a client needs beside the password, as far as it is not there yet.
pub(super) async fn complete(
    aws: &Aws,
    secret: &str,
    instance: &Description,
    port: Option<u16>,
) -> Result<()> {
    let login = read(aws, secret).await?;
    let mut whole = login.clone();
    let host = instance.endpoint().and_then(|endpoint| endpoint.address());
    let port = port.map(i32::from).or(instance.endpoint().and_then(|endpoint| endpoint.port()));
    let user = instance.master_username().required("the master user of a database")?;
    let engine = instance.engine().required("the engine of a database")?;
    let (Some(host), Some(port)) = (host, port) else { return Ok(()) };
    let name = instance.db_name().or((engine == "postgres").then_some("postgres"));
    let password = text(&login, secret)?;
    let url = url(engine, (user, &password), (host, port), name);
    for (key, value) in [
        ("username", Value::from(user)),
        ("engine", engine.into()),
        ("host", host.into()),
        ("port", port.into()),
        ("dbname", name.into()),
        ("dbInstanceIdentifier", instance.db_instance_identifier().into()),
        ("url", url.into()),
    ] {
        whole.insert(key.to_owned(), value);
    }
    if whole == login {
        return Ok(());
    }
    let request = aws
        .secrets
        .put_secret_value()
        .secret_id(secret)
        .client_request_token(random::token())
        .secret_string(Value::Object(whole).to_string());
    aws.send(&secrets::PUT_SECRET_VALUE, "write into the secret where the database is", || {
        request.clone().send()
    })
    .await?;
    Ok(())
}

async fn password(aws: &Aws, secret: &str) -> Result<String> {
    text(&read(aws, secret).await?, secret)
}

fn text(login: &Map<String, Value>, secret: &str) -> Result<String> {
    let password = login.get(PASSWORD).and_then(Value::as_str).map(str::to_owned);
    password.ok_or_else(|| no_login(secret))
}

/// What stands in a secret.
async fn read(aws: &Aws, secret: &str) -> Result<Map<String, Value>> {
    let request = aws.secrets.get_secret_value().secret_id(secret);
    let answer = aws.send(&secrets::GET_SECRET_VALUE, "read the password for the database", || {
        request.clone().send()
    });
    let value = answer.await?.secret_string.unwrap_or_default();
    // What is wrong with it is not said: that would show some of it.
    serde_json::from_str(&value).map_err(|_| no_login(secret))
}

fn no_login(secret: &str) -> Failure {
    let message = format!("{secret} is not an object of JSON with the key `password`");
    Failure::new(Cause::Refused, "read the password for the database", message)
        .help("a secret with `key: password` is")
}

/// What a client connects with.
fn url(
    engine: &str,
    (user, password): (&str, &str),
    (host, port): (&str, i32),
    database: Option<&str>,
) -> String {
    let scheme = if engine == "postgres" { "postgres" } else { "mysql" };
    let (user, password) = (encoded(user), encoded(password));
    format!("{scheme}://{user}:{password}@{host}:{port}/{}", encoded(database.unwrap_or_default()))
}

/// A part of an address: what has a meaning there is written by its number (RFC 3986).
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_whatever_the_password_is() {
        let at = ("db.example", 5432);
        assert_eq!(
            url("postgres", ("notes", "a:b/c%"), at, Some("notes")),
            "postgres://notes:a%3Ab%2Fc%25@db.example:5432/notes"
        );
        assert_eq!(url("mariadb", ("a", "b"), at, None), "mysql://a:b@db.example:5432/");
    }

    #[test]
    fn what_is_no_login_says_nothing_of_what_it_is() {
        let failure = text(&Map::from_iter([("pass".to_owned(), "s3cr3t".into())]), "arn:s");
        let failure = failure.unwrap_err();
        assert!(!format!("{failure:?}").contains("s3cr3t"));
    }
}
