//! What a step shows the owner of the run while it is under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deployer_core::{Cause, Failure, StepId, What};
use tokio::sync::mpsc::UnboundedSender;

use crate::work::Ear;
use crate::{Service, Voice};

/// Shows the owner what a step does, and nothing twice in a row.
pub(crate) struct Speaker {
    step: StepId,
    sender: UnboundedSender<(StepId, What)>,
    gate: Gate,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_begun: bool,
    last: Option<Last>,
}

#[derive(PartialEq)]
enum Last {
    Waiting(String),
    Retrying(Cause, Option<String>, String),
}

/// What every step passes when it begins: closed once the run is interrupted, so that nothing
/// begins after the owner has said so.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<bool>>);

impl Gate {
    /// Lets nobody begin any more.
    pub(crate) fn close(&self) {
        *self.lock() = true;
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Speaker {
    /// A speaker for one step.
    pub(crate) fn new(step: StepId, sender: UnboundedSender<(StepId, What)>, gate: Gate) -> Self {
        Self { step, sender, gate, state: Mutex::default() }
    }

    /// What a kind is handed to show something itself.
    pub(crate) fn voice(&self) -> Voice {
        let step = self.step;
        Voice::channel(self.sender.clone(), move |line| (step, What::Said { step, line }))
    }

    /// AWS is not done.
    pub(crate) fn waiting(&self, on: &str) {
        let what = What::Waiting { step: self.step, on: on.to_owned() };
        self.show(Last::Waiting(on.to_owned()), what);
    }

    /// It is asked again. What was refused because something is busy is a wait like any other.
    pub(crate) fn retrying(&self, failure: &Failure) {
        if failure.cause == Cause::Busy {
            return self.waiting(&failure.message);
        }
        let last = Last::Retrying(failure.cause, failure.code.clone(), failure.message.clone());
        self.show(last, What::Retrying { step: self.step, failure: failure.clone() });
    }

    /// Begins the step, unless that is done. `false` when the run was interrupted before.
    pub(crate) fn begin(&self) -> bool {
        let is_closed = self.gate.lock();
        let mut state = self.lock();
        if !state.is_begun && !*is_closed {
            state.is_begun = true;
            self.send(What::Begun { step: self.step });
        }
        state.is_begun
    }

    /// What the step was last seen to wait for; none when it has not begun.
    pub(crate) fn waits_on(&self) -> Option<String> {
        let state = self.lock();
        let on = match &state.last {
            Some(Last::Waiting(on) | Last::Retrying(_, _, on)) => on,
            None => "its next call",
        };
        state.is_begun.then(|| on.to_owned())
    }

    /// What waits for its first turn is not seen to wait: it has not begun.
    fn show(&self, last: Last, what: What) {
        let mut state = self.lock();
        if state.is_begun && state.last.as_ref() != Some(&last) {
            state.last = Some(last);
            self.send(what);
        }
    }

    fn send(&self, what: What) {
        // The owner outlives its steps; if it is gone there is nobody left to show it to.
        drop(self.sender.send((self.step, what)));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ear for Arc<Speaker> {
    fn begin(&self) -> bool {
        Speaker::begin(self)
    }

    fn waiting(&self, on: &str) {
        Speaker::waiting(self, on);
    }

    fn retrying(&self, _service: &'static Service, failure: &Failure) {
        Speaker::retrying(self, failure);
    }
}
