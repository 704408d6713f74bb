//! What is there.

use std::collections::BTreeSet;

use deployer_core::{Live, Phase, Snapshot};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::document::{Position, scope};

/// One resource that is there.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Resource {
    #[serde(flatten)]
    what: Position,
    /// AWS's identifier of it.
    id: String,
    /// How often it was replaced, plus one.
    generation: u32,
    /// How far AWS is with it.
    phase: Phase,
    /// AWS's own word for its state: `available`; empty where it has none.
    state: String,
    /// What is attached to it that the stack does not say.
    foreign: Vec<String>,
    /// The fields that AWS does not show, or that this version cannot read.
    unread: BTreeSet<String>,
}

impl From<&Live> for Resource {
    fn from(live: &Live) -> Self {
        Self {
            what: Position::of(&live.address, &live.place),
            id: live.id().to_owned(),
            generation: live.generation,
            phase: live.phase,
            state: live.state.clone(),
            foreign: live.foreign.clone(),
            unread: live.unread(),
        }
    }
}

/// Something that carries our tags and is not ours.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Stray {
    #[serde(flatten)]
    what: Position,
    /// AWS's identifier of it, or its name.
    id: String,
    /// How that is known.
    because: String,
}

impl From<&deployer_core::Stray> for Stray {
    fn from(stray: &deployer_core::Stray) -> Self {
        let what = Position::of(&stray.address, &stray.place);
        Self { what, id: stray.id.clone(), because: stray.because.clone() }
    }
}

/// What there is of one environment of a stack.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Status {
    /// The stack and the environment.
    scope: String,
    /// The account, twelve digits.
    account: String,
    /// The region.
    region: String,
    /// All that is there and ours.
    resources: Vec<Resource>,
    /// What carries our tags and is not ours.
    strays: Vec<Stray>,
}

impl Status {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self {
            scope: scope(&snapshot.scope),
            account: snapshot.account.clone(),
            region: snapshot.region.clone(),
            resources: snapshot.lives.iter().map(Resource::from).collect(),
            strays: snapshot.strays.iter().map(Stray::from).collect(),
        }
    }
}

/// What was changed outside.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Drift {
    /// The stack and the environment.
    pub(crate) scope: String,
    /// The account, twelve digits.
    pub(crate) account: String,
    /// The region.
    pub(crate) region: String,
    /// Resources that are not as they were last given.
    pub(crate) changed: Vec<Changed>,
    /// Resources that are not there: deleted, or never made.
    pub(crate) missing: Vec<String>,
    /// What others attached.
    pub(crate) attached: Vec<Attached>,
    /// What AWS does not show, or this version cannot read: no drift, and not known to be none.
    pub(crate) unread: Vec<Unread>,
    /// What carries our tags and is not ours.
    pub(crate) strays: Vec<Stray>,
}

/// A resource that is not as it was last given.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Changed {
    /// The resource.
    pub(crate) address: String,
    /// The fields.
    pub(crate) fields: Vec<Field>,
}

/// A field that is not as it was last given.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Field {
    /// The field, as a path with dots.
    pub(crate) path: String,
    /// What it was given.
    pub(crate) given: Value,
    /// What it is now.
    pub(crate) now: Value,
}

/// What others attached to a resource.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Attached {
    /// The resource.
    pub(crate) address: String,
    /// What, in words.
    pub(crate) what: Vec<String>,
}

/// The fields of a resource that could not be read.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Unread {
    /// The resource.
    pub(crate) address: String,
    /// The fields, as paths with dots.
    pub(crate) paths: BTreeSet<String>,
}
