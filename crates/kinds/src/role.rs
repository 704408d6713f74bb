//! An IAM role with its policies.
//!
//! Policies of a role carry no tags, so they are fields of the role that does.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Change, Grant, Impact, Kind, Naming, Text, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An IAM role that AWS services may take.
pub struct Role;

impl Kind for Role {
    const NAME: &'static str = "role";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("services", Change::InPlace(Impact::None)),
        ("own-account-only", Change::InPlace(Impact::None)),
        ("conditions", Change::Delegated),
        ("inline", Change::InPlace(Impact::None)),
        ("managed", Change::InPlace(Impact::None)),
    ];
    // Names of roles: at most 64 characters (IAM user guide, "IAM and STS quotas").
    const NAMING: Option<Naming> = Some(Naming::hyphens(64));
    const GRANTS: &'static [Grant] = &[
        Grant::of("services"),
        Grant { forbids: Some(("effect", "deny")), ..Grant::of("inline") },
        // IAM user guide, "IAM and STS quotas".
        Grant { most: 10, ..Grant::of("managed") },
    ];
    const DELETION: Impact = Impact::None;
    const GLOBAL: bool = true;
    const TYPICAL: Typical = Typical { create: 3, update: 1, delete: 2 };
    type Spec = RoleSpec;
    type Output = RoleOutput;
}

/// Conditions of a policy: operator, then key, then values.
pub type Conditions = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What we want of a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoleSpec {
    /// The services that may take it, such as `ecs-tasks.amazonaws.com`.
    pub services: BTreeSet<String>,
    /// Whether they may only for what is of the account that the role is in, so that nobody else
    /// can have them take it (IAM user guide, "The confused deputy problem"). Not every service
    /// says for whom it takes a role.
    #[serde(default)]
    pub own_account_only: bool,
    /// What else must hold for that; whatever others add is left as it is.
    #[serde(default)]
    pub conditions: Conditions,
    /// Its own policies, by name.
    #[serde(default)]
    pub inline: BTreeMap<String, Vec<Statement>>,
    /// The ARNs of managed policies it has.
    #[serde(default)]
    pub managed: BTreeSet<String>,
}

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Statement {
    /// Whether it allows or denies.
    #[serde(default)]
    pub effect: Effect,
    /// The actions, such as `secretsmanager:GetSecretValue`.
    pub actions: BTreeSet<String>,
    /// The ARNs it is about.
    pub resources: BTreeSet<Text>,
    /// When it holds: operator, then key, then values.
    #[serde(default)]
    pub conditions: Conditions,
}

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Allows.
    #[default]
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

/// What AWS returns for a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleOutput {
    /// The ARN.
    pub id: String,
    /// The name.
    pub name: String,
}
