//! Makes calls on a cloud: at a pace that its services bear, and again where that is safe.
//!
//! Below it there is one try for each call, and no pause. A call that was throttled, or that was not
//! sent for want of credentials, had no effect, so any is made again. One whose reply got lost may have had, so only those that change nothing
//! are; on others whoever asked decides, by looking first.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Cause, Failure};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::bucket::Buckets;
use crate::jitter::Jitter;
use crate::retry::{LOST, SILENT, bounded, doubled};
use crate::turns::Turns;
use crate::wait::in_words;
use crate::work::{Urgency, Work};
use crate::{Operation, Result};

/// How many calls may be under way at a time. AWS's buckets for changing calls are small, and
/// what takes long is waiting, which needs no call; more would only be throttled.
const UNDER_WAY: usize = 10;

/// The longest pause that another side may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(30);

/// The pauses before something that is listed and not found is believed to be gone.
const BELIEF: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// All calls of a cloud at one place.
#[derive(Debug, Default)]
pub struct Calls {
    buckets: Buckets,
    shared: Arc<Shared>,
}

/// What the calls at all places have in common.
#[derive(Debug)]
struct Shared {
    turns: Turns,
    jitter: Jitter,
    /// One permit: what takes all that the machine has is done alone.
    alone: Semaphore,
}

impl Default for Shared {
    /// Pauses are as long as they may be, for tests that want them to be known.
    fn default() -> Self {
        Self { turns: Turns::new(UNDER_WAY), jitter: Jitter::default(), alone: Semaphore::new(1) }
    }
}

impl Calls {
    /// Calls whose pauses are spread at random, beginning with this seed.
    pub fn seeded(seed: u64) -> Self {
        let shared = Shared { jitter: Jitter::seeded(seed), ..Shared::default() };
        Self { shared: Arc::new(shared), ..Self::default() }
    }

    /// The calls at another place: the services' buckets there are others (they are by account and
    /// region: EC2 API reference, "Request throttling").
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), ..Self::default() }
    }

    /// Makes a call. `attempt` makes one try, and says what its failure means.
    ///
    /// # Errors
    /// The failure of a try that is not repeated, or of the last one.
    pub async fn make<T, F>(
        &self,
        operation: &'static Operation,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let work = Work::current();
        let mut tries = Tries::default();
        loop {
            let failure = match self.attempt(&work, operation, &mut attempt).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            if failure.cause == Cause::Throttled {
                self.buckets.empty(operation.service);
            }
            let pause = tries.next(failure, operation.changes, work.patience);
            let (failure, pause) = pause?;
            tracing::debug!(?pause, %failure, "will call again");
            work.ear.retrying(operation.service, &failure);
            work.pause(self.shared.jitter.of(pause)).await;
        }
    }

    /// Waits until nobody else does what takes all that the machine has.
    pub(crate) async fn be_alone(&self) -> SemaphorePermit<'_> {
        self.shared.alone.acquire().await.expect("it is never closed")
    }

    /// The pauses between the tries of something that is no call.
    pub(crate) fn pauses(&self) -> Pauses<'_> {
        Pauses(&self.shared.jitter)
    }

    /// One try, as soon as it is its turn.
    async fn attempt<T, F>(
        &self,
        work: &Work,
        operation: &'static Operation,
        attempt: &mut impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let service = operation.service;
        let _turn = match work.urgency {
            Urgency::Now => None,
            Urgency::Of(urgency) => {
                let wait = self.buckets.take(service);
                if !wait.is_zero() {
                    let full =
                        format!("{} takes {} calls a second", service.name, service.per_second);
                    work.wait(&full, crate::wait::pause(wait)).await;
                }
                let queue = format!("its turn, behind {UNDER_WAY} other calls");
                Some(work.wait(&queue, self.shared.turns.take(urgency)).await)
            }
        };
        work.begin().await;
        work.show(&format!("no answer from {} yet", service.name), attempt()).await
    }
}

/// The pauses between the tries of something that is no call on a cloud, such as a request to a
/// registry.
pub struct Pauses<'a>(&'a Jitter);

impl Pauses<'_> {
    /// The pause after so many tries of which the effect is not known; none when that was enough.
    /// `asked` is how long the other side wants to be left alone, which is heeded within reason.
    pub fn lost(&self, failed: u32, asked: Option<Duration>) -> Option<Duration> {
        (failed < LOST).then(|| self.after(failed, asked))
    }

    /// The same after so many tries that the other side put off: our own pauses take no more time in
    /// all than the work has. Those that are asked for come on top.
    pub fn put_off(&self, failed: u32, asked: Option<Duration>) -> Option<Duration> {
        let passed: Duration = (1..failed).map(doubled).sum();
        let left = Work::current().patience.checked_sub(passed).filter(|left| !left.is_zero())?;
        Some(self.after(failed, asked).min(left.max(asked.unwrap_or_default())))
    }

    fn after(&self, failed: u32, asked: Option<Duration>) -> Duration {
        self.0.of(doubled(failed)).max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }

    /// Lets a pause pass.
    pub async fn pause(&self, length: Duration) {
        Work::current().pause(length).await;
    }
}

