//! Records the events of a run, and holds them to what every run promises.

use std::collections::BTreeMap;

use deployer_core::{Event, Plan, StepId, What};
use deployer_engine::Outcome;

/// The events of one run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In the order they were reported.
    pub events: Vec<Event>,
}

impl History {
    /// Notes one event.
    pub fn record(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    /// Asserts that every step of the plan ends exactly once, that nothing is told of a step
    /// before it began or after it ended, and that the outcome says the same.
    ///
    /// # Panics
    /// When that is not so.
    pub fn check(&self, plan: &Plan, outcome: &Outcome) {
        let mut begun: BTreeMap<StepId, bool> = BTreeMap::new();
        let mut ended: BTreeMap<StepId, &'static str> = BTreeMap::new();
        for event in &self.events {
            let (step, end) = match &event.what {
                What::Begun { step } => {
                    assert!(begun.insert(*step, true).is_none(), "step {step} began twice");
                    continue;
                }
                What::Interrupted => continue,
                What::Waiting { step, .. }
                | What::Retrying { step, .. }
                | What::Said { step, .. } => (*step, None),
                What::Done { step, .. } => (*step, Some("done")),
                What::Failed { step, .. } => (*step, Some("failed")),
                What::Abandoned { step, .. } => (*step, Some("abandoned")),
                What::NotBegun { step, .. } => (*step, Some("not begun")),
            };
            let should_have_begun = end != Some("not begun");
            assert_eq!(begun.contains_key(&step), should_have_begun, "{event:?}");
            assert!(!ended.contains_key(&step), "step {step} ended before {event:?}");
            ended.extend(end.map(|end| (step, end)));
        }
        let all: Vec<StepId> = plan.steps.iter().map(|step| step.id).collect();
        assert_eq!(ended.keys().copied().collect::<Vec<_>>(), all, "every step ends");
        let mut told: Vec<(StepId, &str)> =
            outcome.done.iter().map(|step| (*step, "done")).collect();
        told.extend(outcome.failed.iter().map(|(step, _)| (*step, "failed")));
        told.extend(outcome.abandoned.iter().map(|(step, _)| (*step, "abandoned")));
        told.extend(outcome.not_begun.iter().map(|(step, _)| (*step, "not begun")));
        told.sort_unstable();
        assert_eq!(told, ended.into_iter().collect::<Vec<_>>(), "the outcome says the same");
    }
}
