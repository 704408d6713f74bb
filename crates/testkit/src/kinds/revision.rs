//! A revision of a program: a new one supersedes the old, which stays as history. One that is
//! to be built is built before planning.

use std::time::Duration;

use deployer_core::{Cause, Change, Failure, Impact, Kind, Replacement, Text, Typical};
use deployer_engine::{Context, Found, Resource, Result, Voice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plain::plain;
use crate::toy::Toy;
use crate::{Memory, Output};

/// How long it takes to build an image whose name ends with `:heavy`.
const HEAVY: Duration = Duration::from_mins(1);

/// The kind.
pub struct Revision;

/// What we want of a revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The program.
    pub image: String,
    /// Where it finds its store.
    pub url: Text,
}

impl Kind for Revision {
    const NAME: &'static str = "revision";
    const CHANGES: &'static [(&'static str, Change)] =
        &[("image", Change::Replace(Impact::Rolling)), ("url", Change::Replace(Impact::Rolling))];
    const REPLACEMENT: Replacement = Replacement::Supersede;
    const TYPICAL: Typical = Typical { create: 0, update: 0, delete: 0 };
    type Spec = Spec;
    type Output = Output;
}

impl Toy for Revision {}

impl Resource<Memory> for Revision {
    plain!(@scan Revision);

    async fn create(cx: &Context<'_, Memory>, spec: &Spec) -> Result<Output> {
        if spec.image.ends_with(":heavy") {
            cx.alone("its build", crate::pass(HEAVY)).await;
        }
        cx.cloud.create::<Self>(cx, spec).await
    }

    plain!(@rest Revision);

    async fn delete(cx: &Context<'_, Memory>, live: &Found<Self>) -> Result<Vec<String>> {
        cx.cloud.delete::<Self>(cx, &live.output.id).await.map(|()| Vec::new())
    }

    async fn preview(_cloud: &Memory, spec: &Spec) -> Result<()> {
        match spec.image.strip_suffix(":missing") {
            Some(name) => {
                let why = format!("read the archive {name}: no such file");
                Err(Failure::new(Cause::Refused, format!("build {name}"), why))
            }
            None => Ok(()),
        }
    }

    async fn prepare(_cloud: &Memory, spec: &Spec, voice: &Voice) -> Result<Option<Spec>> {
        match spec.image.strip_suffix(":build") {
            Some("broken") => {
                Err(Failure::new(Cause::Refused, "build broken", "it does not compile"))
            }
            Some(name) => {
                voice.say(format!("building {name}"));
                crate::pass(Duration::from_secs(1)).await;
                voice.say(format!("built {name}"));
                Ok(Some(Spec { image: format!("{name}@sha256:1"), ..spec.clone() }))
            }
            None => Ok(None),
        }
    }
}
