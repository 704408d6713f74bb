//! Steers a rollout, and follows it.

use std::ops::ControlFlow;
use std::time::Duration;

use deployer_core::{Cause, Failure, Live};

use super::{AnyRollouts, Hold, Rollout, RolloutState, Steering};
use crate::retry::{LOST, bounded, insist};
use crate::work::Work;
use crate::{Cloud, Result};

/// How long there is between two looks at a rollout.
const PAUSE: Duration = Duration::from_secs(2);

impl Rollout {
    /// What it waits for somebody to answer.
    pub fn question(&self) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.is_for_people && !hold.is_answered())
    }

    /// Whether it is as somebody wanted it to be.
    fn has_taken(&self, how: &Steering) -> bool {
        let is_back = matches!(self.state, RolloutState::GoingBack | RolloutState::RolledBack);
        match how {
            Steering::RollBack => is_back,
            Steering::Decline(_) if is_back => true,
            Steering::Continue(id) | Steering::Decline(id) => {
                let hold = self.holds.iter().find(|hold| hold.id == *id);
                // Which answer it was that nobody waits for any more, only its state says.
                hold.is_none_or(Hold::is_answered) && matches!(how, Steering::Continue(_))
            }
        }
    }
}

impl Hold {
    /// Whether nobody's answer is waited for any more, in ECS's words
    /// (`DeploymentLifecycleHookDetail` in its API reference).
    fn is_answered(&self) -> bool {
        matches!(self.status.as_str(), "SUCCEEDED" | "FAILED" | "TIMED_OUT")
    }
}

/// Steers a rollout. Where a reply gets lost it is looked at before it is steered again: a second
/// answer to one question is refused.
///
/// # Errors
/// As for [`Rollouts::steer`](super::Rollouts::steer).
pub async fn steer<C: Cloud>(
    rollouts: &dyn AnyRollouts<C>,
    (cloud, live): (&C, &Live),
    id: &str,
    how: &Steering,
) -> Result<()> {
    let mut tries = 0;
    loop {
        let Err(failure) = rollouts.steer(cloud, live, id, how).await else { return Ok(()) };
        let passes = matches!(failure.cause, Cause::Ambiguous | Cause::Busy | Cause::NotYet);
        let Some(pause) = bounded(&mut tries, LOST).filter(|_| passes) else { return Err(failure) };
        let now = insist(|| rollouts.rollout(cloud, live, id)).await?;
        if now.is_some_and(|now| now.has_taken(how)) {
            return Ok(());
        }
        Work::current().pause(pause).await;
    }
}

/// Follows a rollout until it is over, or `hear` breaks, which gets it whenever it has changed.
///
/// # Errors
/// When it cannot be looked at, or the cloud has forgotten it.
pub async fn follow_rollout<C: Cloud>(
    rollouts: &dyn AnyRollouts<C>,
    (cloud, live): (&C, &Live),
    id: &str,
    mut hear: impl FnMut(&Rollout) -> ControlFlow<()>,
) -> Result<Rollout> {
    let mut before = None;
    loop {
        let found = insist(|| rollouts.rollout(cloud, live, id)).await?;
        let Some(rollout) = found else {
            let message = format!("the cloud does not show {id}");
            return Err(Failure::new(Cause::Refused, "follow the rollout", message));
        };
        let is_new = before.as_ref() != Some(&rollout);
        if is_new && hear(&rollout).is_break() || rollout.state.is_over() {
            return Ok(rollout);
        }
        before = Some(rollout);
        Work::current().pause(PAUSE).await;
    }
}
