//! On whose behalf a call is made: how urgent it is, who hears what it waits for, and what ends it.
//!
//! It is kept with the task, so that a kind need not hand it on to each of its calls.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deployer_core::{Cause, Failure};
use tokio_util::sync::CancellationToken;

use crate::wait::pause;
use crate::{Service, Voice};

tokio::task_local! {
    static WORK: Arc<Work>;
}

/// Nothing is silent for longer: what takes longer is shown.
const SILENCE: Duration = Duration::from_secs(2);

/// For how long a call is made again that has no effect, outside a run: someone waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whose calls they are.
pub(crate) struct Work {
    pub(crate) urgency: Urgency,
    /// For how long a call is made again that is throttled, or not sent for want of credentials.
    pub(crate) patience: Duration,
    pub(crate) ear: Box<dyn Ear>,
    /// Ends the work at its next wait.
    pub(crate) cancel: CancellationToken,
    /// It has come to its end that way.
    pub(crate) stopped: CancellationToken,
}

/// Which of the calls that wait goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It waits for its turn, and goes before others with less.
    Of(u32),
    /// It waits for nobody.
    Now,
}

/// Who hears what a call waits for.
pub(crate) trait Ear: Send + Sync {
    /// A call is about to be made. `false` when it must not be, since the run was interrupted
    /// before its first.
    fn begin(&self) -> bool {
        true
    }

    /// It takes a while, because of this.
    fn waiting(&self, on: &str);

    /// A call to this service failed, and is made again.
    fn retrying(&self, service: &'static Service, failure: &Failure);
}

impl Work {
    /// The work of this task.
    pub(crate) fn current() -> Arc<Self> {
        WORK.try_with(Arc::clone).unwrap_or_else(|_| Arc::new(Self::new(Urgency::Of(0), NOBODY)))
    }

    /// Work outside a run.
    fn new(urgency: Urgency, ear: impl Ear + 'static) -> Self {
        Self {
            urgency,
            patience: PATIENCE,
            ear: Box::new(ear),
            cancel: CancellationToken::new(),
            stopped: CancellationToken::new(),
        }
    }

    /// Does it: all calls that the future makes are on its behalf.
    pub(crate) async fn done<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        WORK.scope(self, future).await
    }

    /// Waits so long, unless the work is cancelled, which ends it here.
    pub(crate) async fn pause(&self, length: Duration) {
        self.unless_cancelled(pause(length)).await;
    }

    /// Waits for something, unless the work is cancelled, which ends it here. What it waits for is
    /// shown when that takes long.
    pub(crate) async fn wait<F: Future>(&self, on: &str, future: F) -> F::Output {
        let mut future = pin!(future);
        // What is there already need not be waited for, cancelled or not.
        if let Some(value) = futures_util::FutureExt::now_or_never(future.as_mut()) {
            return value;
        }
        self.unless_cancelled(self.show(on, future)).await
    }

    /// Does something that is not cut short. That it takes long is shown.
    pub(crate) async fn show<F: Future>(&self, on: &str, future: F) -> F::Output {
        let mut future = pin!(future);
        tokio::select! {
            biased;
            value = &mut future => return value,
            () = pause(SILENCE) => self.ear.waiting(on),
        }
        future.await
    }

    /// Begins the work, unless the run was interrupted before, which ends it here.
    pub(crate) async fn begin(&self) {
        if !self.ear.begin() {
            match self.stop().await {}
        }
    }

    /// Ends the work where it stands: it goes on no more, and whoever began it drops it.
    async fn stop(&self) -> Infallible {
        self.stopped.cancel();
        std::future::pending().await
    }

    async fn unless_cancelled<F: Future>(&self, future: F) -> F::Output {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => match self.stop().await {},
            value = future => value,
        }
    }
}

/// Shows through `voice` what the calls that a future makes wait for, such as a scan. Without it
/// nobody hears of it.
pub async fn attended<F: Future>(voice: Voice, future: F) -> F::Output {
    let listener = Listener { voice, said: Mutex::default() };
    Arc::new(Work::new(Urgency::Of(0), listener)).done(future).await
}

/// Makes the calls of a future before all others, whatever is under way: those that keep a lock.
pub(crate) async fn at_once<F: Future>(future: F) -> F::Output {
    Arc::new(Work::new(Urgency::Now, NOBODY)).done(future).await
}

/// Nobody hears anything.
struct Nobody;

const NOBODY: Nobody = Nobody;

impl Ear for Nobody {
    fn waiting(&self, _on: &str) {}

    fn retrying(&self, _service: &'static Service, _failure: &Failure) {}
}

/// Says everything once: the calls of many scans wait for the same thing.
struct Listener {
    voice: Voice,
    said: Mutex<BTreeSet<String>>,
}

impl Listener {
    fn say(&self, line: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(line.clone()) {
            self.voice.say(line);
        }
    }
}

impl Ear for Listener {
    fn waiting(&self, on: &str) {
        self.say(format!("waiting: {on}"));
    }

    fn retrying(&self, service: &'static Service, failure: &Failure) {
        let why = match failure.cause {
            Cause::Throttled => "throttled",
            Cause::Unsent => return self.say(format!("waiting: {}", failure.message)),
            Cause::Unreachable => "it cannot be reached",
            _ => "its reply got lost",
        };
        self.say(format!("waiting for {}: {why}", service.name));
    }
}
