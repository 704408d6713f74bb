//! A flow log: who sent what to whom in a network, written into a log group.

use deployer_core::{Change, Impact, Kind, Problem, Ref, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{LogGroup, Role, Vpc};

/// The intervals that EC2 takes (`MaxAggregationInterval` of `CreateFlowLogs` in its API reference).
const INTERVALS: [u32; 2] = [60, 600];

/// A flow log of a network.
pub struct FlowLog;

impl Kind for FlowLog {
    const NAME: &'static str = "flow-log";
    // Nothing of one can be changed (VPC user guide, "Flow logs limitations").
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::None)),
        ("log-group", Change::Replace(Impact::None)),
        ("role", Change::Replace(Impact::None)),
        ("interval", Change::Replace(Impact::None)),
    ];
    // There cannot be two from one network into one log group (`FlowLogAlreadyExists`).
    const REPLACEMENT: Replacement = Replacement::DeleteFirst;
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = FlowLogSpec;
    type Output = FlowLogOutput;

    fn check(spec: &FlowLogSpec) -> Vec<Problem> {
        if INTERVALS.contains(&spec.interval) {
            return Vec::new();
        }
        let message = format!("{{{} s}} is not an interval of flow logs", spec.interval);
        vec![Problem::amounts("interval", message, "expected `{60}` or `{600}`")]
    }
}

/// What we want of a flow log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FlowLogSpec {
    /// The network.
    pub vpc: Ref<Vpc>,
    /// The log group that it is written into.
    pub log_group: Ref<LogGroup>,
    /// The role that may write there.
    pub role: Ref<Role>,
    /// The most seconds that a record is about, 60 or 600.
    #[serde(default = "interval")]
    pub interval: u32,
}

/// What AWS returns for a flow log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlowLogOutput {
    /// The identifier, `fl-…`.
    pub id: String,
}

fn interval() -> u32 {
    600
}
