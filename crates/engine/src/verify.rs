//! What is looked at before the first change: whether that is there and fit for use which the
//! resources of a stack name and did not make, and whether a place lets the plan be done.

use std::collections::BTreeMap;

use deployer_core::{Address, Outputs, Phase, Place, Plan, Roles, Snapshot, Stack, Step, resolve};
use futures_util::future::{join, join_all};

use crate::retry::insist;
use crate::{Cloud, Concern, Places, Registry, Result};

/// What was found of one resource, or of a plan.
#[derive(Debug)]
pub struct Verified {
    /// The resource; none where it is about the plan as a whole.
    pub address: Option<Address>,
    /// Where it is to be.
    pub place: Place,
    /// What is wrong with it; why nobody knows, where it could not be looked at.
    pub concerns: Result<Vec<Concern>>,
}

/// Looks, all at once, whether that is there and fit for use which the resources of a stack name,
/// and whether each place lets the steps of the plan be done there. Of what the stack itself is yet
/// to make nothing is said.
pub async fn verify<C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    snapshot: &Snapshot,
    stack: &Stack,
    plan: &Plan,
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
            let (address, place) = (Some(address.clone()), desired.place.clone());
            Verified { address, place, concerns: concerns.await }
        })
    });
    let mut steps: BTreeMap<&Place, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        steps.entry(&step.place).or_default().push(step);
    }
    let ahead = steps.iter().map(async |(place, steps)| {
        // That nobody gets there is said of the resources.
        let Ok(cloud) = places.at(place, &Roles::new()).await else { return Vec::new() };
        cloud.foresee(stack, place, steps).await
    });
    let (mut verified, ahead) = join(join_all(looks), join_all(ahead)).await;
    for (place, foreseen) in steps.keys().zip(ahead) {
        verified.extend(foreseen.into_iter().map(|(address, concern)| {
            let place = (*place).clone();
            Verified { address, place, concerns: Ok(vec![concern]) }
        }));
    }
    verified
}
