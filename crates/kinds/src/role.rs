//! An IAM role with its policies.
//!
//! Policies of a role carry no tags, so they are fields of the role that does.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Arn, Change, Grant, Impact, Kind, Naming, Problem, Text, Typical};
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
        ("boundary", Change::InPlace(Impact::None)),
        ("path", Change::Replace(Impact::None)),
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

    fn check(spec: &RoleSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(boundary) = spec.boundary.as_deref().filter(|it| !is_boundary(it)) {
            let message = format!("`{boundary}` is not the ARN of a policy");
            let help = "write one such as `arn:aws:iam::111122223333:policy/limits`";
            problems.push(Problem::new("boundary", message, help));
        }
        if !is_role_path(&spec.path) {
            let message = format!("`{}` is not a path", spec.path);
            problems.push(Problem::new("path", message, "write words between slashes: `/apps/`"));
        }
        problems
    }
}

/// Whether a text is the ARN of a policy of IAM.
pub fn is_boundary(text: &str) -> bool {
    Arn::read(text).is_some_and(|it| it.service == "iam" && it.resource.starts_with("policy/"))
}

/// Whether a text is a path of IAM that leaves room for what is put behind it: words between slashes,
/// at most 512 characters in all (`CreateRole` in the IAM API reference). One with `*` in it would
/// mean many in a policy, and one with `deployer` in it the roles of another environment.
pub fn is_role_path(text: &str) -> bool {
    const LONGEST: usize = 400;
    let are_plain = text.bytes().all(|sign| sign.is_ascii_graphic() && !b"*?".contains(&sign));
    let inside = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let is_word = |word: &str| !word.is_empty() && word != "deployer";
    let has_words = text == "/" || inside.is_some_and(|inside| inside.split('/').all(is_word));
    are_plain && has_words && text.len() <= LONGEST
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
    /// The ARN of the policy that limits what it may do, whatever it is permitted; whatever others
    /// have set is right when left out.
    pub boundary: Option<String>,
    /// What comes before the path by which it is ours.
    #[serde(default = "path")]
    pub path: String,
}

fn path() -> String {
    "/".to_owned()
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

impl Statement {
    /// One that allows these actions on these resources, whatever else holds.
    pub fn allow(actions: &[&str], resources: impl IntoIterator<Item = Text>) -> Self {
        Self {
            effect: Effect::Allow,
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
            resources: resources.into_iter().collect(),
            conditions: Conditions::new(),
        }
    }
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
