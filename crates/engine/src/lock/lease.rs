//! Until when a holder may take its claim for granted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Holder;

/// Until when the holder of a lock may change things without looking whether it still holds it.
#[derive(Clone, Debug)]
pub struct Lease {
    length: Duration,
    state: Arc<Mutex<State>>,
    cancel: CancellationToken,
}

#[derive(Debug)]
struct State {
    renewed: Now,
    lost_to: Option<Holder>,
}

/// Two clocks. The first does not jump; the second goes on while a machine sleeps.
#[derive(Clone, Copy, Debug)]
struct Now {
    steady: Instant,
    wall: SystemTime,
}

impl Now {
    #[expect(clippy::disallowed_methods, reason = "a lease must also end while a laptop is shut")]
    fn read() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// How long ago it was, by the clock that says longer. A wall clock that was set back says
    /// nothing.
    fn age(self) -> Duration {
        let now = Self::read();
        let wall = now.wall.duration_since(self.wall).unwrap_or_default();
        wall.max(now.steady.duration_since(self.steady))
    }
}

/// The moment at which a sign of life was begun to be given.
pub(super) struct Beat(Now);

impl Beat {
    pub(super) fn begin() -> Self {
        Self(Now::read())
    }
}

impl Lease {
    /// A lease that counts from the beginning of the call that made the claim.
    pub(super) fn new(length: Duration, beat: &Beat, cancel: CancellationToken) -> Self {
        Self {
            length,
            state: Arc::new(Mutex::new(State { renewed: beat.0, lost_to: None })),
            cancel,
        }
    }

    /// Whether its holder may change things.
    pub fn is_fresh(&self) -> bool {
        let state = self.lock();
        state.lost_to.is_none() && state.renewed.age() < self.length
    }

    /// How long each sign of life counts.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// Who has taken the lock over, if somebody has.
    pub fn lost_to(&self) -> Option<Holder> {
        self.lock().lost_to.clone()
    }

    /// What ends the run: it is asked to stop, or somebody has taken the lock over.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    pub(super) fn renew(&self, beat: &Beat) {
        self.lock().renewed = beat.0;
    }

    pub(super) fn lose(&self, to: Holder) {
        self.lock().lost_to = Some(to);
        self.cancel.cancel();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_mins(1);
    const JUMP: Duration = Duration::from_hours(2);

    fn renewed_at(now: Now) -> Lease {
        Lease::new(LENGTH, &Beat(now), CancellationToken::new())
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_when_the_clock_is_set_forward_or_the_machine_has_slept() {
        let now = Now::read();
        assert!(renewed_at(now).is_fresh());
        assert!(!renewed_at(Now { wall: now.wall - JUMP, ..now }).is_fresh());
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_does_not_make_a_lease_longer() {
        let now = Now::read();
        let lease = renewed_at(Now { wall: now.wall + JUMP, ..now });
        assert!(lease.is_fresh());
        tokio::time::advance(LENGTH).await;
        assert!(!lease.is_fresh());
    }
}
