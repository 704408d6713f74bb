//! Work in the background: takes jobs one by one until it is told to stop.

mod digest;
pub mod job;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::job::Job;
use crate::{
    clock::{self, millis},
    data::{Claim, DataError, Repository, Shared},
};

/// How long a worker may take for a job before another may try it.
const LEASE: Duration = Duration::from_secs(30);
/// How long a worker without a job waits before it asks again.
const IDLE: Duration = Duration::from_secs(1);
/// How often the cleaning is asked for.
const BETWEEN_CLEANINGS: Duration = Duration::from_hours(1);
/// How many notes a digest reads: far fewer than fit into the lease.
const MOST: usize = 2000;
/// How often a job is tried.
const TRIES: i64 = 5;

/// Takes jobs from the queue and does them.
#[derive(Clone)]
pub struct Worker {
    repository: Arc<dyn Repository>,
    shared: Arc<dyn Shared>,
    keep: Duration,
}

impl Worker {
    /// Puts a worker together; notes older than `keep` are cleaned away, none when it is zero.
    pub fn new(repository: Arc<dyn Repository>, shared: Arc<dyn Shared>, keep: Duration) -> Self {
        Self { repository, shared, keep }
    }

    /// Works until told to stop; a job that has begun is finished first.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut next_cleaning = Instant::now();
        while !stop.is_cancelled() {
            if Instant::now() >= next_cleaning {
                next_cleaning = Instant::now() + BETWEEN_CLEANINGS;
                if let Err(error) = self.shared.push(&Job::Clean.to_string()).await {
                    tracing::warn!(%error, "could not ask for a cleaning");
                }
            }
            match self.work().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "could not look for a job"),
            }
            tokio::select! {
                () = sleep(IDLE) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Does one job; says whether there was one.
    pub async fn work(&self) -> Result<bool, DataError> {
        let Some(claim) = self.shared.claim(LEASE).await? else { return Ok(false) };
        let outcome = match claim.name.parse::<Job>() {
            Ok(job) => self.perform(&job).await,
            Err(error) => Err(DataError::Refused(error.to_string())),
        };
        self.settle(&claim, outcome).await?;
        Ok(true)
    }

    async fn perform(&self, job: &Job) -> Result<(), DataError> {
        match job {
            Job::Digest { notebook } => {
                let digest = digest::of(&*self.repository, notebook, MOST).await?;
                self.repository.save_digest(notebook, &digest).await
            }
            Job::Clean => {
                let sessions = self.shared.forget_sessions().await?;
                let notes = if self.keep.is_zero() {
                    0
                } else {
                    self.repository.forget_notes(clock::now() - millis(self.keep)).await?
                };
                tracing::info!(sessions, notes, "cleaned");
                Ok(())
            }
        }
    }

    /// Ends the job, or leaves it to be tried again when its lease is over.
    async fn settle(&self, claim: &Claim, outcome: Result<(), DataError>) -> Result<(), DataError> {
        let kind = claim.name.split(':').next().unwrap_or_default().to_owned();
        let labels = |outcome| [("job", kind.clone()), ("outcome", outcome)];
        match outcome {
            Ok(()) => {
                metrics::counter!("notes_jobs_total", &labels("done".into())).increment(1);
                tracing::info!(job = claim.name, "done");
                self.shared.finish(claim).await
            }
            Err(error) if claim.attempts < TRIES => {
                metrics::counter!("notes_jobs_total", &labels("tried".into())).increment(1);
                tracing::warn!(job = claim.name, %error, "will be tried again");
                Ok(())
            }
            Err(error) => {
                metrics::counter!("notes_jobs_total", &labels("dropped".into())).increment(1);
                tracing::error!(job = claim.name, %error, "dropped");
                self.shared.finish(claim).await
            }
        }
    }
}
