//! Takes something over that the stack did not make.

use deployer_core::{Cause, Deeds, Failure, Live, Roles, Scope};

use crate::perform::JournalOf;
use crate::retry::insist;
use crate::{
    Adoption, Cloud, Context, Identity, Journal, Look, Parameters, Places, Registry, Result, Survey,
    Voice,
};

/// Finds what is to be taken over, as if it were a resource of the scope's already.
///
/// # Errors
/// When its kind cannot be scanned.
pub async fn seek<C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    scope: &Scope,
    adoption: &Adoption,
) -> Result<Option<Live>> {
    let (kind, place, home) = (&adoption.address.kind, &adoption.place, places.is());
    let cloud = places.at(place, &Roles::new()).await?;
    let driver = registry.driver(kind)?;
    let shared = C::Shared::default();
    // Nothing of it is ours yet, nor are its parts.
    let deeds = Deeds::default();
    let (shared, deeds, adoption) = (&shared, &deeds, Some(adoption));
    let look = Look::Quick;
    let (cloud, is_by_record) = (&*cloud, false);
    let survey =
        Survey { cloud, scope, shared, deeds, place, home, look, is_by_record, adoption };
    let seen = insist(|| driver.scan(&survey)).await?.into_iter().map(|seen| seen.live);
    let sought = seen.into_iter().find(|live| survey.adopts(kind, live.id()).is_some());
    // Its tags are about to be written.
    let place = || place.clone();
    Ok(sought.map(|live| Live { place: place(), is_signed: true, mark: None, ..live }))
}

/// Takes over what a survey found for an adoption: writes it down, and writes our tags on it. From
/// then on it is a resource of the stack like any other, as if it had last been given what it is
/// now.
///
/// # Errors
/// When it cannot be written down or tagged. What is written down and not tagged is tagged by the
/// next apply, if it carries this environment's tags already; otherwise it takes another adoption.
pub async fn adopt<C: Parameters>(
    registry: &Registry<C>,
    journal: &Journal<C>,
    places: &Places<C>,
    scope: &Scope,
    live: &Live,
) -> Result<()> {
    let driver = registry.driver(&live.address.kind)?;
    let info = driver.info();
    if let Some(whole) = info.part_of {
        let attempted = format!("take over {}", live.address);
        let message = format!("a {} is part of its {whole}", info.name);
        return Err(Failure::new(Cause::Refused, attempted, message)
            .help(format!("take over the {whole}: what is in it comes along")));
    }
    let mark = info.mark(&live.spec);
    let serial = journal.adopt(live, &mark).await?;
    let identity = Identity {
        scope: scope.clone(),
        address: live.address.clone(),
        generation: live.generation,
        proof: journal.prove(&live.place, &live.address, live.generation, &serial, &mark),
        mark,
        name: info.physical_name(scope, &live.address, live.generation),
    };
    let cloud = places.at(&live.place, &Roles::new()).await?;
    let notary = JournalOf { driver: &*driver, journal, place: &live.place };
    let cx = Context { cloud: &*cloud, identity: &identity, voice: Voice::silent(), notary: &notary };
    insist(|| driver.remember(&cx, &live.output)).await
}
