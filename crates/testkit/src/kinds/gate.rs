//! A gate: has a unique name, and is made in two calls, so a failure can leave half of one.

use deployer_core::{Change, Impact, Kind, Naming, Ref, Typical};
use deployer_engine::{Context, Found, Progress, Resource, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain;
use crate::toy::Toy;
use crate::{Memory, Network, Operation, Output};

/// The kind.
pub struct Gate;

/// What we want of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The network it leads to.
    pub network: Ref<Network>,
    /// What it speaks.
    pub protocol: String,
    /// How it finds out who is well.
    #[serde(default)]
    pub check: Check,
}

/// How a gate finds out who is well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What it asks for.
    pub path: String,
    /// How often, in seconds.
    pub every: u32,
}

impl Kind for Gate {
    const NAME: &'static str = "gate";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("network", Change::Replace(Impact::Outage)),
        ("protocol", Change::Replace(Impact::None)),
        ("check", Change::InPlace(Impact::None)),
    ];
    const NAMING: Option<Naming> = Some(Naming::hyphens(32));
    const TYPICAL: Typical = Typical { create: 150, update: 2, delete: 20 };
    type Spec = Spec;
    type Output = Output;

    /// Of one check people want to see that it holds.
    fn watch(live: &Spec, wanted: &Spec) -> u32 {
        if live.check != wanted.check && wanted.check.path == FLAKY { 60 } else { 0 }
    }
}

/// What is fine at first, and then is not.
const FLAKY: &str = "/flaky";

impl Toy for Gate {}

impl Resource<Memory> for Gate {
    plain!(@scan Gate);

    async fn create(cx: &Context<'_, Memory>, spec: &Spec) -> Result<Output> {
        let bare = Spec { check: Check::default(), ..spec.clone() };
        let output = cx.cloud.create::<Self>(cx, &bare).await?;
        let output = cx.cloud.update::<Self>(Operation::Configure, cx, &output.id, spec).await?;
        cx.say(format!("checks {}", spec.check.path));
        Ok(output)
    }

    plain!(@rest Gate);

    async fn holds(cx: &Context<'_, Memory>, output: &Output) -> Result<Progress<()>> {
        let spec = cx.cloud.spec::<Self>(cx, &output.id).await?;
        let looks =
            cx.cloud.calls().iter().filter(|call| call.operation == Operation::Look).count();
        let fails = spec["check"]["path"] == FLAKY && looks > 3;
        let on = "it answers".to_owned();
        Ok(if fails {
            Progress::Failed("it answers no more".to_owned())
        } else {
            Progress::Waiting(on)
        })
    }

    async fn delete(cx: &Context<'_, Memory>, live: &Found<Self>) -> Result<Vec<String>> {
        cx.cloud.delete::<Self>(cx, &live.output.id).await.map(|()| Vec::new())
    }
}
