//! A secret whose value is generated once and never read back.

use deployer_core::{Alphabet, Change, Impact, Kind, Naming, Problem, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret of Secrets Manager with a generated value.
pub struct Secret;

impl Kind for Secret {
    const NAME: &'static str = "secret";
    // How the value is made matters once; from then on it belongs to whoever rotates it.
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("description", Change::InPlace(Impact::None)),
        ("length", Change::Delegated),
        ("characters", Change::Delegated),
        ("recovery-days", Change::InPlace(Impact::None)),
    ];
    // Names of secrets: at most 512 characters (Secrets Manager API reference).
    const NAMING: Option<Naming> = Some(Naming { longest: 512, alphabet: Alphabet::Slashes });
    const GENTLEST: &'static [(&'static str, &'static str)] = &[("recovery-days", "30")];
    const DELETION: Impact = Impact::DataLoss;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = SecretSpec;
    type Output = SecretOutput;

    fn check(spec: &SecretSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !(8..=4096).contains(&spec.length) {
            let message = format!("{} characters is no length for a secret", spec.length);
            problems.push(Problem::new("length", message, "take 8 to 4096"));
        }
        // RecoveryWindowInDays takes 7 to 30 (Secrets Manager API reference).
        if spec.recovery_days != 0 && !(7..=30).contains(&spec.recovery_days) {
            let message = format!("a secret cannot be recovered for {} days", spec.recovery_days);
            problems.push(Problem::new("recovery-days", message, "take 7 to 30, or 0 for none"));
        }
        problems
    }
}

/// What we want of a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SecretSpec {
    /// What it is for.
    #[serde(default = "description")]
    pub description: String,
    /// How many characters are generated.
    #[serde(default = "length")]
    pub length: u32,
    /// Which characters are generated.
    #[serde(default)]
    pub characters: Characters,
    /// Days in which it can be recovered after it is deleted, 7 to 30; gone at once when 0.
    #[serde(default = "recovery_days")]
    pub recovery_days: u32,
}

/// Which characters a generated secret has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Characters {
    /// Letters and digits.
    #[default]
    Alphanumeric,
    /// Letters, digits and punctuation.
    Printable,
}

/// What AWS tells of a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecretOutput {
    /// The ARN.
    pub id: String,
    /// The name.
    pub name: String,
}

fn description() -> String {
    "managed by deployer".to_owned()
}

fn length() -> u32 {
    32
}

fn recovery_days() -> u32 {
    7
}
