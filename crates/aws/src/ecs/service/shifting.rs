//! How far the rollout of a service is that shifts requests from one target group to another.
//!
//! What is followed is what ECS has recorded of the deployment, which is over only once the old tasks
//! are no longer kept ready, or have all requests again.

use aws_sdk_ecs::types::Service as Description;
use deployer_engine::{Context, Hold, Progress, Result, Rollout as Recorded, RolloutState};
use deployer_kinds::ServiceOutput;

use super::ended::{Rollout, ended};
use super::explain;
use super::rollout::{is_over, is_overtaken, not_shown, overtaken, threshold};
use super::rollouts;
use crate::Aws;

/// How a hook is called that waits for somebody ("Pause hooks" in the ECS developer guide).
const AWAITED: &str = "AWAITING_ACTION";

/// One look.
pub(super) async fn progress(
    cx: &Context<'_, Aws>,
    service: &Description,
    output: ServiceOutput,
) -> Result<Progress<ServiceOutput>> {
    use RolloutState::{
        Failed, GoingBack, Pending, RolledBack, Stopped, Succeeded, UnderWay, Unknown,
    };
    let id = output.deployment.as_deref();
    let followed = service.deployments().iter().find(|it| it.id() == id);
    let rollout =
        followed.map_or(Rollout::TaskDefinition(&output.task_definition), Rollout::Deployment);
    let Some(recorded) = rollouts::of(cx.cloud, &output).await? else {
        // ECS forgets after 90 days, and a change that rolls nothing out follows what did before.
        let is_forgotten = followed.is_some() && is_over(service);
        return Ok(if is_forgotten { Progress::Done(output) } else { not_shown() });
    };
    match recorded.state {
        Succeeded => Ok(Progress::Done(output)),
        Pending | UnderWay | Unknown => {
            under_way(cx, service, &rollout, &recorded).await.map(Progress::Waiting)
        }
        GoingBack => {
            let reason = recorded.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            Ok(Progress::Waiting(format!("ECS goes back to what ran before{reason}")))
        }
        Stopped if is_overtaken(service, &recorded) => Err(overtaken(service)),
        RolledBack | Stopped | Failed => {
            let fate = fate(recorded.state);
            let name = cx.identity.address.name.as_str();
            Err(explain::failure(cx.cloud, (service, name), &rollout, fate).await?)
        }
    }
}

/// How far it is, in words, unless its tasks keep ending: that ends it here even where ECS goes on.
async fn under_way(
    cx: &Context<'_, Aws>,
    service: &Description,
    rollout: &Rollout<'_>,
    recorded: &Recorded,
) -> Result<String> {
    let name = cx.identity.address.name.as_str();
    let ended = ended(cx.cloud, service, rollout).await?;
    let running = recorded.to.as_ref().map_or(0, |to| to.running);
    // ECS is left the time to take it back by itself.
    let most = threshold(service, service.desired_count()).saturating_mul(2);
    if running == 0 && ended.by_themselves >= most {
        let fate = "ECS goes on trying, and what ran before has all requests";
        let of = (service, name);
        return Err(explain::failure_by(cx.cloud, of, rollout, (ended, Some(fate))).await?);
    }
    let mut words = words(recorded, name);
    words.extend(ended.newest.map(|task| format!("one stopped: {}", task.reason())));
    words.extend(recorded.created.and_then(|begun| explain::telling(service, begun)));
    Ok(words.join("; "))
}

/// What becomes of a service whose rollout failed and is over.
fn fate(state: RolloutState) -> &'static str {
    match state {
        RolloutState::RolledBack => "ECS has gone back to what ran before",
        RolloutState::Stopped => "it was stopped, and requests stay where they were shifted",
        _ => "ECS could not go back to what ran before",
    }
}

/// What there is to say of one that goes on, `name` being the service's.
fn words(recorded: &Recorded, name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let is_awaited = |hold: &&Hold| hold.is_for_people && hold.status == AWAITED;
    if let Some(hold) = recorded.holds.iter().find(is_awaited) {
        let until = hold.until.map(|until| format!(" until {until}")).unwrap_or_default();
        words.push(format!("waits for `deployer continue {name}`{until}"));
    }
    let stage = recorded.stage.as_deref().unwrap_or(&recorded.status);
    words.push(stage.to_lowercase().replace('_', " "));
    if let Some(to) = &recorded.to {
        words.push(format!("{} of {} new tasks running", to.running, to.wanted));
        let share = to.traffic.filter(|share| *share > 0.0);
        words.extend(share.map(|share| format!("{share}% of the requests")));
    }
    words
}

#[cfg(test)]
mod tests {
    use deployer_engine::Revision;
    use jiff::Timestamp;

    use super::*;

    fn recorded(stage: Option<&str>, holds: Vec<Hold>) -> Recorded {
        Recorded {
            id: "1".to_owned(),
            state: RolloutState::UnderWay,
            status: "IN_PROGRESS".to_owned(),
            reason: None,
            stage: stage.map(ToOwned::to_owned),
            from: vec![],
            to: Some(Revision {
                wanted: 2,
                running: 2,
                traffic: Some(10.0),
                ..Revision::default()
            }),
            back_to: None,
            bake: None,
            failures: None,
            alarms: [].into(),
            holds,
            created: None,
            started: None,
            finished: None,
        }
    }

    #[test]
    fn how_far_requests_are_shifted_is_said_in_words() {
        assert_eq!(
            words(&recorded(Some("PRODUCTION_TRAFFIC_SHIFT"), vec![]), "web"),
            ["production traffic shift", "2 of 2 new tasks running", "10% of the requests"]
        );
        assert_eq!(words(&recorded(None, vec![]), "web")[0], "in progress");
    }

    #[test]
    fn what_waits_for_somebody_says_what_lets_it_go_on() {
        let hold = |status: &str| Hold {
            id: "1".to_owned(),
            status: status.to_owned(),
            is_for_people: true,
            until: Some(Timestamp::UNIX_EPOCH),
            then: Some("ROLLBACK".to_owned()),
        };
        let first = |hold| words(&recorded(Some("BAKE_TIME"), vec![hold]), "web").remove(0);
        let waits = "waits for `deployer continue web` until 1970-01-01T00:00:00Z";
        assert_eq!(first(hold(AWAITED)), waits);
        assert_eq!(first(hold("SUCCEEDED")), "bake time");
    }
}
