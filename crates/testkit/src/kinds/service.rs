//! A service: needs the rules of its gate, leaves its count to a scaler, and how requests are
//! shared out among its versions to whoever rolls them out.

use std::collections::BTreeSet;

use deployer_core::{After, Change, Impact, Kind, Naming, Ref, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::plain;
use crate::{Gate, Output, Part, Revision};

/// The kind.
pub struct Service;

/// What we want of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// What it runs.
    pub revision: Ref<Revision>,
    /// The gate that leads to it.
    pub gate: Ref<Gate>,
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
        ("gate", Change::InPlace(Impact::Rolling)),
        ("parts", Change::Replace(Impact::Outage)),
        ("count", Change::Delegated),
        ("shares", Change::InPlace(Impact::None)),
        ("shares.*.weight", Change::Delegated),
    ];
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    const AFTER: &'static [After] = &[After { kind: "rule", sharing: Some("gate") }];
    const TYPICAL: Typical = Typical { create: 60, update: 90, delete: 30 };
    type Spec = Spec;
    type Output = Output;
}

plain!(Service);
