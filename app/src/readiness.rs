//! Whether the stores answer, asked at most once a second however many want to know.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::data::DataError;

/// How long an answer is good for, a bad one too.
const FRESH: Duration = Duration::from_secs(1);
/// How long the stores may take to answer: longer than the 2 s after which a dead connection to
/// Redis is replaced, shorter than the 5 s that a load balancer waits when nothing is said.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the stores last answered; cheap to clone.
#[derive(Clone, Default)]
pub struct Readiness {
    last: Arc<Mutex<Option<Answer>>>,
}

#[derive(Clone, Copy)]
struct Answer {
    ready: bool,
    at: Instant,
}

impl Readiness {
    /// Tells whether the stores answer. Only when the last answer is too old is the check run; all
    /// who ask meanwhile wait for it. It runs on when the one who began it goes away: otherwise
    /// clients that hang up would have it begun again and again.
    pub async fn ask(
        &self,
        check: impl Future<Output = Result<(), DataError>> + Send + 'static,
    ) -> bool {
        let mut last = self.last.clone().lock_owned().await;
        if let Some(answer) = *last
            && answer.at.elapsed() < FRESH
        {
            return answer.ready;
        }
        let checking = tokio::spawn(async move {
            let ready = match timeout(PATIENCE, check).await {
                Ok(Ok(())) => true,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "not ready");
                    false
                }
                Err(_) => {
                    tracing::warn!(seconds = PATIENCE.as_secs(), "not ready: no answer in time");
                    false
                }
            };
            *last = Some(Answer { ready, at: Instant::now() });
            ready
        });
        checking.await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::{
        task::{JoinSet, yield_now},
        time::{advance, sleep},
    };

    use super::*;

    /// A store that counts how often it is asked.
    #[derive(Clone, Default)]
    struct Store(Arc<AtomicUsize>);

    impl Store {
        fn asked(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }

        async fn answers(
            self,
            after: Duration,
            answer: Result<(), DataError>,
        ) -> Result<(), DataError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            sleep(after).await;
            answer
        }

        async fn hangs(self) -> Result<(), DataError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            pending().await
        }
    }

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test(start_paused = true)]
    async fn the_stores_are_asked_once_a_second_whatever_the_number_of_requests() {
        let (readiness, store) = (Readiness::default(), Store::default());
        for second in 1..=3 {
            let mut asking = JoinSet::new();
            for _ in 0..1000 {
                let (readiness, store) = (readiness.clone(), store.clone());
                asking.spawn(async move { readiness.ask(store.answers(SOON, Ok(()))).await });
            }
            assert!(asking.join_all().await.into_iter().all(|ready| ready));
            assert_eq!(store.asked(), second);
            advance(FRESH).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bad_answer_is_kept_for_a_second_and_no_longer() {
        let (readiness, store) = (Readiness::default(), Store::default());
        let away = || Err(DataError::Unavailable("away".into()));
        assert!(!readiness.ask(store.clone().answers(SOON, away())).await);
        assert!(!readiness.ask(store.clone().answers(SOON, Ok(()))).await);
        assert_eq!(store.asked(), 1);
        advance(FRESH).await;
        assert!(readiness.ask(store.clone().answers(SOON, Ok(()))).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_given_up_once_for_all_who_wait() {
        let (readiness, store) = (Readiness::default(), Store::default());
        let begin = Instant::now();
        let mut asking = JoinSet::new();
        for _ in 0..100 {
            let (readiness, store) = (readiness.clone(), store.clone());
            asking.spawn(async move { readiness.ask(store.hangs()).await });
        }
        assert!(asking.join_all().await.into_iter().all(|ready| !ready));
        assert_eq!((store.asked(), begin.elapsed()), (1, PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_hangs_up_does_not_have_the_stores_asked_again() {
        let (readiness, store) = (Readiness::default(), Store::default());
        for _ in 0..10 {
            let (readiness, store) = (readiness.clone(), store.clone());
            let asking =
                tokio::spawn(async move { readiness.ask(store.answers(SOON, Ok(()))).await });
            yield_now().await;
            asking.abort();
            let _ = asking.await;
        }
        assert!(readiness.ask(store.clone().answers(SOON, Ok(()))).await);
        assert_eq!(store.asked(), 1);
    }
}