/// Asks about something that has just been listed; `None` when it is gone. What was made a moment
/// ago can be listed and not be found yet (seen of task definitions: pull request 45553 of
/// Terraform's AWS provider), so it is believed to be gone only when it stays so for some seconds.
///
/// # Errors
/// Those of the call, but for [`Cause::Gone`].
pub async fn unless_gone_for_good<T, F>(ask: impl Fn() -> F) -> Result<Option<T>>
where
    F: Future<Output = Result<T>>,
{
    let work = Work::current();
    let mut pauses = BELIEF.into_iter();
    loop {
        match ask().await {
            Ok(answer) => return Ok(Some(answer)),
            Err(failure) if failure.cause != Cause::Gone => return Err(failure),
            Err(_) => match pauses.next() {
                Some(pause) => work.pause(pause).await,
                None => return Ok(None),
            },
        }
    }
}

/// The tries of one call that failed.
#[derive(Default)]
struct Tries {
    /// Since when it was throttled or not sent, and how often.
    put_off: Option<(Instant, u32)>,
    lost: u32,
    silent: u32,
}

impl Tries {
    /// The failure and the pause before the next try, or the failure that is the end of it.
    fn next(
        &mut self,
        mut failure: Failure,
        changes: bool,
        patience: Duration,
    ) -> Result<(Failure, Duration)> {
        let (pause, tried) = match failure.cause {
            Cause::Throttled | Cause::Unsent => {
                let (since, count) = self.put_off.get_or_insert_with(|| (Instant::now(), 0));
                *count += 1;
                let left = patience.checked_sub(since.elapsed()).filter(|left| !left.is_zero());
                let pause = left.map(|left| doubled(*count).min(left));
                (pause, format!("for {}", in_words(patience)))
            }
            Cause::Ambiguous if !changes => {
                (bounded(&mut self.lost, LOST), format!("{LOST} times"))
            }
            Cause::Unreachable if !changes => {
                (bounded(&mut self.silent, SILENT), format!("{SILENT} times"))
            }
            _ => return Err(failure),
        };
        if let Some(pause) = pause {
            return Ok((failure, pause));
        }
        failure.message = format!("{} (tried again {tried})", failure.message);
        failure.exhausted = true;
        Err(failure)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::future::join_all;

    use super::*;
    use crate::{Service, Voice, attended};

    static POST: Service = Service { name: "post", burst: 1000, per_second: 1000, codes: &[] };
    static READ: Operation = POST.reads("Read");
    static CHANGE: Operation = POST.changes("Change");

    static SLOW: Service = Service { name: "slow", burst: 3, per_second: 1, codes: &[] };
    static CRAWL: Operation = SLOW.reads("Crawl");

    /// Makes a call that always fails; gives how often it was tried, for how long, and its failure.
    async fn failing(operation: &'static Operation, cause: Cause) -> (u32, u64, Failure) {
        let (calls, begun) = (Calls::default(), Instant::now());
        let mut tries = 0;
        let failed = calls.make(operation, || {
            tries += 1;
            async move { Err::<(), _>(Failure::new(cause, "call", "no")) }
        });
        let failure = failed.await.expect_err("it always fails");
        (tries, begun.elapsed().as_secs(), failure)
    }

    /// Makes calls while somebody listens; gives what was heard.
    async fn heard(calls: impl Future<Output = ()>) -> Vec<String> {
        let said = Arc::new(Mutex::new(Vec::new()));
        let hear = Arc::clone(&said);
        let voice = Voice::new(move |line| hear.lock().expect("nobody panics").push(line));
        attended(voice, calls).await;
        let said = said.lock().expect("nobody panics");
        said.clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_effect_is_made_again_whatever_it_does() {
        let causes = [Cause::Throttled, Cause::Unsent];
        for (operation, cause) in
            [&READ, &CHANGE].into_iter().flat_map(|it| causes.map(|cause| (it, cause)))
        {
            let (tries, seconds, failure) = failing(operation, cause).await;
            assert_eq!((tries, seconds), (6, 30), "1 + 2 + 4 + 8 + 15 seconds");
            assert_eq!(failure.message, "no (tried again for 30 s)");
            assert!(failure.exhausted);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_is_asked_for_again_only_where_nothing_can_have_changed() {
        for (cause, most) in [(Cause::Ambiguous, 6), (Cause::Unreachable, 4)] {
            let (tries, _, failure) = failing(&READ, cause).await;
            assert_eq!(tries, most);
            assert!(failure.exhausted, "nobody asks again on top of that");
            let (tries, seconds, failure) = failing(&CHANGE, cause).await;
            assert_eq!((tries, seconds), (1, 0));
            assert!(!failure.exhausted, "whoever asked is to look");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_asked_once() {
        use Cause::{Busy, Credentials, Denied, Gone, Missing, NotYet, Refused, Taken};
        for cause in [Busy, Credentials, Denied, Gone, Missing, NotYet, Refused, Taken] {
            assert_eq!(failing(&READ, cause).await.0, 1, "{cause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_refused_together_come_back_apart() {
        let (calls, begun) = (Calls::seeded(7), Instant::now());
        let came = Mutex::new(Vec::new());
        let callers = (0..10).map(|_| {
            let mut is_first = true;
            let came = &came;
            calls.make(&READ, move || {
                let was_first = std::mem::take(&mut is_first);
                async move {
                    if was_first {
                        return Err(Failure::new(Cause::Throttled, "call", "slow down"));
                    }
                    came.lock().expect("nobody panics").push(begun.elapsed().as_millis());
                    Ok(())
                }
            })
        });
        assert!(join_all(callers).await.into_iter().all(|result| result.is_ok()));
        let mut came = came.into_inner().expect("nobody panics");
        came.dedup();
        assert!(came.len() >= 8, "{came:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_is_sent_no_more_calls_than_it_takes() {
        let (calls, begun) = (Calls::default(), Instant::now());
        let all = (0..8).map(|_| calls.make(&CRAWL, || async { Ok(()) }));
        let said = heard(async { drop(join_all(all).await) }).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(5), "three at once, five in single file");
        assert_eq!(said, ["waiting: slow takes 1 calls a second"]);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_silent_for_longer_than_two_seconds() {
        let calls = Calls::default();
        let slow = || async {
            crate::wait::pause(Duration::from_secs(9)).await;
            Ok(())
        };
        let all = (0..11).map(|_| calls.make(&READ, slow));
        let said = heard(async { drop(join_all(all).await) }).await;
        let expected =
            ["waiting: no answer from post yet", "waiting: its turn, behind 10 other calls"];
        assert_eq!(said, expected);
        let quick = heard(async { calls.make(&READ, || async { Ok(()) }).await.expect("done") });
        assert!(quick.await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_shown_at_once_and_once_for_all_who_make_it() {
        let calls = Calls::default();
        let failing = || async { Err::<(), _>(Failure::new(Cause::Throttled, "call", "no")) };
        let all = (0..3).map(|_| calls.make(&READ, failing));
        let said = heard(async { drop(join_all(all).await) }).await;
        assert_eq!(said, ["waiting for post: throttled"]);
    }

    #[test]
    fn what_is_no_call_is_lost_five_times_or_put_off_for_a_time_and_left_alone_as_it_asks() {
        let calls = Calls::default();
        let pauses = calls.pauses();
        let seconds = |next: &dyn Fn(u32) -> Option<Duration>| {
            (1..).map_while(next).map(|pause| pause.as_secs()).collect::<Vec<_>>()
        };
        let lost = |asked: Option<u64>| {
            seconds(&|failed| pauses.lost(failed, asked.map(Duration::from_secs)))
        };
        assert_eq!(lost(None), [1, 2, 4, 8]);
        assert_eq!(lost(Some(5)), [5, 5, 5, 8]);
        assert_eq!(lost(Some(3600)), [30, 30, 30, 30]);
        assert_eq!(seconds(&|failed| pauses.put_off(failed, None)), [1, 2, 4, 8, 15]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_listed_is_believed_to_be_gone_when_it_stays_so() {
        let gone = || Failure::new(Cause::Gone, "look", "not there");
        let begun = Instant::now();
        assert_eq!(unless_gone_for_good(|| async { Err::<(), _>(gone()) }).await, Ok(None));
        assert_eq!(begun.elapsed(), BELIEF.iter().sum());
        let tries = Mutex::new(0);
        let late = || async {
            let mut tries = tries.lock().expect("nobody panics");
            *tries += 1;
            if *tries < 3 { Err(gone()) } else { Ok(*tries) }
        };
        assert_eq!(unless_gone_for_good(late).await, Ok(Some(3)));
    }
}
