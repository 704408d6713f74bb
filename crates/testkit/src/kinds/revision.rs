//! A revision of a program: a new one supersedes the old, which stays as history.

use deployer_core::{Change, Impact, Kind, Replacement, Text, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Output;
use crate::kinds::plain;

/// The kind.
pub struct Revision;

/// What we want of a revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The program.
    pub image: String,
    /// Where it finds its store.
    pub url: Text,
}

impl Kind for Revision {
    const NAME: &'static str = "revision";
    const CHANGES: &'static [(&'static str, Change)] =
        &[("image", Change::Replace(Impact::Rolling)), ("url", Change::Replace(Impact::Rolling))];
    const REPLACEMENT: Replacement = Replacement::Supersede;
    const TYPICAL: Typical = Typical { create: 0, update: 0, delete: 0 };
    type Spec = Spec;
    type Output = Output;
}

plain!(Revision);
