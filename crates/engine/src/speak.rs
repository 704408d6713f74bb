//! What a step tells the owner of the run while it is under way.

use deployer_core::{Cause, Failure, StepId, What};
use tokio::sync::mpsc::UnboundedSender;

use crate::Voice;

/// Tells the owner what a step does, and nothing twice in a row.
pub(crate) struct Speaker {
    step: StepId,
    sender: UnboundedSender<(StepId, What)>,
    last: Option<Last>,
}

#[derive(PartialEq)]
enum Last {
    Waiting(String),
    Retrying(Cause, Option<String>, String),
}

impl Speaker {
    /// A speaker for one step.
    pub(crate) fn new(step: StepId, sender: UnboundedSender<(StepId, What)>) -> Self {
        Self { step, sender, last: None }
    }

    /// What a kind is handed to tell something itself.
    pub(crate) fn voice(&self) -> Voice {
        let step = self.step;
        Voice::channel(self.sender.clone(), move |line| (step, What::Said { step, line }))
    }

    /// AWS is not done.
    pub(crate) fn waiting(&mut self, on: &str) {
        let what = What::Waiting { step: self.step, on: on.to_owned() };
        self.tell(Last::Waiting(on.to_owned()), what);
    }

    /// A call will be made again. One refused because something is busy is a wait like any other.
    pub(crate) fn retrying(&mut self, failure: &Failure) {
        if failure.cause == Cause::Busy {
            return self.waiting(&failure.message);
        }
        let last = Last::Retrying(failure.cause, failure.code.clone(), failure.message.clone());
        self.tell(last, What::Retrying { step: self.step, failure: failure.clone() });
    }

    /// What the step was last heard to wait for.
    pub(crate) fn waits_on(&self) -> String {
        match &self.last {
            Some(Last::Waiting(on) | Last::Retrying(_, _, on)) => on.clone(),
            None => "its next call".to_owned(),
        }
    }

    fn tell(&mut self, last: Last, what: What) {
        if self.last.as_ref() != Some(&last) {
            self.last = Some(last);
            // The owner outlives its steps; if it is gone there is nobody left to tell.
            drop(self.sender.send((self.step, what)));
        }
    }
}
