//! The record by which a certificate's domain is validated.

use deployer_core::{Change, Impact, Kind, Problem, Text, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::wrong_name;

/// The record by which AWS Certificate Manager knows that a domain is ours, when the certificate is
/// issued and each time that it is renewed.
pub struct ValidationRecord;

impl Kind for ValidationRecord {
    const NAME: &'static str = "validation-record";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("zone", Change::Replace(Impact::None)),
        ("certificate", Change::InPlace(Impact::None)),
        ("domain", Change::Replace(Impact::None)),
        // A domain has the same record in all certificates of an account ("DNS validation" in the
        // ACM user guide).
        ("records", Change::Delegated),
        ("ttl", Change::InPlace(Impact::None)),
    ];
    const GLOBAL: bool = true;
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 40, update: 40, delete: 40 };
    type Spec = ValidationRecordSpec;
    type Output = ValidationRecordOutput;

    fn check(spec: &ValidationRecordSpec) -> Vec<Problem> {
        let problem = |(message, help)| Problem::new("domain", message, help);
        wrong_name(&spec.domain).map(problem).into_iter().collect()
    }
}

/// What we want of a validation record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ValidationRecordSpec {
    /// The hosted zone it is in, by name or id. When left out, the public one that has most of the
    /// domain.
    pub zone: Option<String>,
    /// The ARN of the certificate that is to be issued and renewed.
    pub certificate: Text,
    /// The domain.
    pub domain: String,
    /// The records that the certificate asks for: `${certificate/edge.records}`.
    pub records: Text,
    /// Seconds for which whoever asks may keep the answer.
    #[serde(default = "ttl")]
    pub ttl: u32,
}

/// What AWS returns for a validation record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValidationRecordOutput {
    /// The zone's id, the name and the type: `Z0123/_a.example.com/CNAME/`.
    pub id: String,
    /// The last change to it, as long as not all of AWS's name servers have it.
    pub change: Option<String>,
}

fn ttl() -> u32 {
    300
}
