//! A secret whose value is generated once and never read back.

use deployer_core::{Alphabet, Change, Impact, Kind, Naming, Opaque, Problem, Typical, is_unread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A secret of Secrets Manager with a generated value.
pub struct Secret;

impl Kind for Secret {
    const NAME: &'static str = "secret";
    // How the value is made matters once; from then on it belongs to whoever rotates it.
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("description", Change::InPlace(Impact::None)),
        ("length", Change::Delegated),
        ("characters", Change::Delegated),
        ("key", Change::Delegated),
        ("recovery-days", Change::InPlace(Impact::None)),
    ];
    // Names of secrets: at most 512 characters (Secrets Manager API reference).
    const NAMING: Option<Naming> =
        Some(Naming { alphabet: Alphabet::Slashes, ..Naming::hyphens(512) });
    const GENTLEST: &'static [(&'static str, &'static str)] = &[("recovery-days", "30")];
    const DELETION: Impact = Impact::DataLoss;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = SecretSpec;
    type Output = SecretOutput;

    fn check(spec: &SecretSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(length) = spec.length.known().filter(|length| !(8..=4096).contains(*length)) {
            let message = format!("{length} characters is not a valid length for a secret");
            problems.push(Problem::new("length", message, "expected 8 to 4096"));
        }
        // RecoveryWindowInDays takes 7 to 30 (Secrets Manager API reference).
        let days = spec.recovery_days.known();
        if let Some(days) = days.filter(|days| **days != 0 && !(7..=30).contains(*days)) {
            problems.push(Problem::amounts(
                "recovery-days",
                format!("a secret cannot be recovered for {{{days} days}}"),
                "expected `{7}` to `{30}`, or `{0}` for not at all",
            ));
        }
        problems
    }

    /// As long as it can be recovered nothing is lost; what reads it fails all the same.
    fn deletion(live: &SecretSpec, _state: &str) -> Impact {
        if live.recovery_days == 0.into() { Impact::DataLoss } else { Impact::Outage }
    }

    /// A tag that is gone is written again.
    fn change(field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
        let is_lost = field == "recovery-days" && is_unread(live);
        is_lost.then_some(Change::InPlace(Impact::None))
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
    pub length: Opaque<u32>,
    /// Which characters are generated.
    #[serde(default)]
    pub characters: Opaque<Characters>,
    /// The key under which the value stands, in an object of JSON that can be given others; it is
    /// the whole when left out.
    pub key: Option<String>,
    /// Days in which it can be recovered after it is deleted, 7 to 30; gone at once when 0.
    #[serde(default = "recovery_days")]
    pub recovery_days: Opaque<u32>,
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

/// What AWS returns for a secret.
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

fn length() -> Opaque<u32> {
    32.into()
}

fn recovery_days() -> Opaque<u32> {
    7.into()
}
