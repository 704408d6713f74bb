//! Why the tasks of a service stop: in the words of ECS, of the containers, and of their logs.

use aws_sdk_ecs::types::{ContainerDefinition, Deployment, Service as Description};
use deployer_core::{Cause, Failure};
use deployer_engine::{Health, Result, Rollout as Recorded};
use jiff::Timestamp;

use super::described::output;
use super::ended::{Ended, Rollout, ended};
use super::rollouts;
use super::since::Since;
use super::unhealthy::Unhealthy;
use crate::Aws;
use crate::cloudwatch::alarms::why_in_alarm;
use crate::ecs::stopped::{Culprit, Stopped, log, with_names};
use crate::ecs::{advice, logging};
use crate::missing::Required;
use crate::moment::moment;

/// How many events of a service are shown.
const EVENTS: usize = 5;

/// How an event ends about a task that does not pass its own check.
const UNHEALTHY: &str = "failed container health checks";

/// Where ECS sends those who read an event.
const SEE: &str = ". For more information, see the Troubleshooting section";

/// How the events begin that report nothing but the ordinary course (ECS developer guide,
/// "Amazon ECS service event messages").
const ORDINARY: &[&str] = &[
    "deregistered ",
    "has begun draining ",
    "has reached a steady state",
    "has started ",
    "has stopped ",
    // What made the tasks stop says more.
    "is unable to consistently start tasks successfully",
    "registered ",
    "rolling back to ",
];

/// Why a rollout failed: what ECS says of it, of the task to blame, what that wrote, and what is
/// different from the last release that came up. `name` is the service's in its stack; `fate` says what
/// becomes of it.
pub(super) async fn failure(
    aws: &Aws,
    (service, name): (&Description, &str),
    rollout: &Rollout<'_>,
    fate: &str,
) -> Result<Failure> {
    let ended = ended(aws, service, rollout).await?;
    failure_by(aws, (service, name), rollout, (ended, Some(fate))).await
}

/// The same, by the tasks that are known to have stopped.
pub(super) async fn failure_by(
    aws: &Aws,
    (service, name): (&Description, &str),
    rollout: &Rollout<'_>,
    (ended, fate): (Ended, Option<&str>),
) -> Result<Failure> {
    let deployment = match rollout {
        Rollout::Deployment(deployment) => Some(*deployment),
        Rollout::TaskDefinition(_) => None,
    };
    let revision = rollout.revision().required("the task definition of a rollout")?;
    let recorded = recorded(aws, service).await?;
    let own = recorded
        .iter()
        .find(|it| it.to.as_ref().is_some_and(|to| to.runs.as_deref() == Some(revision)));
    let stopped = ended.newest;
    let begun = deployment.and_then(|deployment| moment(deployment.created_at()));
    let begun = begun.or_else(|| own.and_then(|own| own.created));
    let begun = begun.or_else(|| stopped.as_ref().and_then(|task| task.0.created));
    let said = begun.map(|begun| events(service, begun)).unwrap_or_default();
    let (mut unhealthy, mut others) = (Vec::new(), Vec::new());
    for words in &said {
        match Unhealthy::read(words) {
            Some(target) => unhealthy.push(target),
            None => others.push(words),
        }
    }

    // What is wrong with the task comes first, then what that led to.
    let mut lines = Vec::new();
    let alarms = own.iter().flat_map(|own| &own.alarms).filter(|(_, went_off)| **went_off);
    let alarms: Vec<&String> = alarms.map(|(name, _)| name).collect();
    for alarm in &alarms {
        lines.push(alarm_that_went_off(aws, alarm).await?);
    }
    for target in &unhealthy {
        lines.push(target.verdict(aws).await);
    }
    if let Some(task) = &stopped {
        lines.push(format!("task {} stopped: {}", task.0.id, task.reason()));
    }
    // That of a task that did not pass its own check says so itself.
    let is_said = |words: &str| stopped.is_some() && words.ends_with(UNHEALTHY);
    let said = others.iter().filter(|words| !is_said(words));
    lines.extend(said.map(|words| format!("ECS says: {}", with_names(words))));
    let reason = deployment.and_then(Deployment::rollout_state_reason);
    let reason = reason.or(own.and_then(|own| own.reason.as_deref()));
    let is_why = |text: &&str| !text.ends_with("in progress.") && !text.ends_with("completed.");
    lines.extend(reason.filter(is_why).map(ToOwned::to_owned));
    if lines.is_empty() {
        lines.push("ECS no longer says why".to_owned());
    }

    let definition = match &stopped {
        Some(task) => Some(logging::definition(aws, &task.0.revision).await?),
        None => None,
    };
    let blamed = stopped.as_ref().zip(definition.as_ref());
    let culprit = blamed.and_then(|(task, definition)| Culprit::of(task, definition));
    let check = culprit.as_ref().filter(|it| it.container.health == Health::Unhealthy);
    lines.extend(check.and_then(|it| it.definition).and_then(health_command));
    let log = log(aws, culprit.as_ref()).await?;
    lines.extend(log.iter().cloned());
    let since = Since::of(aws, &recorded, revision).await?;
    lines.extend(since.iter().flat_map(Since::lines));
    lines.extend(fate.map(ToOwned::to_owned));

    let of_task = || {
        let (task, definition) = blamed?;
        Some(advice::of_task((task, name), culprit.as_ref(), definition, &log))
    };
    let is_its_own_fault = stopped.as_ref().is_some_and(Stopped::is_its_own_fault);
    let advice = match unhealthy.last() {
        _ if is_its_own_fault => of_task(),
        Some(target) => Some(target.advice(name)),
        None => others.iter().rev().find_map(|words| advice::of_words(words)),
    };
    let alarmed = || {
        format!(
            "see in `deployer logs {name}` and `deployer status` what it did while it was watched"
        )
    };
    let advice = advice.or_else(|| (!alarms.is_empty()).then(alarmed));
    let advice = advice.or_else(of_task);
    let failure = Failure::new(Cause::Refused, "get its new tasks healthy", lines.join("\n"));
    Ok(match advice {
        Some(advice) => failure.help(format!("{advice}; then {}", again(name, since.as_ref()))),
        None => failure,
    })
}

