//! What is said of every role that is made.

use deployer_core::Code;
use deployer_kinds::{Role, is_boundary, is_role_path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::draft::{Draft, Made};
use crate::section::{Section, Sections};

/// What every role of the stack has, where the account demands it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Roles {
    /// The ARN of the policy that limits what roles may do, whatever they are permitted: a
    /// permissions boundary. Taken out here it stays where it is.
    pub(crate) boundary: Option<String>,
    /// What comes before the path of each role: `/apps/`. Another one makes them anew.
    pub(crate) path: Option<String>,
}

impl Section for Roles {
    const KEY: &'static str = "roles";
    const ABOUT: &'static str = "A boundary and a path for every role that is made.";
    const IS_NAMED: bool = false;

    fn expand(&self, _name: &str, _all: &Sections, draft: &mut Draft) {
        let mut refuse =
            |key: &str, value: &Option<String>, is_one: fn(&str) -> bool, help: &str| {
                if let Some(value) = value.as_ref().filter(|value| !is_one(value)) {
                    let title = format!("`{value}` is not a {key} of roles");
                    draft.error(Code::BadValue, title, &["roles", key], "", help);
                }
            };
        let policy = "write the ARN of a policy: `arn:aws:iam::111122223333:policy/limits`";
        refuse("boundary", &self.boundary, is_boundary, policy);
        refuse("path", &self.path, is_role_path, "write words between slashes: `/apps/`");
    }
}

/// Gives every role in the stack's own account what is said of all, unless it says something else.
pub(crate) fn apply(all: &Sections, draft: &mut Draft) {
    let Some(roles) = all.get::<Roles>("") else { return };
    let kind = <Role as deployer_core::Kind>::NAME;
    let is_at_home = |made: &Made| made.place.account.is_none();
    let made = draft.made.iter_mut();
    let made = made.filter(|(address, made)| address.kind == kind && is_at_home(made));
    for spec in made.filter_map(|(_, made)| made.spec.as_object_mut()) {
        let mut give = |field: &str, value: Option<&String>, is_right: fn(&str) -> bool| {
            let is_open = spec.get(field).is_none_or(|it| it.is_null() || *it == "/");
            if let Some(value) = value.filter(|value| is_open && is_right(value)) {
                spec.insert(field.to_owned(), Value::String(value.clone()));
            }
        };
        give("boundary", roles.boundary.as_ref(), is_boundary);
        give("path", roles.path.as_ref(), is_role_path);
    }
}
