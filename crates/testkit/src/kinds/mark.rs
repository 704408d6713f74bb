//! A mark on a network: goes when the network goes.

use deployer_core::{Change, Impact, Kind, Ref, Removal, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain;
use crate::{Network, Output};

/// The kind.
pub struct Mark;

/// What we want of a mark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The network it is on.
    pub network: Ref<Network>,
    /// What it says.
    pub text: String,
}

impl Kind for Mark {
    const NAME: &'static str = "mark";
    const CHANGES: &'static [(&'static str, Change)] =
        &[("network", Change::Replace(Impact::None)), ("text", Change::Replace(Impact::None))];
    const REPLACEMENT: Replacement = Replacement::Supersede;
    const REMOVAL: Removal = Removal::WithParent;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = Spec;
    type Output = Output;
}

plain!(Mark);
