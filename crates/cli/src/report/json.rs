//! JSON lines: the plan, the events as they are, and the result.

use std::collections::BTreeMap;

use deployer_core::{Event, Plan, StepId};
use deployer_engine::Outcome;
use serde_json::{Value, json};

use super::Reporter;
use crate::exit::Exit;
use crate::world::Stream;

/// Tells each event as a line of JSON.
pub(crate) struct Json {
    out: Stream,
}

impl Json {
    /// A reporter that begins with the plan, which gives the events' step numbers their meaning.
    pub(crate) fn new(plan: &Plan, out: Stream) -> Self {
        out.write(&format!("{}\n", json!({ "event": "plan", "plan": plan })));
        Self { out }
    }
}

impl Reporter for Json {
    fn event(&mut self, event: &Event) {
        self.out.write(&format!("{}\n", json!(event)));
    }
}

/// The last line: how the run ended.
pub(crate) fn result(
    plan: &Plan,
    outcome: &Outcome,
    exit: Exit,
    outputs: &BTreeMap<String, Value>,
) -> Value {
    let address = |step: &StepId| &plan.steps[*step].address;
    json!({
        "event": "result",
        "exit": exit.code(),
        "scope": plan.scope,
        "took": outcome.took,
        "interrupted": outcome.interrupted,
        "done": outcome.done.iter().map(|step| json!({
            "address": address(step),
            "action": plan.steps[*step].action,
        })).collect::<Vec<_>>(),
        "failed": outcome.failed.iter().map(|(step, failure)| json!({
            "address": address(step),
            "failure": failure,
        })).collect::<Vec<_>>(),
        "not-begun": outcome.not_begun.iter().map(|(step, because)| json!({
            "address": address(step),
            "because": because,
        })).collect::<Vec<_>>(),
        "abandoned": outcome.abandoned.iter().map(|(step, on)| json!({
            "address": address(step),
            "on": on,
        })).collect::<Vec<_>>(),
        "left": outcome.left.iter().map(|(address, what)| json!({
            "address": address,
            "what": what,
        })).collect::<Vec<_>>(),
        "outputs": outputs,
    })
}
