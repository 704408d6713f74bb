//! Spreads pauses, so that callers that were refused together do not come back together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where the length of a pause comes from. The default spreads nothing, which is for tests.
#[derive(Debug, Default)]
pub(crate) struct Jitter(Option<AtomicU64>);

impl Jitter {
    /// Jitter that begins with this seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Some(AtomicU64::new(seed)))
    }

    /// A pause between nothing and `longest`, each length as likely as any other ("Exponential
    /// Backoff And Jitter" in the AWS architecture blog calls it full jitter).
    pub(crate) fn of(&self, longest: Duration) -> Duration {
        let Some(state) = &self.0 else { return longest };
        // SplitMix64: the state counts up, and each count is mixed into a number (Steele, Lea and
        // Flood, "Fast splittable pseudorandom number generators").
        let count = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mut mixed = count.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(mixed % nanos.saturating_add(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(8);

    fn pauses(jitter: &Jitter) -> Vec<Duration> {
        (0..200).map(|_| jitter.of(LONGEST)).collect()
    }

    #[test]
    fn pauses_are_spread_from_nothing_to_the_longest_and_the_same_for_the_same_seed() {
        let spread = pauses(&Jitter::seeded(7));
        assert!(spread.iter().all(|pause| *pause <= LONGEST));
        assert!(spread.iter().any(|pause| *pause < LONGEST / 8));
        assert!(spread.iter().any(|pause| *pause > LONGEST * 7 / 8));
        assert_eq!(spread, pauses(&Jitter::seeded(7)));
        assert_ne!(spread, pauses(&Jitter::seeded(8)));
    }

    #[test]
    fn without_a_seed_every_pause_is_as_long_as_it_may_be() {
        assert!(pauses(&Jitter::default()).iter().all(|pause| *pause == LONGEST));
    }
}
