//! A store: slow, protected on demand, never shrinks, never shows what opens it, and leaves a copy
//! behind.

use std::collections::BTreeSet;

use deployer_core::{Change, Impact, Kind, Naming, Opaque, Ref, Replacement, Typical};
use deployer_engine::{Context, Found, Resource, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plain::plain;
use crate::toy::Toy;
use crate::{Memory, Network, Output, Wall};

/// The kind.
pub struct Store;

/// What we want of a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The network it is in.
    pub network: Ref<Network>,
    /// What runs it.
    pub engine: String,
    /// How much it holds, in GiB.
    pub size: u32,
    /// The walls it is behind.
    #[serde(default)]
    pub walls: BTreeSet<Ref<Wall>>,
    /// Whether it must not be deleted.
    #[serde(default)]
    pub protected: bool,
    /// Whether a deletion leaves no copy behind; the cloud keeps this in tags alone.
    #[serde(default)]
    pub wipe: bool,
    /// What opens it, which the cloud takes and never shows.
    #[serde(default)]
    pub key: Opaque<String>,
}

impl Kind for Store {
    const NAME: &'static str = "store";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("network", Change::Replace(Impact::DataLoss)),
        ("engine", Change::Replace(Impact::DataLoss)),
        ("size", Change::InPlace(Impact::None)),
        ("walls", Change::InPlace(Impact::None)),
        ("protected", Change::InPlace(Impact::None)),
        ("wipe", Change::InPlace(Impact::None)),
        ("key", Change::InPlace(Impact::None)),
    ];
    const NAMING: Option<Naming> = Some(Naming::hyphens(63));
    const REPLACEMENT: Replacement = Replacement::DeleteFirst;
    const DELETION: Impact = Impact::DataLoss;
    const GENTLEST: &'static [(&'static str, &'static str)] = &[("wipe", "false")];
    const PROTECTION: Option<&'static str> = Some("protected");
    const TYPICAL: Typical = Typical { create: 400, update: 60, delete: 300 };
    const IS_REACHED: bool = true;
    type Spec = Spec;
    type Output = Output;

    fn endpoint(output: &Output) -> Option<String> {
        output.host.clone()
    }

    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        let shrinks = field == "size" && wanted.as_u64() < live.as_u64();
        shrinks.then_some(Change::Never("keep the size, or copy it to a smaller store"))
    }
}

impl Toy for Store {
    const HIDDEN: &'static [&'static str] = &["key"];
}

impl Resource<Memory> for Store {
    const READ_BY_NAME: bool = true;

    plain!(@scan Store);

    async fn create(cx: &Context<'_, Memory>, spec: &Spec) -> Result<Output> {
        cx.cloud.create::<Self>(cx, spec).await
    }

    plain!(@rest Store);

    async fn delete(cx: &Context<'_, Memory>, live: &Found<Self>) -> Result<Vec<String>> {
        cx.cloud.delete::<Self>(cx, &live.output.id).await?;
        let copy = format!("a copy of {}", cx.identity.name);
        Ok((!live.spec.wipe).then_some(copy).into_iter().collect())
    }
}
