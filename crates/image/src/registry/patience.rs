//! Decides whether a failed request is made again.

use std::time::Duration;

use crate::{Progress, PushError, Report};

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause a registry may ask for with `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may pass: the connection broke, or the registry is busy or ill.
    Passing {
        /// What it is if it does not.
        error: PushError,
        /// The pause the registry asks for.
        after: Option<Duration>,
    },
    /// It will not pass.
    Final(PushError),
}

/// The attempts one request has had. Pauses double from a quarter of a second; with five attempts
/// they add up to four seconds unless the registry asks for more.
pub(super) struct Patience {
    attempt: u32,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { attempt: 0 }
    }

    /// Pauses before the next attempt, or gives up.
    pub(super) async fn pause(
        &mut self,
        failure: Failure,
        report: Report<'_>,
    ) -> Result<(), PushError> {
        self.attempt += 1;
        let attempt = self.attempt;
        let (error, after) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Passing { error, .. } if attempt == ATTEMPTS => {
                return Err(PushError::GaveUp { attempts: attempt, last: Box::new(error) });
            }
            Failure::Passing { error, after } => (error, after),
        };
        let pause = FIRST_PAUSE * 2_u32.pow(attempt - 1);
        let pause = after.map_or(pause, |asked| asked.clamp(pause, LONGEST_PAUSE));
        report(Progress::Retrying { attempt, pause, reason: error.to_string() });
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(after: Option<Duration>) -> Failure {
        let error = PushError::Unreachable {
            registry: "localhost:5000".to_owned(),
            attempted: "look for v1 in notes".to_owned(),
            reason: "connection refused".to_owned(),
        };
        Failure::Passing { error, after }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_and_end_with_what_happened() {
        let mut pauses = Vec::new();
        let mut hear = |progress| {
            if let Progress::Retrying { pause, .. } = progress {
                pauses.push(pause.as_millis());
            }
        };
        let started = tokio::time::Instant::now();
        let mut patience = Patience::new();
        for _ in 1..ATTEMPTS {
            patience.pause(passing(None), &mut hear).await.expect("there are attempts left");
        }
        let error = patience.pause(passing(None), &mut hear).await.expect_err("no more");
        assert_eq!(pauses, [250, 500, 1000, 2000]);
        assert_eq!(started.elapsed().as_millis(), 3750);
        assert_eq!(
            error.to_string(),
            "no answer from localhost:5000 when asked to look for v1 in notes: \
             connection refused (tried 5 times)"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_may_ask_for_a_longer_pause_within_reason() {
        for (asked, expected) in [(0, 250), (7000, 7000), (3_600_000, 30_000)] {
            let started = tokio::time::Instant::now();
            let asked = passing(Some(Duration::from_millis(asked)));
            Patience::new().pause(asked, &mut |_| {}).await.expect("the first attempt");
            assert_eq!(started.elapsed().as_millis(), expected);
        }
    }
}
