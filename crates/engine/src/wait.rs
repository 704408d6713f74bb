//! How long to wait for AWS, and how often to look. The only place that waits for time to pass.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest time between two looks: what is nearly instant should feel so.
const SHORTEST: Duration = Duration::from_millis(250);

/// The longest time between two looks.
const LONGEST: Duration = Duration::from_secs(10);

/// No wait ends sooner than this: kinds that are typically instant have bad days too.
const LEAST_PATIENCE: Duration = Duration::from_mins(10);

/// One wait: when it began, and how long it may last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    begun: Instant,
    limit: Duration,
}

impl Wait {
    /// Begins a wait for something that typically takes so many seconds, and may take so many. It
    /// may take four times what is typical too, and ten minutes in any case.
    pub(crate) fn begin(typical: u32, limit: u32) -> Self {
        let seconds = u64::from(limit).max(u64::from(typical) * 4);
        Self::of(LEAST_PATIENCE.max(Duration::from_secs(seconds)))
    }

    /// Begins a wait of at most this long.
    pub(crate) fn of(limit: Duration) -> Self {
        Self { begun: Instant::now(), limit }
    }

    /// How long it may last.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Whether it has lasted as long as it may.
    pub(crate) fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.limit
    }

    /// The time until the next look; none when the wait has lasted long enough.
    ///
    /// It is 8 % of the time waited so far, so that no wait overshoots by more than that, and
    /// never falls beyond the deadline, so that the last look is at the deadline itself.
    pub(crate) fn next_look(&self) -> Option<Duration> {
        let waited = self.begun.elapsed();
        let left = self.limit.checked_sub(waited).filter(|left| !left.is_zero())?;
        Some((waited * 8 / 100).clamp(SHORTEST, LONGEST).min(left))
    }
}

/// Lets so much time pass. Who uses it shows what is waited for, and ends it when the run is
/// cancelled; what makes calls does both by itself.
#[expect(clippy::disallowed_methods, reason = "all waiting goes through here")]
pub async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}

/// A duration in words: `45 s`, `10 min`.
pub(crate) fn in_words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds >= 60 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_wait_overshoots_by_more_than_a_twelfth() {
        for ends_after in (1..1200).step_by(7).map(Duration::from_secs) {
            let wait = Wait::of(Duration::from_hours(1));
            while wait.begun.elapsed() < ends_after {
                pause(wait.next_look().unwrap()).await;
            }
            let (seen, allowed) = (wait.begun.elapsed(), SHORTEST.max(ends_after * 8 / 100));
            assert!(seen <= ends_after + allowed, "{ends_after:?}: {seen:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_a_look_at_its_deadline() {
        let wait = Wait::begin(1, 0);
        let mut looks = 0;
        while let Some(delay) = wait.next_look() {
            assert!((SHORTEST.min(delay)..=LONGEST).contains(&delay));
            pause(delay).await;
            looks += 1;
        }
        assert_eq!(wait.begun.elapsed(), LEAST_PATIENCE);
        assert!(looks < 120, "{looks} looks");
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_is_waited_for_long() {
        assert_eq!(Wait::begin(1, 0).limit(), Duration::from_mins(10));
        assert_eq!(Wait::begin(600, 0).limit(), Duration::from_mins(40));
        assert_eq!(Wait::begin(1, 4200).limit(), Duration::from_mins(70));
    }

    #[test]
    fn durations_read_as_a_person_would_say_them() {
        assert_eq!(in_words(Duration::from_secs(45)), "45 s");
        assert_eq!(in_words(Duration::from_mins(10)), "10 min");
    }
}
