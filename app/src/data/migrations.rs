//! The tables, brought to what this version needs.

use std::{borrow::Cow, fs::File, path::Path};

use sqlx::{
    Connection, MySqlConnection, SqlSafeStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{repository::DataError, sql::Pool};

macro_rules! migrations {
    ($folder:literal, $($version:literal $name:literal),+ $(,)?) => {
        &[$((
            $version,
            $name,
            include_str!(concat!("../../migrations/", $folder, "/000", $version, "_", $name, ".sql")),
        )),+]
    };
}

type Scripts = &'static [(i64, &'static str, &'static str)];

const SQLITE: Scripts = migrations!["sqlite", 1 "notebooks", 2 "shared", 3 "jobs", 4 "search"];
const POSTGRES: Scripts = migrations!["postgres", 1 "notebooks", 2 "shared", 3 "jobs", 4 "search"];
const MYSQL: Scripts = migrations!["mysql", 1 "notebooks", 2 "shared", 3 "jobs", 4 "search"];

/// How long to wait for another process that is migrating the same MySQL database, in
/// seconds.
const LOCK_WAIT: i64 = 600;

/// Runs the migrations that have not run yet; of several processes at once, one does it and the
/// others wait for it.
pub(super) async fn run(pool: &Pool, file: Option<&Path>) -> Result<(), DataError> {
    match pool {
        // An advisory lock is taken by the library.
        Pool::Postgres(pool) => migrator(POSTGRES, true).run(pool).await?,
        // The library waits for its lock without a limit, which MariaDB takes for not at all.
        Pool::MySql(pool) => {
            let mut lock = MySqlConnection::connect_with(&pool.connect_options()).await?;
            let take = "SELECT CAST(GET_LOCK('notes-migrations', ?) AS SIGNED)";
            let taken: Option<i64> =
                sqlx::query_scalar(take).bind(LOCK_WAIT).fetch_one(&mut lock).await?;
            if taken != Some(1) {
                return Err(DataError::Unavailable("another process is migrating it".into()));
            }
            let ran = migrator(MYSQL, false).run(pool).await;
            // The end of the connection is the end of the lock.
            lock.close().await?;
            ran?;
        }
        // A file has no advisory locks; a file beside it does.
        Pool::Sqlite(pool) => {
            let lock = match file {
                Some(file) => Some(lock_beside(file).await?),
                None => None,
            };
            migrator(SQLITE, false).run(pool).await?;
            drop(lock);
        }
    }
    Ok(())
}

/// Tells the newest migration this version knows.
pub(super) fn newest(pool: &Pool) -> i64 {
    let scripts = match pool {
        Pool::Postgres(_) => POSTGRES,
        Pool::MySql(_) => MYSQL,
        Pool::Sqlite(_) => SQLITE,
    };
    scripts.last().map_or(0, |(version, ..)| *version)
}

fn migrator(scripts: Scripts, locking: bool) -> Migrator {
    let migrations = scripts.iter().map(|(version, name, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // A rollback runs an older version on the tables of a newer one.
    migrator.set_ignore_missing(true).set_locking(locking);
    migrator
}

async fn lock_beside(file: &Path) -> Result<File, DataError> {
    let path = file.with_extension("lock");
    let locked = tokio::task::spawn_blocking(move || {
        let lock = File::create(&path)?;
        lock.lock().map(|()| lock)
    });
    let locked = locked.await.map_err(|error| DataError::Refused(error.to_string()))?;
    locked.map_err(|error| DataError::Refused(format!("no lock beside the file: {error}")))
}

impl From<MigrateError> for DataError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) => error.into(),
            other => Self::Refused(other.to_string()),
        }
    }
}
