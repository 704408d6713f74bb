//! The releases that did not come up, by what ECS has recorded of rollouts.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::Service as Description;
use deployer_core::Kind;
use deployer_engine::{Result, Rollout, RolloutState, Survey};
use deployer_kinds::Service;
use tokio::sync::OnceCell;

use super::described::output;
use super::ended::{Rollout as Shown, ended};
use super::find::Services;
use super::rollouts;
use crate::Aws;

/// The releases of one observation that did not come up, asked for once and only where something
/// does not run that is newer than what does: that takes some five calls for each service.
#[derive(Default)]
pub(crate) struct Failures(OnceCell<Vec<Failed>>);

/// A task definition that did not come up.
pub(crate) struct Failed {
    /// The revision, by its ARN.
    pub(crate) revision: String,
    /// The digests of its images that have come up in no other since.
    pub(crate) digests: BTreeSet<String>,
    /// Why, as far as ECS still says.
    pub(crate) because: String,
}

impl Failures {
    /// The last releases of our services that did not come up. Which services are ours the record
    /// says: nobody else's rollouts speak of our releases.
    pub(crate) async fn of(&self, survey: &Survey<'_, Aws>) -> Result<&[Failed]> {
        self.0.get_or_try_init(|| fetch(survey)).await.map(Vec::as_slice)
    }
}

async fn fetch(survey: &Survey<'_, Aws>) -> Result<Vec<Failed>> {
    let (mut failed, mut well) = (Vec::new(), BTreeSet::new());
    for (_, service) in survey.shared.get::<Services>().of(survey).await? {
        let id = service.service_arn().unwrap_or_default();
        if survey.deeds.record.whose(survey.place, Service::NAME, id).is_none() {
            continue;
        }
        let rollouts = rollouts::newest(survey.cloud, &output(service)?, rollouts::A_CALL).await?;
        let verdicts = verdicts(&rollouts);
        well.extend(verdicts.well);
        for (revision, rollout) in verdicts.failed {
            let because = because(survey.cloud, service, revision, rollout).await?;
            let digests = rollout.to.iter().flat_map(|to| to.digests.values().cloned());
            let (revision, digests) = (revision.to_owned(), digests.collect());
            failed.push(Failed { revision, digests, because });
        }
    }
    for failed in &mut failed {
        failed.digests.retain(|digest| !well.contains(digest));
    }
    Ok(failed)
}

/// What rollouts say of releases.
struct Verdicts<'a> {
    /// The revisions whose last rollout failed.
    failed: BTreeMap<&'a str, &'a Rollout>,
    /// The digests whose last rollout did not.
    well: BTreeSet<String>,
}

/// What rollouts say, the newest first: of each revision and each image the last one counts.
fn verdicts(rollouts: &[Rollout]) -> Verdicts<'_> {
    let mut verdicts = Verdicts { failed: BTreeMap::new(), well: BTreeSet::new() };
    let (mut revisions, mut digests) = (BTreeSet::new(), BTreeSet::new());
    for rollout in rollouts {
        let (Some(to), Some(failed)) = (&rollout.to, has_failed(rollout)) else { continue };
        for digest in to.digests.values() {
            if digests.insert(digest) && !failed {
                verdicts.well.insert(digest.clone());
            }
        }
        if let Some(revision) = to.runs.as_deref()
            && revisions.insert(revision)
            && failed
        {
            verdicts.failed.insert(revision, rollout);
        }
    }
    verdicts
}

/// Whether a rollout did not bring up what it was to; none while nobody knows, and for one that
/// another has overtaken.
fn has_failed(rollout: &Rollout) -> Option<bool> {
    match rollout.state {
        RolloutState::Succeeded => Some(false),
        RolloutState::GoingBack | RolloutState::RolledBack | RolloutState::Failed => Some(true),
        // Ended by the circuit breaker, with nothing to go back to.
        RolloutState::Stopped => {
            rollout.failures.is_some_and(|(failed, most)| failed >= most).then_some(true)
        }
        RolloutState::Pending | RolloutState::UnderWay | RolloutState::Unknown => None,
    }
}

/// Why a revision did not come up: by the task to blame, for as long as ECS shows it, and else by
/// what it says of the rollout.
async fn because(
    aws: &Aws,
    service: &Description,
    revision: &str,
    rollout: &Rollout,
) -> Result<String> {
    let ended = ended(aws, service, &Shown::TaskDefinition(revision)).await?;
    let reason = ended.newest.map(|task| task.reason());
    Ok(reason.or_else(|| rollout.reason.clone()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use deployer_engine::Revision;

    use super::*;

    fn rollout(revision: &str, digest: &str, state: RolloutState) -> Rollout {
        let to = Revision {
            runs: Some(revision.to_owned()),
            digests: BTreeMap::from([("web".to_owned(), digest.to_owned())]),
            ..Revision::default()
        };
        Rollout {
            id: "arn".to_owned(),
            state,
            status: String::new(),
            reason: None,
            stage: None,
            from: vec![],
            to: Some(to),
            back_to: None,
            bake: None,
            failures: None,
            alarms: BTreeMap::new(),
            holds: vec![],
            created: None,
            started: None,
            finished: None,
        }
    }

    #[test]
    fn of_each_release_the_last_rollout_counts() {
        use RolloutState::{RolledBack, Stopped, Succeeded, UnderWay};
        let newest_first = [
            rollout("web:5", "e", UnderWay),
            rollout("web:4", "c", Succeeded),
            rollout("web:3", "c", RolledBack),
            rollout("web:2", "b", Succeeded),
            rollout("web:2", "b", RolledBack),
            rollout("web:1", "a", Stopped),
        ];
        let found = verdicts(&newest_first);
        assert_eq!(found.failed.into_keys().collect::<Vec<_>>(), ["web:3"]);
        assert_eq!(found.well, BTreeSet::from(["b".to_owned(), "c".to_owned()]));
    }

    #[test]
    fn one_that_the_circuit_breaker_ended_has_failed_and_one_that_was_overtaken_has_not() {
        let stopped = rollout("web:1", "a", RolloutState::Stopped);
        assert_eq!(has_failed(&stopped), None);
        let tripped = Rollout { failures: Some((3, 3)), ..stopped };
        assert_eq!(has_failed(&tripped), Some(true));
    }
}
