//! What should be: a checked stack, expanded into resources.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Address, Home, Place, Roles, Scope, Text};

/// What we want one resource to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// Where it should be.
    #[serde(default, skip_serializing_if = "Place::is_home")]
    pub place: Place,
    /// The serialised `Spec` of its kind, references unresolved.
    pub spec: Value,
}

/// One environment of a stack, expanded: every resource with its spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    /// Stack and environment.
    pub scope: Scope,
    /// The AWS region of everything whose place does not say otherwise.
    pub region: String,
    /// Whose account it is for, and the way there.
    #[serde(default, skip_serializing_if = "Home::is_anywhere")]
    pub home: Home,
    /// The roles that lead to the other accounts its resources are in.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// The resources.
    pub resources: BTreeMap<Address, Desired>,
    /// What `outputs` prints, by name.
    pub outputs: BTreeMap<String, Text>,
}

impl Stack {
    /// The places where its resources should be.
    pub fn places(&self) -> BTreeSet<Place> {
        self.resources.values().map(|desired| desired.place.clone()).collect()
    }
}
