//! What is looked at before the first change: whether that is there and fit for use which the
//! resources of a stack name and did not make.

use deployer_core::{Address, Outputs, Phase, Place, Roles, Snapshot, Stack, resolve};
use futures_util::future::join_all;

use crate::retry::insist;
use crate::{Cloud, Concern, Places, Registry, Result};

/// What was found of one resource.
#[derive(Debug)]
pub struct Verified {
    /// The resource.
    pub address: Address,
    /// Where it is to be.
    pub place: Place,
    /// What is wrong with it; why nobody knows, where it could not be looked at.
    pub concerns: Result<Vec<Concern>>,
}

/// Looks, all at once, whether that is there and fit for use which the resources of a stack name.
/// Of what the stack itself is yet to make nothing is said.
pub async fn verify<C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    snapshot: &Snapshot,
    stack: &Stack,
) -> Vec<Verified> {
    let there: Outputs = snapshot
        .lives
        .iter()
        .filter(|live| snapshot.is_current(live))
        .filter(|live| matches!(live.phase, Phase::Ready | Phase::Settling))
        .map(|live| (live.address.clone(), live.output.clone()))
        .collect();
    let looks = stack.resources.iter().filter_map(|(address, desired)| {
        let driver = registry.driver(&address.kind).ok()?;
        let spec = resolve(&desired.spec, &there);
        Some(async move {
            let concerns = async {
                let cloud = places.at(&desired.place, &Roles::new()).await?;
                insist(|| driver.verify(&cloud, spec.clone())).await
            };
            let (address, place) = (address.clone(), desired.place.clone());
            Verified { address, place, concerns: concerns.await }
        })
    });
    join_all(looks).await
}
