//! JSON lines: the plan, and the events.

use deployer_core::{Event, Plan};
use serde::Serialize;

use super::reporter::Reporter;
use crate::answer::as_json;
use crate::wire::run::{self, RunLine};
use crate::world::Stream;

/// Prints each event as a line of JSON.
pub(crate) struct Json {
    out: Stream,
}

impl Json {
    /// A reporter that begins with the plan, which gives the events' step numbers their meaning.
    pub(crate) fn new(plan: &Plan, out: Stream) -> Self {
        let reporter = Self { out };
        reporter.print(RunLine::Plan { plan: Box::new(plan.into()) });
        reporter
    }

    fn print(&self, line: impl Serialize) {
        self.out.write_json(&as_json(line).to_string());
    }
}

impl Reporter for Json {
    fn event(&mut self, event: &Event) {
        self.print(run::Event::from(event));
    }
}
