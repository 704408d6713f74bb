//! Whether what failed is asked for again, and when: decided by the failure's cause alone.

use std::time::Duration;

use deployer_core::{Cause, Failure};
use tokio::time::Instant;

use crate::wait::{Wait, in_words};
use crate::work::Work;

/// How long a thing just made may stay invisible, or unusable for others. Propagation takes
/// single-digit seconds as a rule; Terraform's provider and others give up after two minutes too.
pub(crate) const PROPAGATION: Duration = Duration::from_mins(2);

/// How long after the beginning of a run what its plan saw may not be visible to a call, though it
/// was listed a moment ago: a run that was killed may have made it just before.
pub(crate) const SEEN: Duration = Duration::from_secs(30);

/// What is not visible yet is asked for at least this often, since it mostly is a moment later.
const NOT_YET: Duration = Duration::from_secs(2);

/// The first pause after a throttled, lost or unreachable call; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: EC2 refills its buckets within seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(32);

/// How often in a row a reply may get lost before we say so.
pub(crate) const LOST: u32 = 5;

/// How often in a row an endpoint may stay silent before we say so: enough for a network that
/// comes back, not for one that is not there.
pub(crate) const SILENT: u32 = 3;

/// How often a call that may be repeated is, outside a wait: some fifteen seconds in all, which
/// someone who waits for a plan bears.
const INSISTENCE: u32 = 4;

/// The retries of one thing that a step asks of its kind.
pub(crate) struct Retries {
    wait: Wait,
    not_yet: Option<Wait>,
    lost: u32,
    silent: u32,
}

impl Retries {
    /// Retries within a wait that has begun.
    pub(crate) fn within(wait: Wait) -> Self {
        Self { wait, not_yet: None, lost: 0, silent: 0 }
    }

    /// The pause before the call is made again, or why it is not made again.
    pub(crate) fn next(&mut self, failure: Failure) -> Result<Duration, Failure> {
        if failure.exhausted {
            return Err(failure);
        }
        let pause = match failure.cause {
            Cause::Busy => self.wait.next_look(),
            Cause::NotYet => {
                let wait = *self.not_yet.get_or_insert_with(|| Wait::of(PROPAGATION));
                wait.next_look().map(|delay| delay.min(NOT_YET))
            }
            Cause::Ambiguous => bounded(&mut self.lost, LOST),
            Cause::Unreachable => bounded(&mut self.silent, SILENT),
            Cause::Throttled
            | Cause::Unsent
            | Cause::Gone
            | Cause::Missing
            | Cause::Taken
            | Cause::Denied
            | Cause::Credentials
            | Cause::Refused => None,
        };
        pause.ok_or_else(|| self.last(failure))
    }

    /// Forgets what came before a call that succeeded.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::within(self.wait);
    }

    /// The failure to report when there are no more retries: with how long it was tried.
    fn last(&self, mut failure: Failure) -> Failure {
        let tried = match failure.cause {
            Cause::Busy => format!("for {}", in_words(self.wait.limit())),
            Cause::NotYet => format!("for {}", in_words(PROPAGATION)),
            Cause::Ambiguous => format!("{LOST} times"),
            Cause::Unreachable => format!("{SILENT} times"),
            _ => return failure,
        };
        failure.message = format!("{} (tried again {tried})", failure.message);
        failure
    }
}

/// Whether a thing referred to or just made may merely not be visible yet.
pub(crate) fn as_not_yet(mut failure: Failure, may_lag_until: Option<Instant>) -> Failure {
    let is_absent = matches!(failure.cause, Cause::Gone | Cause::Missing);
    if is_absent && may_lag_until.is_some_and(|until| Instant::now() < until) {
        failure.cause = Cause::NotYet;
    }
    failure
}

/// The failure of a create. What it is about was made by its own first call a moment ago, so if
/// that is not there it is not visible yet.
pub(crate) fn of_a_create(mut failure: Failure) -> Failure {
    if failure.cause == Cause::Gone {
        failure.cause = Cause::NotYet;
    }
    failure
}

/// Makes calls that may be repeated again if their failure is one that passes: calls that change
/// nothing, or that change the same thing to the same again.
pub(crate) async fn insist<T, F>(call: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    use Cause::{Ambiguous, Busy, NotYet};
    let work = Work::current();
    let mut tries = 0;
    loop {
        let failure = match call().await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let passes = matches!(failure.cause, Ambiguous | Busy | NotYet) && !failure.exhausted;
        let Some(pause) = bounded(&mut tries, INSISTENCE).filter(|_| passes) else {
            return Err(failure);
        };
        tracing::debug!(?pause, %failure, "will try again");
        work.pause(pause).await;
    }
}

/// The pause before the next of a bounded number of tries.
pub(crate) fn bounded(tries: &mut u32, most: u32) -> Option<Duration> {
    *tries += 1;
    (*tries <= most).then(|| doubled(*tries))
}

pub(crate) fn doubled(tries: u32) -> Duration {
    (FIRST_PAUSE * 2_u32.saturating_pow(tries - 1)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::pause as pause_for;

    fn pauses(cause: Cause) -> Vec<u64> {
        let mut retries = Retries::within(Wait::begin(1, 0));
        std::iter::from_fn(|| retries.next(Failure::new(cause, "call", "no")).ok())
            .take(8)
            .map(|pause| pause.as_secs())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn lost_and_silent_calls_back_off_and_are_bounded() {
        assert_eq!(pauses(Cause::Ambiguous), [1, 2, 4, 8, 16]);
        assert_eq!(pauses(Cause::Unreachable), [1, 2, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_asking_again_does_not_help_is_not_asked_again() {
        use Cause::{Credentials, Denied, Gone, Missing, Refused, Taken};
        for cause in [Gone, Missing, Taken, Denied, Credentials, Refused] {
            assert!(pauses(cause).is_empty(), "{cause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_become_visible_fails_after_two_minutes_and_says_so() {
        let begun = Instant::now();
        let mut retries = Retries::within(Wait::begin(1, 0));
        let failure = loop {
            match retries.next(Failure::new(Cause::NotYet, "call", "no such role")) {
                Ok(pause) => {
                    assert!(pause <= NOT_YET);
                    pause_for(pause).await;
                }
                Err(failure) => break failure,
            }
        };
        assert_eq!(begun.elapsed(), PROPAGATION);
        assert_eq!(failure.message, "no such role (tried again for 2 min)");
    }
}
