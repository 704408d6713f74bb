//! Takes something over that the stack did not make.

use std::collections::BTreeSet;

use deployer_core::{Address, Cause, Deeds, Failure, Live, Place, Roles, Scope, Seen};

use crate::perform::JournalOf;
use crate::retry::insist;
use crate::{
    Cloud, Context, Identity, Journal, Parameters, Places, Provenance, Registry, Result, Survey,
    Voice,
};

/// A thing that is there and is to become a resource of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The resource.
    pub address: Address,
    /// Where it is.
    pub place: Place,
    /// The thing's identifier, as in the output of its kind.
    pub id: String,
}

/// Finds what is to be taken over, as if it were a resource of the scope's already.
///
/// # Errors
/// When it cannot be read, or is not called as scans of its kind find ours.
pub async fn seek<C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    scope: &Scope,
    adoption: &Adoption,
) -> Result<Option<Live>> {
    let Adoption { address, place, id } = adoption;
    let (driver, cloud) = (registry.driver(&address.kind)?, places.at(place, &Roles::new()).await?);
    let shared = C::Shared::default();
    // Nothing of it is ours yet, nor are its parts.
    let deeds = Deeds::default();
    let survey = Survey::of_things((&*cloud, scope), (&shared, &deeds), (place, places.home()));
    let seen = insist(|| driver.read(&survey, id)).await?;
    if let Some(seen) = &seen
        && let Some(beginning) = driver.misnamed(scope, &seen.live.output)?
    {
        let message = format!("it is not called `{beginning}…`, as those of {scope} are");
        let (kind, known) = (&address.kind, seen.live.id());
        return Err(Failure::new(Cause::Refused, format!("take over {id}"), message).help(format!(
            "leave it out of the stack and refer to it by its identifier, `{{ id: \"{known}\" }}`, \
             or let the next apply make a {kind} in its place and delete this one when nothing \
             uses it any more"
        )));
    }
    Ok(seen.map(|Seen { live, .. }| {
        // One that was this very resource before is it again.
        let generation = if live.address == *address { live.generation } else { 1 };
        let (address, place) = (address.clone(), place.clone());
        // Its tags are about to be written.
        Live { address, place, generation, is_signed: true, mark: None, ..live }
    }))
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
        dropped: BTreeSet::new(),
        address: live.address.clone(),
        generation: live.generation,
        proof: journal.prove(&live.place, &live.address, live.generation, &serial, &mark),
        mark,
        provenance: Provenance::default(),
        name: info.physical_name(scope, &live.address, live.generation),
    };
    let cloud = places.at(&live.place, &Roles::new()).await?;
    let notary = JournalOf { driver: &*driver, journal, place: &live.place };
    let cx =
        Context { cloud: &*cloud, identity: &identity, voice: Voice::silent(), notary: &notary };
    insist(|| driver.remember(&cx, &live.output)).await
}
