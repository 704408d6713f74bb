//! Does what one step needs done until it is done: again where its failures allow, and looking
//! again until AWS has finished.

use std::pin::Pin;
use std::sync::Arc;

use deployer_core::{Cause, Failure};
use tokio::time::Instant;

use crate::retry::{Retries, as_not_yet};
use crate::speak::Speaker;
use crate::wait::{Wait, in_words};
use crate::work::Work;
use crate::{Progress, Result};

type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What a step asks of its kind, and how long it bears with it.
pub(crate) struct Caller {
    /// Whose calls they are.
    pub(crate) work: Arc<Work>,
    /// Where it shows what it does.
    pub(crate) speaker: Arc<Speaker>,
    /// How long AWS typically takes, in seconds.
    pub(crate) typical: u32,
    /// How long it may take with this very spec, in seconds.
    pub(crate) limit: u32,
    /// Until when a thing that is not there may merely not be visible yet.
    pub(crate) may_lag_until: Option<Instant>,
}

impl Caller {
    /// Begins a wait for what the step is about.
    pub(crate) fn begin(&self) -> Wait {
        Wait::begin(self.typical, self.limit)
    }

    /// Asks until it succeeds, or asking again does not help.
    pub(crate) async fn insist<'a, T>(&self, ask: impl Fn() -> Asking<'a, T>) -> Result<T> {
        let mut retries = Retries::within(self.begin());
        loop {
            match ask().await {
                Ok(value) => return Ok(value),
                Err(failure) => self.back_off(&mut retries, failure).await?,
            }
        }
    }

    /// Looks again and again until AWS is done, or will never be. `state` says what is waited
    /// for, such as `ready`.
    pub(crate) async fn look_until<'a, T>(
        &self,
        state: &str,
        look: impl Fn() -> Asking<'a, Progress<T>>,
    ) -> Result<T> {
        self.look_within(self.begin(), state, look).await
    }

    /// The same with a wait of its own.
    pub(crate) async fn look_within<'a, T>(
        &self,
        wait: Wait,
        state: &str,
        look: impl Fn() -> Asking<'a, Progress<T>>,
    ) -> Result<T> {
        let mut retries = Retries::within(wait);
        loop {
            match look().await {
                Ok(Progress::Done(value)) => return Ok(value),
                Ok(Progress::Failed(why)) => {
                    return Err(Failure::new(Cause::Refused, format!("get it {state}"), why));
                }
                Ok(Progress::Waiting(on)) => {
                    retries.succeeded();
                    self.speaker.waiting(&on);
                    let delay = wait.next_look().ok_or_else(|| expired(state, &on, wait))?;
                    self.work.pause(delay).await;
                }
                Err(failure) => self.back_off(&mut retries, failure).await?,
            }
        }
    }

    /// Looks for as long as the wait lasts whether something stays well. What was not well at the
    /// first look is none of this change's doing.
    pub(crate) async fn watch<'a>(
        &self,
        wait: Wait,
        look: impl Fn() -> Asking<'a, Progress<()>>,
    ) -> Result<()> {
        let mut is_first = true;
        while let Some(delay) = wait.next_look() {
            match self.insist(&look).await? {
                Progress::Done(()) => break,
                Progress::Failed(_) if is_first => break,
                Progress::Failed(why) => {
                    return Err(Failure::new(Cause::Refused, "see that it holds", why));
                }
                Progress::Waiting(on) => self.speaker.waiting(&format!("whether it holds: {on}")),
            }
            is_first = false;
            self.work.pause(delay).await;
        }
        Ok(())
    }

    /// Waits before it is asked again, or says why it is not.
    pub(crate) async fn back_off(&self, retries: &mut Retries, failure: Failure) -> Result<()> {
        let failure = as_not_yet(failure, self.may_lag_until);
        let delay = retries.next(failure.clone())?;
        tracing::debug!(?delay, %failure, "will ask again");
        self.speaker.retrying(&failure);
        self.work.pause(delay).await;
        Ok(())
    }
}

fn expired(state: &str, on: &str, wait: Wait) -> Failure {
    let attempted = format!("get it {state} within {}", in_words(wait.limit()));
    Failure::new(Cause::Busy, attempted, format!("AWS still says `{on}`"))
        .help("AWS may still finish it; the next run goes on from there")
}
