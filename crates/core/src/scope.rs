//! Whose resources are whose, by stack and environment.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose resources these are: one environment of one stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub environment: String,
    /// Where the stack is written, which distinguishes it from another of the same name; none where
    /// nobody knows. What it makes is tagged with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Tags of the user's own, on everything that is made of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Scope {
    /// The longest origin there can be, in characters: what a tag holds.
    pub const LONGEST_ORIGIN: usize = 256;

    /// How many tags of their own users may give: AWS takes 50 for one thing (tagging guide of AWS's
    /// general reference), and up to twelve are ours.
    pub const MOST_TAGS: usize = 38;

    /// Whether a tag in every service, and so an origin, may have this character (tagging guide of
    /// AWS's general reference).
    pub fn may_be_in_tag(c: char) -> bool {
        c.is_ascii_alphanumeric() || "_.:/=+-@ ".contains(c)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stack, self.environment)
    }
}
