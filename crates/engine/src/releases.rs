//! Which releases nobody needs any more.

use std::collections::BTreeSet;

use deployer_core::{Cause, Failure, Live, Roles};

use crate::retry::insist;
use crate::{Cloud, Places, Registry, Release, Result, Rollout, RolloutState};

/// Deletes the releases of one thing that nobody needs: all but the newest `keep`, and but for
/// those that run somewhere in the environment or that something there may go back to. Gives what
/// it has deleted, the newest first.
///
/// # Errors
/// When it cannot be known what runs: then nothing is deleted.
pub async fn tidy<C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    lives: &[Live],
    known: &Roles,
    (released, keep): (&Live, usize),
) -> Result<Vec<String>> {
    let Some(of_kind) = registry.releases(&released.address.kind) else { return Ok(Vec::new()) };
    let cloud = places.at(&released.place, known).await?;
    let all = insist(|| of_kind.releases(&cloud, released)).await?;
    if all.len() <= keep {
        return Ok(Vec::new());
    }
    let mut needed = BTreeSet::new();
    for live in lives {
        let Some(rolled) = registry.rollouts(&live.address.kind) else { continue };
        let cloud = places.at(&live.place, known).await?;
        let rollouts = insist(|| rolled.rollouts(&cloud, live)).await?;
        let digests = needed_by(&rollouts).ok_or_else(|| {
            let message = format!("it is not recorded what {} runs", live.address);
            Failure::new(Cause::Refused, "find out which releases are needed", message)
                .help("they are deleted with a release after it was rolled out again")
        })?;
        needed.extend(digests);
    }
    let names: Vec<String> =
        superfluous(&all, keep, &needed).map(|release| release.name.clone()).collect();
    if !names.is_empty() {
        insist(|| of_kind.forget(&cloud, released, &names)).await?;
    }
    Ok(names)
}

/// The releases that are neither among the newest nor needed.
fn superfluous<'a>(
    releases: &'a [Release],
    keep: usize,
    needed: &BTreeSet<String>,
) -> impl Iterator<Item = &'a Release> {
    releases.iter().skip(keep).filter(|release| !needed.contains(&release.digest))
}

/// The digests that run or that a service may go back to, by its rollouts, the newest first: those of
/// each that is not over, and of the last that succeeded both what it came from and what it led to.
/// None where that is not known in whole: none is recorded, or one without what it runs.
fn needed_by(rollouts: &[Rollout]) -> Option<BTreeSet<String>> {
    let settled = rollouts.iter().position(|rollout| rollout.state == RolloutState::Succeeded);
    let last = match settled {
        Some(last) => last,
        None if rollouts.is_empty() => return None,
        // None has ever come up, so all that there was is there.
        None => rollouts.len() - 1,
    };
    let mut needed = BTreeSet::new();
    for rollout in &rollouts[..=last] {
        for revision in rollout.from.iter().chain([rollout.to.as_ref()?]) {
            if revision.digests.is_empty() {
                return None;
            }
            needed.extend(revision.digests.values().cloned());
        }
    }
    Some(needed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Revision;

    fn revision(digest: &str) -> Revision {
        let digests = BTreeMap::from([("web".to_owned(), digest.to_owned())]);
        Revision { digests, ..Revision::default() }
    }

    fn rollout(state: RolloutState, from: &[&str], to: &str) -> Rollout {
        Rollout {
            id: to.to_owned(),
            state,
            status: String::new(),
            reason: None,
            stage: None,
            from: from.iter().map(|digest| revision(digest)).collect(),
            to: Some(revision(to)),
            back_to: None,
            bake: None,
            failures: None,
            alarms: BTreeMap::new(),
            holds: Vec::new(),
            created: None,
            started: None,
            finished: None,
        }
    }

    #[test]
    fn what_runs_and_what_it_may_go_back_to_is_needed() {
        use RolloutState::{Failed, Succeeded, UnderWay};
        let set = |digests: &[&str]| digests.iter().map(|it| (*it).to_owned()).collect();
        let older = rollout(Succeeded, &["1"], "2");
        let last = rollout(Succeeded, &["2"], "3");
        assert_eq!(needed_by(&[last.clone(), older.clone()]), Some(set(&["2", "3"])));
        let failed = rollout(Failed, &["3"], "4");
        let all = [rollout(UnderWay, &["3"], "5"), failed.clone(), last, older];
        assert_eq!(needed_by(&all), Some(set(&["2", "3", "4", "5"])));
        assert_eq!(needed_by(&[failed]), Some(set(&["3", "4"])));
        assert_eq!(needed_by(&[]), None);
        let unknown = Rollout { to: None, ..rollout(UnderWay, &["3"], "5") };
        assert_eq!(needed_by(&[unknown]), None);
        let forgotten = Rollout { from: vec![Revision::default()], ..rollout(Succeeded, &[], "3") };
        assert_eq!(needed_by(&[forgotten]), None);
    }

    #[test]
    fn the_newest_and_the_needed_stay() {
        let releases: Vec<Release> = (1..=5)
            .rev()
            .map(|n| Release { name: format!("web-{n}"), digest: n.to_string() })
            .collect();
        let needed = BTreeSet::from(["2".to_owned()]);
        let names: Vec<&str> =
            superfluous(&releases, 2, &needed).map(|release| release.name.as_str()).collect();
        assert_eq!(names, ["web-3", "web-1"]);
    }
}
