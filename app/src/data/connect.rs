//! Pools of connections, made from the settings without touching the network.

use std::{path::PathBuf, time::Duration};

use sqlx::{
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlSslMode},
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

use super::{rows::SqlRepository, sql::Pool};
use crate::{
    secret::Secret,
    settings::{DatabaseSettings, Engine, Server, Tls},
};

/// How long a request waits for a connection before it is told to come back later.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a connection lives, so that a fail-over or a changed password reaches all of them.
const LIFETIME: Duration = Duration::from_mins(15);
/// How long one process waits for another that writes to the same file.
const BUSY: Duration = Duration::from_secs(5);
/// More connections to a file do not make it faster.
const FILE_POOL: u32 = 4;

/// Makes the repository that the settings ask for; connections are opened when needed.
pub fn connect(settings: &DatabaseSettings) -> SqlRepository {
    match settings {
        DatabaseSettings::Sqlite { file, .. } => sqlite(file.clone()),
        DatabaseSettings::Server(server) => match server.engine {
            Engine::Postgres => SqlRepository::new(postgres(server), None),
            Engine::MySql | Engine::Sqlite => SqlRepository::new(mysql(server), None),
        },
    }
}

fn sqlite(file: PathBuf) -> SqlRepository {
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY);
    let pool = SqlitePoolOptions::new()
        .max_connections(FILE_POOL)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options);
    SqlRepository::new(Pool::Sqlite(pool), Some(file))
}

fn postgres(server: &Server) -> Pool {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&server.host)
        .port(server.port)
        .database(&server.name)
        .username(&server.user)
        .application_name("notes")
        .ssl_mode(match server.connections.tls {
            Tls::Disable => PgSslMode::Disable,
            Tls::Prefer => PgSslMode::Prefer,
            Tls::Require => PgSslMode::Require,
            Tls::VerifyCa => PgSslMode::VerifyCa,
            Tls::VerifyFull => PgSslMode::VerifyFull,
        });
    if let Some(password) = &server.password {
        options = options.password(Secret::reveal(password));
    }
    if let Some(file) = &server.connections.authorities {
        options = options.ssl_root_cert(file);
    }
    let pool = PgPoolOptions::new()
        .max_connections(server.connections.pool.get())
        .acquire_timeout(PATIENCE)
        .max_lifetime(LIFETIME);
    Pool::Postgres(pool.connect_lazy_with(options))
}

fn mysql(server: &Server) -> Pool {
    let mut options = MySqlConnectOptions::new()
        .host(&server.host)
        .port(server.port)
        .database(&server.name)
        .username(&server.user)
        .ssl_mode(match server.connections.tls {
            Tls::Disable => MySqlSslMode::Disabled,
            Tls::Prefer => MySqlSslMode::Preferred,
            Tls::Require => MySqlSslMode::Required,
            Tls::VerifyCa => MySqlSslMode::VerifyCa,
            Tls::VerifyFull => MySqlSslMode::VerifyIdentity,
        });
    if let Some(password) = &server.password {
        options = options.password(Secret::reveal(password));
    }
    if let Some(file) = &server.connections.authorities {
        options = options.ssl_ca(file);
    }
    let pool = MySqlPoolOptions::new()
        .max_connections(server.connections.pool.get())
        .acquire_timeout(PATIENCE)
        .max_lifetime(LIFETIME);
    Pool::MySql(pool.connect_lazy_with(options))
}
