//! Where a process keeps things, made from its settings.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    data::{self, DataError, RedisShared, Repository, Shared},
    settings::{DatabaseSettings, Settings},
    worker::Worker,
};

/// How long to wait before the database is asked again.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// The stores of a process.
#[derive(Clone)]
pub struct Stores {
    /// Where the notes are.
    pub repository: Arc<dyn Repository>,
    /// Where sessions, the counter and jobs are.
    pub shared: Arc<dyn Shared>,
}

impl Stores {
    /// Makes the stores without touching the network, and warns of what will not last.
    pub fn connect(settings: &Settings) -> Result<Self, DataError> {
        if let DatabaseSettings::Sqlite { file, temporary: true } = &settings.database {
            tracing::warn!(
                file = %file.display(),
                "no database is configured: notes go to a temporary file; set DATABASE_URL to keep \
                 them"
            );
        }
        let repository = Arc::new(data::connect(&settings.database));
        let shared: Arc<dyn Shared> = match &settings.cache {
            Some(cache) => Arc::new(RedisShared::new(cache)?),
            None => repository.clone(),
        };
        Ok(Self { repository, shared })
    }

    /// Runs the migrations; a database that is away is asked again until the time is over.
    pub async fn prepare(&self, startup: Duration) -> Result<(), DataError> {
        let deadline = Instant::now() + startup;
        loop {
            match self.repository.migrate().await {
                Err(error @ DataError::Unavailable(_)) if Instant::now() < deadline => {
                    tracing::warn!(%error, "the database is not there yet");
                    sleep(BETWEEN_TRIES).await;
                }
                result => return result,
            }
        }
    }

    /// Makes a worker on these stores.
    pub fn worker(&self, settings: &Settings) -> Worker {
        Worker::new(self.repository.clone(), self.shared.clone(), settings.keep)
    }
}
