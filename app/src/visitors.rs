//! The number of visitors, counted in this process and added up in the shared store once a second:
//! a page costs no write, and many instances show one number.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;

use crate::data::Shared;

const BETWEEN_SUMS: Duration = Duration::from_secs(1);

/// Counts visitors.
pub struct Visitors {
    shared: Arc<dyn Shared>,
    /// Seen here, and not in the shared number yet.
    pending: AtomicI64,
    /// The shared number when it was last read.
    total: AtomicI64,
}

impl Visitors {
    /// Starts to count for a shared number.
    pub fn new(shared: Arc<dyn Shared>) -> Self {
        Self { shared, pending: AtomicI64::new(0), total: AtomicI64::new(0) }
    }

    /// Counts one more.
    pub fn count(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells how many there have been, over all instances.
    pub fn number(&self) -> i64 {
        self.total.load(Ordering::Relaxed) + self.pending.load(Ordering::Relaxed)
    }

    /// Adds up once a second, for ever.
    pub async fn run(&self) {
        loop {
            self.sum().await;
            sleep(BETWEEN_SUMS).await;
        }
    }

    /// Adds what was counted here to the shared number. When that fails, nothing is lost.
    pub async fn sum(&self) {
        let pending = self.pending.load(Ordering::Relaxed);
        match self.shared.add_visitors(pending).await {
            Ok(total) => {
                self.pending.fetch_sub(pending, Ordering::Relaxed);
                self.total.store(total, Ordering::Relaxed);
            }
            Err(error) => tracing::debug!(%error, "could not add up the visitors"),
        }
    }
}
