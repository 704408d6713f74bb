//! What all instances share, in the database.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::error::DatabaseError;

use super::{
    repository::DataError,
    rows::SqlRepository,
    shared::{Claim, SESSION_LIFETIME, Session, Shared},
};
use crate::clock::{self, millis};

#[async_trait]
impl Shared for SqlRepository {
    async fn reachable(&self) -> Result<(), DataError> {
        // The database is asked by the repository already.
        Ok(())
    }

    async fn session(&self, id: &str) -> Result<Option<Session>, DataError> {
        let sql = "SELECT content FROM sessions WHERE id = $1 AND expires_at > $2";
        let rows: Vec<(String,)> = self.pool.fetch(sql, &[id.into(), clock::now().into()]).await?;
        Ok(rows.first().and_then(|(content,)| serde_json::from_str(content).ok()))
    }

    async fn save_session(&self, id: &str, session: &Session) -> Result<(), DataError> {
        let content = serde_json::to_string(session)
            .map_err(|error| DataError::Refused(error.to_string()))?;
        let expires_at = clock::now() + millis(SESSION_LIFETIME);
        let values = [content.as_str().into(), expires_at.into(), id.into()];
        let update = "UPDATE sessions SET content = $1, expires_at = $2 WHERE id = $3";
        let insert = "INSERT INTO sessions (content, expires_at, id) VALUES ($1, $2, $3)";
        if self.pool.execute(update, &values).await? == 0 {
            ignore_twin(self.pool.execute(insert, &values).await)?;
        }
        Ok(())
    }

    async fn forget_sessions(&self) -> Result<u64, DataError> {
        let sql = "DELETE FROM sessions WHERE expires_at <= $1";
        Ok(self.pool.execute(sql, &[clock::now().into()]).await?)
    }

    async fn add_visitors(&self, number: i64) -> Result<i64, DataError> {
        if number != 0 {
            let sql = "UPDATE counters SET total = total + $1 WHERE name = 'visitors'";
            self.pool.execute(sql, &[number.into()]).await?;
        }
        let sql = "SELECT total FROM counters WHERE name = 'visitors'";
        let rows: Vec<(i64,)> = self.pool.fetch(sql, &[]).await?;
        Ok(rows.first().map_or(0, |(total,)| *total))
    }

    async fn push(&self, job: &str) -> Result<(), DataError> {
        let insert = "INSERT INTO jobs (name, run_at, version, attempts) VALUES ($1, $2, 1, 0)";
        let again = "UPDATE jobs SET version = version + 1 WHERE name = $1";
        if self.pool.execute(again, &[job.into()]).await? == 0 {
            ignore_twin(self.pool.execute(insert, &[job.into(), clock::now().into()]).await)?;
        }
        Ok(())
    }

    async fn claim(&self, lease: Duration) -> Result<Option<Claim>, DataError> {
        let waiting = "SELECT name, run_at, version, attempts FROM jobs WHERE run_at <= $1 \
                       ORDER BY run_at LIMIT 1";
        let take = "UPDATE jobs SET run_at = $1, attempts = attempts + 1 \
                    WHERE name = $2 AND run_at = $3";
        loop {
            let now = clock::now();
            let rows: Vec<(String, i64, i64, i64)> =
                self.pool.fetch(waiting, &[now.into()]).await?;
            let Some((name, run_at, version, attempts)) = rows.into_iter().next() else {
                return Ok(None);
            };
            let values = [(now + millis(lease)).into(), name.as_str().into(), run_at.into()];
            // Another worker may have been faster; then the next job is looked for.
            if self.pool.execute(take, &values).await? == 1 {
                return Ok(Some(Claim { name, version, attempts: attempts + 1 }));
            }
        }
    }

    async fn finish(&self, claim: &Claim) -> Result<(), DataError> {
        let name = claim.name.as_str();
        let done = "DELETE FROM jobs WHERE name = $1 AND version = $2";
        let again = "UPDATE jobs SET run_at = $1, attempts = 0 WHERE name = $2";
        if self.pool.execute(done, &[name.into(), claim.version.into()]).await? == 0 {
            self.pool.execute(again, &[clock::now().into(), name.into()]).await?;
        }
        Ok(())
    }

    async fn jobs(&self) -> Result<i64, DataError> {
        let rows: Vec<(i64,)> = self.pool.fetch("SELECT COUNT(*) FROM jobs", &[]).await?;
        Ok(rows.first().map_or(0, |(number,)| *number))
    }
}

/// Takes it for done when another process inserted the same row a moment earlier.
fn ignore_twin(inserted: Result<u64, sqlx::Error>) -> Result<(), DataError> {
    match inserted {
        Err(error) if error.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {
            Ok(())
        }
        other => Ok(other.map(|_| ())?),
    }
}
