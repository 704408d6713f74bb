//! What all instances share besides notes: sessions, the counter of visitors, and jobs.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::repository::DataError;

/// What is remembered of a visitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The ids of the notebooks opened last, the latest first.
    pub notebooks: Vec<String>,
}

/// How long a session is remembered after its last change.
pub const SESSION_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// A job that a worker holds for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The name of the job; two jobs of one name are one job.
    pub name: String,
    /// How often the job has been asked for; asked for again means not done yet.
    pub version: i64,
    /// How often it has been tried, this time included.
    pub attempts: i64,
}

/// Stores what all instances share; in Redis when there is one, otherwise in the database.
#[async_trait]
pub trait Shared: Send + Sync {
    /// Checks that the store answers.
    async fn reachable(&self) -> Result<(), DataError>;

    /// Finds what is remembered of a visitor.
    async fn session(&self, id: &str) -> Result<Option<Session>, DataError>;

    /// Remembers something of a visitor.
    async fn save_session(&self, id: &str, session: &Session) -> Result<(), DataError>;

    /// Forgets sessions whose time is over; counts them.
    async fn forget_sessions(&self) -> Result<u64, DataError>;

    /// Adds to the number of visitors and tells it.
    async fn add_visitors(&self, number: i64) -> Result<i64, DataError>;

    /// Asks for a job; asking again before it is done does not make it two.
    async fn push(&self, job: &str) -> Result<(), DataError>;

    /// Takes the job that waits longest; whoever does not finish it within the lease loses it.
    async fn claim(&self, lease: Duration) -> Result<Option<Claim>, DataError>;

    /// Ends a job, unless it was asked for again in the meantime.
    async fn finish(&self, claim: &Claim) -> Result<(), DataError>;

    /// Counts the jobs that wait or run.
    async fn jobs(&self) -> Result<i64, DataError>;
}
