//! A log group of CloudWatch Logs.

use deployer_core::{Alphabet, Change, Impact, Kind, Naming, Notice, Problem, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A log group.
pub struct LogGroup;

/// What `PutRetentionPolicy` takes (CloudWatch Logs API reference).
const RETENTIONS: &[u32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

impl Kind for LogGroup {
    const NAME: &'static str = "log-group";
    const CHANGES: &'static [(&'static str, Change)] =
        &[("retention-days", Change::InPlace(Impact::None))];
    // Names of log groups: at most 512 characters (CloudWatch Logs API reference).
    const NAMING: Option<Naming> =
        Some(Naming { alphabet: Alphabet::Path, ..Naming::hyphens(512) });
    const DELETION: Impact = Impact::DataLoss;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = LogGroupSpec;
    type Output = LogGroupOutput;

    fn notices(live: &LogGroupSpec, wanted: &LogGroupSpec) -> Vec<Notice> {
        let kept = |days: u32| if days == 0 { u32::MAX } else { days };
        if kept(wanted.retention_days) >= kept(live.retention_days) {
            return Vec::new();
        }
        let because = format!("logs older than {} days are deleted", wanted.retention_days);
        vec![Notice::new(Impact::DataLoss, because)]
    }

    fn check(spec: &LogGroupSpec) -> Vec<Problem> {
        let days = spec.retention_days;
        if days == 0 || RETENTIONS.contains(&days) {
            return Vec::new();
        }
        let nearest = RETENTIONS.iter().min_by_key(|other| other.abs_diff(days)).unwrap_or(&30);
        vec![Problem::amounts(
            "retention-days",
            format!("CloudWatch Logs cannot keep logs for {{{days} days}}"),
            format!("the nearest that it accepts is `{{{nearest}}}`; `{{0}}` keeps them for ever"),
        )]
    }
}

/// What we want of a log group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogGroupSpec {
    /// Days that logs are kept; for ever when 0.
    #[serde(default = "retention_days")]
    pub retention_days: u32,
}

/// What AWS returns for a log group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogGroupOutput {
    /// The name.
    pub id: String,
    /// The ARN, without the trailing `:*`.
    pub arn: String,
}

fn retention_days() -> u32 {
    30
}
