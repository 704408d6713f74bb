//! One way to run the same SQL on three databases.
//!
//! Every statement is written once, with `$1`, `$2` … in this order, each used once; MySQL gets
//! question marks instead. Only texts and whole numbers go in and out, so no type differs.

use sqlx::{
    AssertSqlSafe, FromRow, MySqlPool, PgPool, SqlitePool, mysql::MySqlRow, postgres::PgRow,
    sqlite::SqliteRow,
};

use super::repository::DataError;

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

impl Pool {
    /// Runs a statement and counts the rows it touched.
    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => {
                bind!(sqlx::query(sql), values).execute(pool).await?.rows_affected()
            }
            Self::Postgres(pool) => {
                bind!(sqlx::query(sql), values).execute(pool).await?.rows_affected()
            }
            Self::MySql(pool) => {
                let sql = AssertSqlSafe(question_marks(sql));
                bind!(sqlx::query(sql), values).execute(pool).await?.rows_affected()
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
            Self::Sqlite(pool) => bind!(sqlx::query_as(sql), values).fetch_all(pool).await,
            Self::Postgres(pool) => bind!(sqlx::query_as(sql), values).fetch_all(pool).await,
            Self::MySql(pool) => {
                let sql = AssertSqlSafe(question_marks(sql));
                bind!(sqlx::query_as(sql), values).fetch_all(pool).await
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
            sqlx::Error::Database(error) if passes(error.code().as_deref()) => {
                Self::Unavailable(text)
            }
            _ => Self::Refused(text),
        }
    }
}

/// Tells errors of a database that starts, stops, fails over or is full from all others.
fn passes(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    let failing_over = ["25006", "HY000", "40001", "53300", "5", "517"].contains(&code);
    failing_over || code.starts_with("08") || code.starts_with("57P")
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
