//! What should be: a checked stack, expanded into resources.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Address, Place, Roles, Text};

/// Whose resources these are: one environment of one stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// Where the stack is written, which tells it from another of the same name; none where
    /// nobody knows. What it makes is tagged with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl Scope {
    /// The longest origin there can be, in characters: what a tag holds.
    pub const LONGEST_ORIGIN: usize = 256;

    /// Whether an origin may have this character: one that a tag can hold in every service
    /// (tagging guide of AWS's general reference).
    pub fn may_be_in_origin(c: char) -> bool {
        c.is_ascii_alphanumeric() || "_.:/=+-@ ".contains(c)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stack, self.environment)
    }
}

/// What we want one resource to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// Where it is to be.
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
    /// The roles that lead to the other accounts its resources are in.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// The resources.
    pub resources: BTreeMap<Address, Desired>,
    /// What `outputs` prints, by name.
    pub outputs: BTreeMap<String, Text>,
}

impl Stack {
    /// The places its resources are to be at.
    pub fn places(&self) -> BTreeSet<Place> {
        self.resources.values().map(|desired| desired.place.clone()).collect()
    }
}
