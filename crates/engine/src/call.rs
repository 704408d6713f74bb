//! Calls on the cloud on behalf of one step: each in its turn, repeated as its failures allow.

use std::pin::Pin;
use std::sync::Arc;

use deployer_core::{Cause, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::retry::{Retries, as_not_yet};
use crate::speak::Speaker;
use crate::wait::{Wait, in_words};
use crate::{Progress, Result};

/// Why a step ends before it is done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It failed.
    Failed(Failure),
    /// The run was interrupted while it waited for this.
    Abandoned(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

type Calling<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Makes the calls of one step.
pub(crate) struct Caller {
    /// Where it tells what it does.
    pub(crate) speaker: Speaker,
    /// Ends the step at its next wait.
    pub(crate) cancel: CancellationToken,
    /// One permit for each call that may be under way at a time.
    pub(crate) turns: Arc<Semaphore>,
    /// The permit the step began with.
    pub(crate) first: Option<OwnedSemaphorePermit>,
    /// How long the step typically takes, in seconds.
    pub(crate) typical: u32,
    /// Until when a thing that is not there may merely not be visible yet.
    pub(crate) young_until: Option<Instant>,
}

impl Caller {
    /// Makes a call until it succeeds, or making it again does not help.
    pub(crate) async fn insist<'a, T>(
        &mut self,
        call: impl Fn() -> Calling<'a, T>,
    ) -> std::result::Result<T, Stop> {
        let mut retries = Retries::within(Wait::begin(self.typical));
        loop {
            match self.call(call()).await? {
                Ok(value) => return Ok(value),
                Err(failure) => self.back_off(&mut retries, failure).await?,
            }
        }
    }

    /// Looks again and again until AWS is done, or will never be. `state` says what is waited
    /// for, such as `ready`.
    pub(crate) async fn look_until<'a, T>(
        &mut self,
        state: &str,
        look: impl Fn() -> Calling<'a, Progress<T>>,
    ) -> std::result::Result<T, Stop> {
        self.look_within(Wait::begin(self.typical), state, look).await
    }

    /// The same with a wait of its own.
    pub(crate) async fn look_within<'a, T>(
        &mut self,
        wait: Wait,
        state: &str,
        look: impl Fn() -> Calling<'a, Progress<T>>,
    ) -> std::result::Result<T, Stop> {
        let mut retries = Retries::within(wait);
        loop {
            match self.call(look()).await? {
                Ok(Progress::Done(value)) => return Ok(value),
                Ok(Progress::Failed(why)) => {
                    return Err(Failure::new(Cause::Refused, format!("see it {state}"), why).into());
                }
                Ok(Progress::Waiting(on)) => {
                    retries.succeeded();
                    self.speaker.waiting(&on);
                    let delay = wait.next_look().ok_or_else(|| expired(state, &on, wait))?;
                    self.pause(delay).await?;
                }
                Err(failure) => self.back_off(&mut retries, failure).await?,
            }
        }
    }

    /// Makes one call, as soon as it is its turn. A call that has begun runs to its end.
    pub(crate) async fn call<T>(
        &mut self,
        call: Calling<'_, T>,
    ) -> std::result::Result<Result<T>, Stop> {
        let _turn = if let Some(permit) = self.first.take() {
            permit
        } else {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(self.abandoned()),
                permit = Arc::clone(&self.turns).acquire_owned() => {
                    permit.expect("the turns are never closed")
                }
            }
        };
        Ok(call.await)
    }

    /// Waits before a call is made again, or says why it is not.
    pub(crate) async fn back_off(
        &mut self,
        retries: &mut Retries,
        failure: Failure,
    ) -> std::result::Result<(), Stop> {
        let failure = as_not_yet(failure, self.young_until);
        let delay = retries.next(failure.clone())?;
        tracing::debug!(?delay, %failure, "will call again");
        self.speaker.retrying(&failure);
        self.pause(delay).await
    }

    async fn pause(&self, delay: std::time::Duration) -> std::result::Result<(), Stop> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(self.abandoned()),
            () = tokio::time::sleep(delay) => Ok(()),
        }
    }

    fn abandoned(&self) -> Stop {
        Stop::Abandoned(self.speaker.waits_on())
    }
}

fn expired(state: &str, on: &str, wait: Wait) -> Failure {
    let attempted = format!("see it {state} within {}", in_words(wait.limit()));
    Failure::new(Cause::Busy, attempted, format!("AWS still says `{on}`"))
        .help("AWS may still finish it; the next run goes on from there")
}
