//! One resource as it is in AWS, and how it is known whose it is.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Address, Place, Serial, unread};

/// How far AWS is with a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It works.
    #[default]
    Ready,
    /// It is being made or changed, and will be ready by itself.
    Settling,
    /// It is being deleted, and will be gone by itself.
    Leaving,
    /// A release that did not come up. What came before it is current, if there is anything.
    Failed,
}

/// One resource of ours as it is in AWS, its kind erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Which resource of the stack it is.
    pub address: Address,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Place::is_home")]
    pub place: Place,
    /// How often the resource has been replaced, plus one.
    pub generation: u32,
    /// The mark of the spec it was last given; none where nobody knows.
    pub mark: Option<String>,
    /// The create that made it; none before it is known whose it is, and for what is part of
    /// another resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Serial>,
    /// How it is known to be ours.
    #[serde(default)]
    pub standing: Standing,
    /// Whether its tags are as we wrote them.
    #[serde(default)]
    pub is_signed: bool,
    /// The tags of the user's own that it was given, as it has them now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The serialised `Spec`, every reference a physical identifier.
    pub spec: Value,
    /// The serialised `Output`; what is not known yet is null.
    pub output: Value,
    /// How far AWS is with it.
    pub phase: Phase,
    /// AWS's own word for its state, such as `available`; empty where there is none.
    pub state: String,
    /// What is attached to it that is not ours or that a spec cannot say: reported, never touched.
    pub foreign: Vec<String>,
}

/// A release that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallen {
    /// Which resource it is a release of.
    pub address: Address,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Place::is_home")]
    pub place: Place,
    /// What it is called: `web-3`.
    pub release: String,
    /// Why it failed, as far as that is known.
    pub because: String,
    /// The release that is current instead; none where none before it came up.
    pub current: Option<String>,
}

/// How something is known to be ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The record has it.
    #[default]
    Recorded,
    /// The record has the create that made it, and not yet what that made.
    Begun,
    /// Its proof holds, and the record is lost: somebody has to confirm it.
    Unconfirmed,
}

impl Live {
    /// The identifier AWS gave it.
    pub fn id(&self) -> &str {
        self.output.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// What a release of it is called: as its output says, or else the end of its identifier.
    pub fn release(&self) -> String {
        let named = self.output.get("release").and_then(Value::as_str);
        named.unwrap_or_else(|| self.id().rsplit('/').next().unwrap_or_default()).to_owned()
    }

    /// The paths, with dots, of what AWS does not show of it, or what this version cannot read.
    pub fn unread(&self) -> BTreeSet<String> {
        unread(&self.spec)
    }
}

/// Something that is ours by its proof and that the record does not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrecorded {
    /// Where it is.
    pub place: Place,
    /// The resource.
    pub address: Address,
    /// Its generation.
    pub generation: u32,
    /// The create that made it.
    pub serial: Serial,
    /// Its identifier.
    pub id: String,
}

/// Something that carries our tags and is not ours all the same: reported, never touched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stray {
    /// The resource that its tags say it is.
    pub address: Address,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Place::is_home")]
    pub place: Place,
    /// The identifier AWS gave it, or its name.
    pub id: String,
    /// How it is known, as a sentence: `its tags are copied …`.
    pub because: String,
    /// The identifiers it refers to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub uses: BTreeSet<String>,
}

/// Several things of which one is ours, and nobody knows which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The resource that one of them is.
    pub address: Address,
    /// Their identifiers, in order.
    pub ids: Vec<String>,
}

/// The physical identifiers a live spec refers to.
pub(crate) fn physical(spec: &Value) -> BTreeSet<&str> {
    match spec {
        Value::Object(fields) => match (fields.len(), fields.get("id").and_then(Value::as_str)) {
            (1, Some(id)) => BTreeSet::from([id]),
            _ => fields.values().flat_map(physical).collect(),
        },
        Value::Array(items) => items.iter().flat_map(physical).collect(),
        _ => BTreeSet::new(),
    }
}
