//! One line an event, for logs.

use std::time::Duration;

use deployer_core::{Action, Event, Plan, StepId, What};

use super::reporter::Reporter;
use crate::render::{Theme, doing, done, elapsed, typical};
use crate::world::Stream;

/// From how many seconds on the beginning of a step says how long it typically takes.
const WORTH_SHOWING: u32 = 30;

/// Prints each event as a line that begins with the time since the run began.
pub(crate) struct Plain<'a> {
    plan: &'a Plan,
    theme: Theme,
    out: Stream,
}

impl<'a> Plain<'a> {
    /// A reporter for this plan.
    pub(crate) fn new(plan: &'a Plan, theme: Theme, out: Stream) -> Self {
        Self { plan, theme, out }
    }

    fn line(&self, what: &What) -> String {
        let theme = &self.theme;
        let about = |step: &StepId, rest: String| {
            format!("{}: {rest}", theme.strong.style(&self.plan.steps[*step].address))
        };
        let action = |step: &StepId| self.plan.steps[*step].action;
        match what {
            What::Begun { step } => about(step, self.begun(*step)),
            What::Waiting { step, on } => about(step, format!("waiting: {on}")),
            What::Retrying { step, failure } => {
                let code = failure.code.as_ref().map(|code| format!("{code}: "));
                let retrying = theme.caution.style("trying again");
                let code = code.unwrap_or_default();
                about(step, format!("{retrying}: {code}{}", failure.message))
            }
            What::Said { step, line } => about(step, format!("{} {line}", theme.faint.style("|"))),
            What::Done { step, took, left } => {
                let done = theme.good.style(done(action(step)));
                let mut pieces = vec![format!("{done} in {}", elapsed(*took))];
                pieces.extend(left.iter().map(|left| format!("kept {left}")));
                about(step, pieces.join(", "))
            }
            What::Failed { step, took, failure } => {
                let failed = theme.bad.style("failed");
                about(step, format!("{failed} after {}: {failure}", elapsed(*took)))
            }
            What::Abandoned { step, on } => about(step, format!("left under way: {on}")),
            What::NotBegun { step, because: Some(failed) } => {
                about(step, format!("not begun, because {failed} failed"))
            }
            What::NotBegun { step, because: None } => about(step, "not begun".to_owned()),
            What::Interrupted => {
                let interrupted = theme.caution.style("interrupted");
                format!("{interrupted}: nothing new begins, calls under way are let finish")
            }
        }
    }

    fn begun(&self, step: StepId) -> String {
        let step = &self.plan.steps[step];
        match step.typical {
            seconds if seconds >= WORTH_SHOWING && step.action != Action::Await => {
                format!("{}, typically {}", doing(step.action), typical(seconds))
            }
            _ => doing(step.action).to_owned(),
        }
    }
}

impl Reporter for Plain<'_> {
    fn event(&mut self, event: &Event) {
        let time = self.theme.faint.style(stamp(event.at));
        let line = self.line(&event.what).replace('\n', " ");
        self.out.write(&format!("{time} {line}\n"));
    }
}

/// The time since the run began: `[ 12.3s]`.
fn stamp(at: Duration) -> String {
    format!("[{:5.1}s]", at.as_secs_f64())
}