/// What rolls a service out again once what was wrong is mended. An image that did not come up is
/// not shipped by `apply` where another one has.
fn again(name: &str, since: Option<&Since>) -> String {
    if since.is_some_and(Since::has_new_build) {
        format!("roll it out again: `deployer publish {name}`")
    } else {
        "roll it out again: `deployer apply`".to_owned()
    }
}

/// What ECS has recorded of the rollouts of a service, the newest first. It only helps to explain, so
/// what may not be looked at is no failure.
async fn recorded(aws: &Aws, service: &Description) -> Result<Vec<Recorded>> {
    match rollouts::newest(aws, &output(service)?, rollouts::A_CALL).await {
        Err(failure) if failure.cause == Cause::Denied => Ok(Vec::new()),
        recorded => recorded,
    }
}

/// That an alarm went off, and why, while CloudWatch still says so.
async fn alarm_that_went_off(aws: &Aws, name: &str) -> Result<String> {
    let reason = match why_in_alarm(aws, name).await {
        Err(failure) if failure.cause == Cause::Denied => None,
        reason => reason?,
    };
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    Ok(format!("the alarm {name} went off{reason}"))
}

/// The check that a container does not pass.
fn health_command(container: &ContainerDefinition) -> Option<String> {
    let check = container.health_check()?;
    let command = check.command().iter().filter(|word| *word != "CMD" && *word != "CMD-SHELL");
    let command = command.map(String::as_str).collect::<Vec<_>>().join(" ");
    let within = check.timeout().map(|timeout| format!(" within {timeout} s")).unwrap_or_default();
    Some(format!("its health command is `{command}`, which has to end with 0{within}"))
}

/// What ECS said since then that is not the ordinary course and says more than that it failed, each
/// thing once, the oldest first.
fn events(service: &Description, since: Timestamp) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for event in service.events() {
        let words = event.message().map(words).unwrap_or_default();
        let is_ordinary = words.is_empty()
            || ORDINARY.iter().any(|begin| words.starts_with(begin))
            || words.ends_with("deployment completed")
            // Its deployment says the same.
            || words.contains(") deployment failed: ");
        if moment(event.created_at()).is_none_or(|at| at < since) || told.len() == EVENTS {
            break;
        }
        if !is_ordinary && !told.iter().any(|line| line == words) {
            told.push(words.to_owned());
        }
    }
    told.reverse();
    told
}

/// The words of an event, each of which begins with `(service name) `.
pub(super) fn words(message: &str) -> &str {
    let words = message.strip_prefix("(service ").and_then(|rest| rest.split_once(") "));
    let words = words.map_or(message, |(_, words)| words);
    words.split_once(SEE).map_or(words, |(words, _)| words).trim_end_matches('.')
}

/// What a service has said since its deployment began: what is wrong, or else what it did last.
pub(super) fn newest_event(service: &Description, deployment: &Deployment) -> Option<String> {
    let begun = moment(deployment.created_at())?;
    if let Some(telling) = telling(service, begun) {
        return Some(telling);
    }
    let event = service.events().first().filter(|it| moment(it.created_at()) >= Some(begun))?;
    event.message().map(|message| with_names(words(message)))
}

/// The last thing that a service has said since then that is not the ordinary course.
pub(super) fn telling(service: &Description, since: Timestamp) -> Option<String> {
    let said = events(service, since).pop()?;
    let target = Unhealthy::read(&said).map(|target| target.words(None, None));
    Some(target.unwrap_or_else(|| with_names(&said)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::ServiceEvent;
    use aws_smithy_types::DateTime;

    use super::*;

    #[test]
    fn target_groups_are_called_by_their_names() {
        let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web-http/7";
        let text = format!("Task failed ELB health checks in (target-group {group})");
        assert_eq!(with_names(&text), "Task failed ELB health checks in (target-group web-http)");
    }

    #[test]
    fn what_is_wrong_is_told_before_what_is_done() {
        let at = |second: i64, words: &str| {
            let message = format!("(service web) {words}.");
            let event = ServiceEvent::builder().message(message);
            event.created_at(DateTime::from_secs(second)).build()
        };
        let (place, start) = ("was unable to place a task. Reason: none", "has started 1 tasks");
        let service =
            |events: Vec<ServiceEvent>| Description::builder().set_events(Some(events)).build();
        let deployment = Deployment::builder().created_at(DateTime::from_secs(5)).build();
        let newest = |events| newest_event(&service(events), &deployment);
        assert_eq!(newest(vec![at(9, start), at(8, place)]).unwrap(), place);
        assert_eq!(newest(vec![at(9, start), at(4, place)]).unwrap(), start);
        assert_eq!(newest(vec![at(4, start)]), None);
    }
}
