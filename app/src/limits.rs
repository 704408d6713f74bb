//! How much of this process its clients may take: one of them, and all of them together.
//!
//! A request has its place until its answer is ready. Pages, API and gRPC draw on the same limits,
//! so that no way in is a way round.

mod client;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Once},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, Request};
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use self::client::Client;
use crate::{failure::Failure, listener::Peer, settings::LimitSettings};

/// Where a proxy says for whom it asks.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How many clients are remembered, at some hundred bytes each. When there are more, those that
/// come back least are forgotten, and begin anew.
const MOST_CLIENTS: usize = 10_000;
/// One client may have one of so many of the places: another one is not kept out by it alone.
const SHARE: usize = 4;
/// When to come back if there is no telling.
const SOON: Duration = Duration::from_secs(1);

/// What clients may take.
pub struct Limits {
    places: Option<Arc<Semaphore>>,
    share: Option<usize>,
    quota: Option<Quota>,
    clients: Cache<Client, Arc<Budget>>,
    proxies: usize,
}

/// What one client may take.
struct Budget {
    rate: Option<DefaultDirectRateLimiter>,
    places: Option<Arc<Semaphore>>,
}

/// The place of a request, given back when this is dropped.
#[must_use]
#[derive(Debug, Default)]
pub struct Place {
    _own: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl Limits {
    /// Puts up the limits that the settings ask for.
    pub fn new(settings: &LimitSettings) -> Self {
        let places = settings.requests.map(NonZeroUsize::get);
        Self {
            places: places.map(|places| Arc::new(Semaphore::new(places))),
            share: places.map(|places| places.div_ceil(SHARE)),
            quota: settings.rate.map(Quota::per_second),
            clients: Cache::new(MOST_CLIENTS),
            proxies: settings.proxies,
        }
    }

    /// Gives a request its place, or tells why there is none.
    ///
    /// A path of `health` needs no place, and unless it was forwarded for somebody it is not
    /// counted either: then a load balancer asks on its own account.
    pub fn admit<B>(&self, request: &Request<B>, health: &[&str]) -> Result<Place, Failure> {
        let headers = request.headers();
        let is_health = health.contains(&request.uri().path());
        if is_health && !headers.contains_key(FORWARDED_FOR) {
            return Ok(Place::default());
        }
        let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::UNKNOWN);
        let budget = self.budget(peer, headers);
        if let Some(rate) = &budget.rate
            && let Err(early) = rate.check()
        {
            return Err(Failure::TooMany(early.wait_time_from(DefaultClock::default().now())));
        }
        if is_health {
            return Ok(Place::default());
        }
        if peer.crowded {
            return Err(Failure::Busy);
        }
        let own = take(budget.places.as_ref()).map_err(|_| Failure::TooMany(SOON))?;
        let all = take(self.places.as_ref()).map_err(|_| Failure::Busy)?;
        Ok(Place { _own: own, _all: all })
    }

    fn budget(&self, peer: Peer, headers: &HeaderMap) -> Arc<Budget> {
        static UNTRUSTED: Once = Once::new();
        if self.proxies == 0 && headers.contains_key(FORWARDED_FOR) {
            UNTRUSTED.call_once(|| {
                tracing::warn!(
                    "requests come with X-Forwarded-For, which is not believed: if that is a load \
                     balancer of yours, all of its clients count as one until TRUSTED_PROXIES \
                     says how many proxies there are"
                );
            });
        }
        let client = Client::who_asks(peer.address, headers, self.proxies);
        let made = self.clients.get_or_insert_with(&client, || {
            Ok::<_, std::convert::Infallible>(Arc::new(Budget {
                rate: self.quota.map(RateLimiter::direct),
                places: self.share.map(|share| Arc::new(Semaphore::new(share))),
            }))
        });
        match made {
            Ok(budget) => budget,
        }
    }
}

/// Takes one of the places, if they are counted.
fn take(places: Option<&Arc<Semaphore>>) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
    places.cloned().map(Semaphore::try_acquire_owned).transpose()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn no_number_of_clients_makes_the_table_grow_without_end() {
        let limits = Limits::new(&LimitSettings {
            rate: std::num::NonZeroU32::new(1),
            requests: None,
            connections: None,
            proxies: 0,
        });
        for number in 0..100_000 {
            let address = Ipv4Addr::from_bits(number).into();
            let request = Request::get("/").extension(Peer { address, crowded: false });
            let admitted = limits.admit(&request.body(()).expect("a request"), &[]);
            assert!(admitted.is_ok(), "{address} has asked for nothing yet");
        }
        assert!(limits.clients.len() <= MOST_CLIENTS, "{}", limits.clients.len());
        assert!(limits.clients.len() > MOST_CLIENTS / 2, "{}", limits.clients.len());
    }
}
