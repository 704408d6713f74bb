//! What something runs and ran, and as what it is kept.

use std::collections::BTreeSet;

use deployer_core::{Address, Live, Roles};
use futures_util::future::try_join_all;

use crate::retry::insist;
use crate::{Cloud, Places, Registry, Result, Rollout, Version};

/// What one resource runs and ran.
pub struct Serving<'a> {
    /// The resource.
    pub live: &'a Live,
    /// Its rollouts, the newest first, as far as the cloud remembers them.
    pub rollouts: Vec<Rollout>,
    /// The resource that has the versions which were rolled out; none where there is none.
    pub of: Option<Address>,
    /// These versions, the newest first, but for those that are forgotten.
    pub versions: Vec<Version>,
}

impl Serving<'_> {
    /// The version that a rollout brings up, or has.
    pub fn version(&self, rollout: &Rollout) -> Option<&Version> {
        let runs = rollout.to.as_ref()?.runs.as_deref()?;
        self.versions.iter().find(|version| version.id == runs)
    }
}

/// Looks at the rollouts of something, and at the versions that were rolled out: those of one of
/// `lives`. `known` has the roles of accounts that nothing else says one for.
///
/// # Errors
/// When something of it cannot be read.
pub async fn serving<'a, C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    (live, lives): (&'a Live, &[Live]),
    known: &Roles,
) -> Result<Serving<'a>> {
    let mut found = Serving { live, rollouts: Vec::new(), of: None, versions: Vec::new() };
    let Some(rolled) = registry.rollouts(&live.address.kind) else { return Ok(found) };
    let cloud = places.at(&live.place, known).await?;
    found.rollouts = insist(|| rolled.rollouts(&cloud, live)).await?;
    let ids: BTreeSet<&str> = found
        .rollouts
        .iter()
        .flat_map(|rollout| rollout.from.iter().chain(&rollout.to))
        .filter_map(|revision| revision.runs.as_deref())
        .collect();
    for versioned in lives.iter().filter(|other| other.place == live.place) {
        let Some(kept) = registry.versions(&versioned.address.kind) else { continue };
        let (cloud, versioned) = (&*cloud, versioned);
        let looks = ids.iter().map(|id| insist(move || kept.version(cloud, versioned, id)));
        let mut versions: Vec<Version> = try_join_all(looks).await?.into_iter().flatten().collect();
        if !versions.is_empty() {
            versions.sort_by_key(|version| std::cmp::Reverse(version.number));
            (found.of, found.versions) = (Some(versioned.address.clone()), versions);
            break;
        }
    }
    Ok(found)
}
