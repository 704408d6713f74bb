//! A wall: lets in those it names, by the walls they are behind.

use std::collections::BTreeSet;

use deployer_core::{Change, Grant, Impact, Kind, Ref, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain;
use crate::{Network, Output};

/// The kind.
pub struct Wall;

/// What we want of a wall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The network it is in.
    pub network: Ref<Network>,
    /// The walls behind which those are who may come in.
    #[serde(default)]
    pub admits: BTreeSet<Ref<Wall>>,
}

impl Kind for Wall {
    const NAME: &'static str = "wall";
    const CHANGES: &'static [(&'static str, Change)] =
        &[("network", Change::Replace(Impact::Outage)), ("admits", Change::InPlace(Impact::None))];
    const GRANTS: &'static [Grant] = &[Grant::of("admits")];
    const REFUSED_WHILE_USED: bool = true;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = Spec;
    type Output = Output;
}

plain!(Wall);
