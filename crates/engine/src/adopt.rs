//! Takes something over that the stack did not make.

use deployer_core::{Live, Scope};

use crate::retry::insist;
use crate::{Adoption, Cloud, Context, Identity, Look, Registry, Result, Sightings, Survey, Voice};

/// Finds what is to be taken over, as if it were a resource of the scope's already.
///
/// # Errors
/// When its kind cannot be scanned.
pub async fn seek<C: Cloud>(
    registry: &Registry<C>,
    cloud: &C,
    scope: &Scope,
    adoption: &Adoption,
) -> Result<Option<Live>> {
    let kind = &adoption.address.kind;
    let driver = registry.driver(kind)?;
    let (shared, sightings) = (C::Shared::default(), Sightings::default());
    let (shared, sightings, adoption) = (&shared, &sightings, Some(adoption));
    let survey = Survey { cloud, scope, shared, sightings, look: Look::Quick, adoption };
    let mut lives = insist(|| driver.scan(&survey)).await?.into_iter();
    Ok(lives.find(|live| survey.adopts(kind, live.id()).is_some()))
}

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
    let driver = registry.driver(&live.address.kind)?;
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
