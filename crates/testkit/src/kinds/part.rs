//! A part of a network: its place must be free before its successor can have it.

use deployer_core::{Change, Impact, Kind, Ref, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain;
use crate::{Network, Output};

/// The kind.
pub struct Part;

/// What we want of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The network it is a part of.
    pub network: Ref<Network>,
    /// The zone it is in.
    pub zone: String,
    /// Whether the world can reach it.
    #[serde(default)]
    pub open: bool,
}

impl Kind for Part {
    const NAME: &'static str = "part";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("network", Change::Replace(Impact::Outage)),
        ("zone", Change::Replace(Impact::Outage)),
        ("open", Change::InPlace(Impact::None)),
    ];
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = Spec;
    type Output = Output;

    fn replacement(live: &Spec, wanted: &Spec) -> Replacement {
        if live.network == wanted.network {
            Replacement::DeleteFirst
        } else {
            Replacement::CreateFirst
        }
    }
}

plain!(Part);
