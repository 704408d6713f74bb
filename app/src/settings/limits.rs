//! How much clients may take.

use std::num::{NonZeroU32, NonZeroUsize};

use super::reader::Reader;

/// How much clients may take; none is no limit, which is written 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// How many requests a second one client may make, and as many at once: `RATE_LIMIT`.
    pub rate: Option<NonZeroU32>,
    /// How many requests may be under way: `MAX_REQUESTS`.
    pub requests: Option<NonZeroUsize>,
    /// How many connections may be open to each port: `MAX_CONNECTIONS`.
    pub connections: Option<NonZeroUsize>,
    /// How many proxies before us say truly who asks: `TRUSTED_PROXIES`.
    pub proxies: usize,
}

impl LimitSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let rate = reader.parsed("RATE_LIMIT", "200", "a number of requests a second, or 0");
        let requests = most(reader, "MAX_REQUESTS", "256", "a number of requests, or 0");
        let connections = most(reader, "MAX_CONNECTIONS", "512", "a number of connections, or 0");
        let proxies: u8 = reader.parsed("TRUSTED_PROXIES", "0", "a number of proxies, such as 1");
        Self { rate: NonZeroU32::new(rate), requests, connections, proxies: proxies.into() }
    }
}

/// Reads how many there may be. A number that no machine reaches is a limit all the same.
fn most(
    reader: &mut Reader<'_>,
    variable: &str,
    default: &str,
    what: &str,
) -> Option<NonZeroUsize> {
    NonZeroUsize::new(reader.parsed::<u16>(variable, default, what).into())
}
