//! A few kinds of resources, which between them show every rule that a kind can have.

mod gate;
mod mark;
mod network;
mod part;
mod revision;
mod rule;
mod service;
mod store;
mod wall;

use deployer_core::Kind;
use deployer_engine::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Memory;

pub use gate::Gate;
pub use mark::Mark;
pub use network::Network;
pub use part::Part;
pub use revision::Revision;
pub use rule::Rule;
pub use service::Service;
pub use store::Store;
pub use wall::Wall;

/// What the cloud tells of any resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Its identifier.
    pub id: String,
    /// Where it can be reached, once it is ready.
    pub host: Option<String>,
}

/// A kind that lives in [`Memory`].
pub(crate) trait Toy: Kind<Output = Output> {
    /// The fields that a scan does not show.
    const HIDDEN: &'static [&'static str] = &[];
}

/// All of them, with how they are handled in [`Memory`], and what they offer after a deploy.
pub fn registry() -> Registry<Memory> {
    Registry::default()
        .with::<Gate>()
        .with::<Mark>()
        .with::<Network>()
        .with::<Part>()
        .with::<Revision>()
        .with::<Rule>()
        .with::<Service>()
        .with::<Store>()
        .with::<Wall>()
        .with_logs::<Service>()
        .with_tasks::<Service>()
        .with_rollouts::<Service>()
        .with_shell::<Service>()
        .with_metrics::<Service>()
        .with_metrics::<Store>()
}

/// Handles a kind in [`Memory`] in the plainest way: one call for each method.
macro_rules! plain {
    ($kind:ident $(, $name:ident = $value:literal)?) => {
        impl crate::kinds::Toy for $kind {}

        impl deployer_engine::Resource<crate::Memory> for $kind {
            $(const $name: bool = $value;)?

            crate::kinds::plain!(@scan $kind);

            async fn create(
                cx: &deployer_engine::Context<'_, crate::Memory>,
                spec: &Self::Spec,
            ) -> deployer_engine::Result<crate::Output> {
                cx.cloud.create::<Self>(cx, spec).await
            }

            crate::kinds::plain!(@rest $kind);

            async fn delete(
                cx: &deployer_engine::Context<'_, crate::Memory>,
                live: &deployer_engine::Found<Self>,
            ) -> deployer_engine::Result<Vec<String>> {
                cx.cloud.delete::<Self>(cx, &live.output.id).await.map(|()| Vec::new())
            }
        }
    };
    (@scan $kind:ident) => {
        async fn scan(
            survey: &deployer_engine::Survey<'_, crate::Memory>,
        ) -> deployer_engine::Result<Vec<deployer_engine::Found<Self>>> {
            survey.cloud.scan::<Self>(survey).await
        }

        async fn read(
            survey: &deployer_engine::Survey<'_, crate::Memory>,
            id: &str,
        ) -> deployer_engine::Result<Option<deployer_engine::Found<Self>>> {
            survey.cloud.read::<Self>(survey, id).await
        }
    };
    (@rest $kind:ident) => {
        async fn update(
            cx: &deployer_engine::Context<'_, crate::Memory>,
            live: &deployer_engine::Found<Self>,
            spec: &Self::Spec,
        ) -> deployer_engine::Result<crate::Output> {
            let operation = crate::Operation::Update;
            cx.cloud.update::<Self>(operation, cx, &live.output.id, spec).await
        }

        async fn remember(
            cx: &deployer_engine::Context<'_, crate::Memory>,
            output: &crate::Output,
        ) -> deployer_engine::Result<()> {
            cx.cloud.remember::<Self>(cx, &output.id).await
        }

        async fn ready(
            cx: &deployer_engine::Context<'_, crate::Memory>,
            output: crate::Output,
        ) -> deployer_engine::Result<deployer_engine::Progress<crate::Output>> {
            cx.cloud.ready::<Self>(cx, &output.id).await
        }

        async fn gone(
            cx: &deployer_engine::Context<'_, crate::Memory>,
            output: &crate::Output,
        ) -> deployer_engine::Result<deployer_engine::Progress<()>> {
            cx.cloud.gone::<Self>(cx, &output.id).await
        }
    };
}

pub(crate) use plain;
