//! How most kinds are handled.

/// Handles a kind in [`Memory`](crate::Memory) in the plainest way: one call for each method.
macro_rules! plain {
    ($kind:ident $(, $name:ident = $value:literal)?) => {
        impl crate::toy::Toy for $kind {}

        impl deployer_engine::Resource<crate::Memory> for $kind {
            $(const $name: bool = $value;)?

            crate::kinds::plain::plain!(@scan $kind);

            async fn create(
                cx: &deployer_engine::Context<'_, crate::Memory>,
                spec: &Self::Spec,
            ) -> deployer_engine::Result<crate::Output> {
                cx.cloud.create::<Self>(cx, spec).await
            }

            crate::kinds::plain::plain!(@rest $kind);

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
