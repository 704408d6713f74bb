//! How many calls a service is sent: one bucket of tokens for each, as the services keep them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Service;

/// The buckets of all services, each full at first.
#[derive(Debug, Default)]
pub(crate) struct Buckets(Mutex<BTreeMap<&'static str, Bucket>>);

/// How many tokens there were at a time. Fewer than none means that callers wait already.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Buckets {
    /// Takes a token, and gives the time until it counts. Who asks first waits least.
    pub(crate) fn take(&self, service: &'static Service) -> Duration {
        self.change(service, |bucket| {
            bucket.tokens -= 1.0;
            let missing = (-bucket.tokens).max(0.0);
            Duration::from_secs_f64(missing / f64::from(service.per_second.max(1)))
        })
    }

    /// The service has refused a call: its own bucket is empty, whatever was thought.
    pub(crate) fn empty(&self, service: &'static Service) {
        self.change(service, |bucket| bucket.tokens = bucket.tokens.min(0.0));
    }

    fn change<T>(&self, service: &'static Service, change: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, burst) = (Instant::now(), f64::from(service.burst.max(1)));
        let bucket = buckets.entry(service.name).or_insert(Bucket { tokens: burst, at: now });
        let refilled = now.duration_since(bucket.at).as_secs_f64() * f64::from(service.per_second);
        *bucket = Bucket { tokens: (bucket.tokens + refilled).min(burst), at: now };
        change(bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static POST: Service = Service { name: "post", burst: 2, per_second: 10, codes: &[] };
    static BANK: Service = Service { name: "bank", burst: 1, per_second: 1, codes: &[] };

    const TENTH: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_sent_at_once_and_the_rest_in_single_file() {
        let buckets = Buckets::default();
        let waits: Vec<Duration> = (0..5).map(|_| buckets.take(&POST)).collect();
        assert_eq!(waits, [Duration::ZERO, Duration::ZERO, TENTH, TENTH * 2, TENTH * 3]);
        assert_eq!(buckets.take(&BANK), Duration::ZERO, "each service has its own");
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_again_and_no_further_than_its_burst() {
        let buckets = Buckets::default();
        assert_eq!((0..2).map(|_| buckets.take(&POST)).max(), Some(Duration::ZERO));
        tokio::time::advance(Duration::from_mins(1)).await;
        let waits: Vec<Duration> = (0..3).map(|_| buckets.take(&POST)).collect();
        assert_eq!(waits, [Duration::ZERO, Duration::ZERO, TENTH]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_call_makes_the_next_ones_wait() {
        let buckets = Buckets::default();
        buckets.empty(&POST);
        assert_eq!(buckets.take(&POST), TENTH);
    }
}
