//! Whether a failed request is made again. When, is for whoever pushes to say: this crate never
//! waits for time to pass.

use std::time::Duration;

use crate::{Progress, PushError, Report};

/// How often and when a failed request is made again.
pub trait Patience: Sync {
    /// The pause before a request that has failed so often in this way is made again; none when it
    /// is not. `asked` is the pause that the registry asks for.
    fn next(&self, way: Passing, failed: u32, asked: Option<Duration>) -> Option<Duration>;

    /// Lets a pause pass.
    fn pause(&self, length: Duration) -> impl Future<Output = ()> + Send;
}

/// How a request failed that may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// The registry wants fewer requests; it did nothing.
    Throttled,
    /// The connection broke, or the registry is ill.
    Lost,
}

/// How a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may pass.
    Passing {
        /// In which way.
        way: Passing,
        /// What it is if it does not.
        error: PushError,
        /// The pause the registry asks for.
        after: Option<Duration>,
    },
    /// It will not pass.
    Final(PushError),
}

/// The tries of one request.
pub(super) struct Tries<'a, P> {
    patience: &'a P,
    throttled: u32,
    lost: u32,
}

impl<'a, P: Patience> Tries<'a, P> {
    pub(super) fn new(patience: &'a P) -> Self {
        Self { patience, throttled: 0, lost: 0 }
    }

    /// Pauses before the next try, or gives up.
    pub(super) async fn pause(
        &mut self,
        failure: Failure,
        report: Report<'_>,
    ) -> Result<(), PushError> {
        let (way, error, after) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Passing { way, error, after } => (way, error, after),
        };
        let failed = match way {
            Passing::Throttled => &mut self.throttled,
            Passing::Lost => &mut self.lost,
        };
        *failed += 1;
        let pause = self.patience.next(way, *failed, after);
        let attempt = self.throttled + self.lost;
        let Some(pause) = pause else {
            return Err(PushError::GaveUp { attempts: attempt, last: Box::new(error) });
        };
        report(Progress::Retrying { attempt, pause, reason: error.to_string() });
        self.patience.pause(pause).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Bears with two failures of each way, and notes its pauses.
    #[derive(Default)]
    struct Twice(Mutex<Vec<Duration>>);

    impl Patience for Twice {
        fn next(&self, _: Passing, failed: u32, asked: Option<Duration>) -> Option<Duration> {
            (failed <= 2).then(|| asked.unwrap_or_default())
        }

        async fn pause(&self, length: Duration) {
            self.0.lock().expect("nobody panics").push(length);
        }
    }

    fn passing(way: Passing, after: Option<Duration>) -> Failure {
        let error = PushError::Unreachable {
            registry: "localhost:5000".to_owned(),
            attempted: "look for v1 in notes".to_owned(),
            reason: "connection refused".to_owned(),
        };
        Failure::Passing { way, error, after }
    }

    #[tokio::test]
    async fn it_is_tried_as_often_as_patience_lasts_and_ends_with_what_happened() {
        let patience = Twice::default();
        let mut tries = Tries::new(&patience);
        let asked = Duration::from_secs(7);
        let failures = [
            (Passing::Lost, None),
            (Passing::Throttled, Some(asked)),
            (Passing::Throttled, None),
            (Passing::Lost, None),
        ];
        for (way, after) in failures {
            tries.pause(passing(way, after), &mut |_| {}).await.expect("there are tries left");
        }
        let last = passing(Passing::Lost, None);
        let error = tries.pause(last, &mut |_| {}).await.expect_err("no more");
        let none = Duration::ZERO;
        assert_eq!(*patience.0.lock().expect("nobody panics"), [none, asked, none, none]);
        assert_eq!(
            error.to_string(),
            "no answer from localhost:5000 when asked to look for v1 in notes: \
             connection refused (tried 5 times)"
        );
    }
}
