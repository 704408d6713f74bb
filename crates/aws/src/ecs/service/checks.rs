//! What is wrong with a service: that too few of its tasks run, and why.

use aws_sdk_ecs::types::{DeploymentRolloutState, Service as Description};
use deployer_core::Failure;
use deployer_engine::{Checks, Finding, Found, Result, Rollout as Recorded, RolloutState, Stage};
use deployer_kinds::Service;
use jiff::{SignedDuration, Timestamp};

use super::ended::{Ended, Rollout, ended};
use super::explain;
use super::find::is_there;
use super::{described, look, rollout, rollouts};
use crate::Aws;
use crate::moment::moment;

/// How long a rollout may have fewer tasks than are wanted before that is wrong: images, start and
/// checks take a minute or two. An assumption.
const STARTING: SignedDuration = SignedDuration::from_mins(3);

const LOOK: &str = "`deployer logs` shows what it writes, `deployer exec` lets you in";

impl Checks<Aws> for Service {
    async fn findings(aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        let name = &live.badge.name;
        let Some(service) = look(aws, &live.output).await?.filter(is_there) else {
            return Ok(Vec::new());
        };
        let mut findings: Vec<Finding> = tasks(aws, name, &service).await?.into_iter().collect();
        let newest = rollouts::newest(aws, &live.output, 1).await?.into_iter().next();
        if let Some(newest) = newest {
            findings.extend(rolled(aws, name, &service, &newest, findings.is_empty()).await?);
        }
        Ok(findings)
    }
}

/// What is wrong with the tasks of what is rolled out.
async fn tasks(aws: &Aws, name: &str, service: &Description) -> Result<Option<Finding>> {
    let (running, desired) = (service.running_count(), service.desired_count());
    if desired == 0 {
        let problem = format!("`{name}` is scaled to 0: nothing of it runs");
        let help = "give it a `count:` or a `scale:` whose least is not 0, and apply";
        return Ok(Some(Finding::new(Stage::Tasks, problem, help)));
    }
    let Some(primary) = described::primary(service) else { return Ok(None) };
    let shown = Rollout::Deployment(primary);
    let ended = ended(aws, service, &shown).await?;
    let age = moment(primary.updated_at()).map(|at| Timestamp::now().duration_since(at));
    let is_young = age.is_some_and(|age| age < STARTING);
    let has_failed = primary.rollout_state() == Some(&DeploymentRolloutState::Failed);
    // Those that find no place are among them, and are no tasks.
    let failed = if rollout::is_over(service) { 0 } else { primary.failed_tasks() };
    let is_short = running < desired && (!is_young || ended.by_themselves > 0);
    if !is_short && !has_failed && ended.by_themselves == 0 && failed == 0 {
        return Ok(None);
    }
    let problem = match ended.by_themselves {
        _ if running < desired => format!("{running} of {desired} tasks of `{name}` run"),
        0 => format!("new tasks of `{name}` do not come up: {failed} have failed"),
        ended => {
            format!("tasks of `{name}` end and are started again: {ended} within the last hour")
        }
    };
    Ok(Some(explained(aws, (service, name), &shown, (problem, ended)).await?))
}

/// What is wrong with the newest rollout: that it has failed, or waits for somebody. Why it failed is
/// looked for where nothing else has said so.
async fn rolled(
    aws: &Aws,
    name: &str,
    service: &Description,
    rollout: &Recorded,
    is_first: bool,
) -> Result<Option<Finding>> {
    if let Some(hold) = rollout.holds.iter().find(|hold| hold.is_for_people) {
        let until = hold.until.map(|until| format!("it waits until {until}"));
        let problem = format!("the rollout of `{name}` waits for an answer");
        let help = "let it go on or take it back: `deployer help` lists what there is";
        return Ok(Some(Finding::new(Stage::Tasks, problem, help).because(until)));
    }
    let what = match rollout.state {
        RolloutState::GoingBack => "goes back",
        RolloutState::RolledBack => "went back to what ran before",
        RolloutState::Failed => "failed, and could not go back",
        _ => return Ok(None),
    };
    let problem = format!("the last rollout of `{name}` {what}");
    let revision = rollout.to.as_ref().and_then(|to| to.runs.as_deref());
    Ok(Some(match revision.filter(|_| is_first) {
        Some(revision) => {
            let shown = Rollout::TaskDefinition(revision);
            let ended = ended(aws, service, &shown).await?;
            explained(aws, (service, name), &shown, (problem, ended)).await?
        }
        None => Finding::new(Stage::Tasks, problem, LOOK).because(rollout.reason.clone()),
    }))
}

/// A problem with why, as a rollout that fails is explained.
async fn explained(
    aws: &Aws,
    service: (&Description, &str),
    rollout: &Rollout<'_>,
    (problem, ended): (String, Ended),
) -> Result<Finding> {
    let failure = explain::failure_by(aws, service, rollout, (ended, None)).await?;
    let Failure { message, help, .. } = failure;
    let help = help.unwrap_or_else(|| LOOK.to_owned());
    Ok(Finding::new(Stage::Tasks, problem, help).because(message.lines().map(ToOwned::to_owned)))
}
