//! A rule of a gate: there can be only one for a number.

use std::collections::BTreeSet;

use deployer_core::{Change, Impact, Kind, Ref, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain;
use crate::{Gate, Output};

/// The kind.
pub struct Rule;

/// What we want of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The gate it belongs to.
    pub gate: Ref<Gate>,
    /// Its number.
    pub number: u32,
    /// The gates that are bound to it although it leads to another.
    pub reserves: Option<BTreeSet<Ref<Gate>>>,
}

impl Kind for Rule {
    const NAME: &'static str = "rule";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("gate", Change::InPlace(Impact::None)),
        ("number", Change::Replace(Impact::Restart)),
        ("reserves", Change::InPlace(Impact::None)),
    ];
    const LEADS: Option<&'static str> = Some("gate");
    const REPLACEMENT: Replacement = Replacement::DeleteFirst;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = Spec;
    type Output = Output;

    fn reserve(live: Option<&Spec>, wanted: &Spec) -> Option<Spec> {
        Some(Spec { reserves: Some([wanted.gate.clone()].into()), ..live?.clone() })
    }
}

plain!(Rule);
