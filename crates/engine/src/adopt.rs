//! Takes something over that the stack did not make.

use deployer_core::{Cause, Failure, Live, Scope};

use crate::{Cloud, Context, Identity, Registry, Result, Voice};

/// Writes our tags on what a survey found for an adoption. From then on it is a resource of the
/// stack like any other, as if it had last been given what it is now.
///
/// # Errors
/// When it cannot be tagged.
pub async fn adopt<C: Cloud>(
    registry: &Registry<C>,
    cloud: &C,
    scope: &Scope,
    live: &Live,
) -> Result<()> {
    let driver = registry.find(&live.address.kind).ok_or_else(|| {
        let message = format!("there is no kind `{}`", live.address.kind);
        Failure::new(Cause::Refused, "find out how to handle it", message)
    })?;
    let info = driver.info();
    let identity = Identity {
        scope: scope.clone(),
        address: live.address.clone(),
        generation: live.generation,
        mark: info.mark(&live.spec),
        adopted: Some(live.id().to_owned()),
        name: info.physical_name(scope, &live.address, live.generation),
    };
    let cx = Context { cloud, identity: &identity, voice: Voice::silent() };
    driver.remember(&cx, &live.output).await
}
