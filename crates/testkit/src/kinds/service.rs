//! A service: needs the rules of its gate, leaves its count to a scaler, and how requests are
//! shared out among its versions to whoever rolls them out.

use std::collections::BTreeSet;

use deployer_core::{After, Change, Grant, Impact, Kind, Naming, Ref, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain;
use crate::{Gate, Output, Part, Revision, Wall};

/// The kind.
pub struct Service;

/// What we want of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// What it runs.
    pub revision: Ref<Revision>,
    /// The gates that lead to it.
    pub gates: BTreeSet<Ref<Gate>>,
    /// The walls it is behind.
    #[serde(default)]
    pub walls: BTreeSet<Ref<Wall>>,
    /// Where it runs.
    pub parts: BTreeSet<Ref<Part>>,
    /// How many of it run at first.
    #[serde(default)]
    pub count: u32,
    /// Its versions, and which requests each gets at first.
    #[serde(default)]
    pub shares: Vec<Share>,
}

/// What one version of a service gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// The version.
    pub version: String,
    /// How many of a hundred requests.
    pub weight: u32,
}

impl Kind for Service {
    const NAME: &'static str = "service";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("revision", Change::InPlace(Impact::Rolling)),
        ("gates", Change::InPlace(Impact::Rolling)),
        ("walls", Change::InPlace(Impact::Rolling)),
        ("parts", Change::Replace(Impact::Outage)),
        ("count", Change::Delegated),
        ("shares", Change::InPlace(Impact::None)),
        ("shares.*.weight", Change::Delegated),
    ];
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    const AFTER: &'static [After] = &[After { kind: "rule", sharing: Some("gate") }];
    const GRANTS: &'static [Grant] = &[Grant::of("gates")];
    const FILLS: Option<&'static str> = Some("gates");
    const TYPICAL: Typical = Typical { create: 60, update: 90, delete: 30 };
    type Spec = Spec;
    type Output = Output;
}

plain!(Service);
