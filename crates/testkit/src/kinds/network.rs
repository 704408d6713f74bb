//! A network: made anew before the old one goes, has no name, so a lost reply leaves a twin.

use std::collections::BTreeMap;

use deployer_core::{Change, Impact, Kind, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain;
use crate::Output;

/// The kind.
pub struct Network;

/// What we want of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// Its addresses.
    pub range: String,
    /// Words of the user's own.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Whether it resolves names; the cloud's choice when left out.
    pub names: Option<bool>,
}

impl Kind for Network {
    const NAME: &'static str = "network";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("range", Change::Replace(Impact::Outage)),
        ("labels", Change::InPlace(Impact::None)),
        ("names", Change::InPlace(Impact::None)),
    ];
    const REFUSED_WHILE_USED: bool = true;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 3 };
    type Spec = Spec;
    type Output = Output;
}

plain!(Network, SHOWN_LATE = true);
