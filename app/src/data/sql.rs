//! One way to run the same SQL on three databases.
//!
//! Every statement is written once, with `$1`, `$2` … in this order, each used once; MySQL gets
//! question marks instead. Only texts and whole numbers go in and out, so no type differs.

use std::{io, time::Duration};

use sqlx::{
    AssertSqlSafe, Database, FromRow, MySqlPool, PgPool, SqlitePool,
    error::DatabaseError,
    mysql::{MySqlDatabaseError, MySqlRow},
    pool::PoolConnection,
    postgres::{PgDatabaseError, PgRow},
    sqlite::SqliteRow,
};
use tokio::time::{error::Elapsed, timeout};

use super::repository::DataError;

/// How long a statement may take: longer than SQLite waits for another process that writes, and
/// short enough for the answer to be an error that says so.
const LONGEST: Duration = Duration::from_secs(6);

/// A pool of connections to one of the databases.
#[derive(Debug, Clone)]
pub(super) enum Pool {
    /// To a file.
    Sqlite(SqlitePool),
    /// To PostgreSQL.
    Postgres(PgPool),
    /// To MySQL or MariaDB.
    MySql(MySqlPool),
}

/// What a statement is given for a `$n`.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(Option<String>),
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(ToOwned::to_owned))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// A row that can be read from all three databases: any tuple of `String` and `i64` is one.
pub(super) trait Record:
    for<'r> FromRow<'r, SqliteRow>
    + for<'r> FromRow<'r, PgRow>
    + for<'r> FromRow<'r, MySqlRow>
    + Send
    + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow>
        + for<'r> FromRow<'r, PgRow>
        + for<'r> FromRow<'r, MySqlRow>
        + Send
        + Unpin
{
}

/// Binds the values to the query in order.
macro_rules! bind {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text.clone()),
                Value::Number(number) => query.bind(*number),
            };
        }
        query
    }};
}

/// Runs the query on a connection of the pool, for as long as a statement may take.
macro_rules! run {
    ($pool:expr, $query:expr, $run:ident) => {{
        let mut loan = Loan::of($pool.acquire().await?);
        let answer = timeout(LONGEST, $query.$run(&mut *loan.connection)).await;
        loan.settle(answer)
    }};
}

impl Pool {
    /// Runs a statement and counts the rows it touched.
    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => {
                run!(pool, bind!(sqlx::query(sql), values), execute)?.rows_affected()
            }
            Self::Postgres(pool) => {
                run!(pool, bind!(sqlx::query(sql), values), execute)?.rows_affected()
            }
            Self::MySql(pool) => {
                let sql = AssertSqlSafe(question_marks(sql));
                run!(pool, bind!(sqlx::query(sql), values), execute)?.rows_affected()
            }
        })
    }

    /// Runs a query and reads all rows it gives.
    pub(super) async fn fetch<T: Record>(
        &self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Vec<T>, sqlx::Error> {
        match self {
            Self::Sqlite(pool) => run!(pool, bind!(sqlx::query_as(sql), values), fetch_all),
            Self::Postgres(pool) => run!(pool, bind!(sqlx::query_as(sql), values), fetch_all),
            Self::MySql(pool) => {
                let sql = AssertSqlSafe(question_marks(sql));
                run!(pool, bind!(sqlx::query_as(sql), values), fetch_all)
            }
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
            Self::MySql(pool) => pool.close().await,
        }
    }
}

/// A connection on loan from its pool. One that comes back in the middle of a statement, because
/// the time was over or whoever asked is gone, is closed: the pool would wait for the rest of the
/// answer, and after a fail-over that never comes.
struct Loan<D: Database> {
    connection: PoolConnection<D>,
    settled: bool,
}

impl<D: Database> Loan<D> {
    fn of(connection: PoolConnection<D>) -> Self {
        Self { connection, settled: false }
    }

    /// Gives the connection back with the answer, if there was one in time.
    fn settle<T>(
        mut self,
        answer: Result<Result<T, sqlx::Error>, Elapsed>,
    ) -> Result<T, sqlx::Error> {
        self.settled = answer.is_ok();
        answer.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }
}

impl<D: Database> Drop for Loan<D> {
    fn drop(&mut self) {
        if !self.settled {
            self.connection.close_on_drop();
        }
    }
}

/// Turns `$1`, `$2` … into question marks. No statement has a `$` anywhere else.
fn question_marks(sql: &str) -> String {
    let mut parts = sql.split('$');
    let mut marked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        marked.push('?');
        marked.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    marked
}

impl From<sqlx::Error> for DataError {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(text),
            sqlx::Error::Database(error) if passes(&*error) => Self::Unavailable(text),
            _ => Self::Refused(text),
        }
    }
}

/// SQLSTATEs of PostgreSQL: deadlock, read-only after a fail-over, too many connections.
const POSTGRES: [&str; 4] = ["40001", "40P01", "25006", "53300"];
/// Errors of MySQL: too many connections, stopping, lock timeout, deadlock, read-only (two kinds).
const MYSQL: [u16; 6] = [1040, 1053, 1205, 1213, 1290, 1836];
/// Results of SQLite: busy, locked, and busy while the log is recovered or the snapshot is old.
const SQLITE: [&str; 4] = ["5", "6", "261", "517"];

/// Tells errors of a database that starts, stops, fails over or is full from all others.
fn passes(error: &dyn DatabaseError) -> bool {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return MYSQL.contains(&error.number());
    }
    let Some(code) = error.code() else { return false };
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        // Class 08 is a broken connection; 57P is an administrator who stops the server.
        return POSTGRES.contains(&&*code) || code.starts_with("08") || code.starts_with("57P");
    }
    SQLITE.contains(&&*code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_places_become_question_marks() {
        let sql = "UPDATE notes SET body = $1 WHERE id = $12";
        assert_eq!(question_marks(sql), "UPDATE notes SET body = ? WHERE id = ?");
    }
}
