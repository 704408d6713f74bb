//! Why the tasks of a service stop: in the words of ECS, of the containers, and of their logs.

use aws_sdk_ecs::types::{Deployment, DesiredStatus, Service as Description};
use deployer_core::{Cause, Failure};
use deployer_engine::{Result, StopCause, Task};
use jiff::Timestamp;

use super::tasks;
use crate::Aws;
use crate::ecs::stopped::{Culprit, Stopped, log, with_names};
use crate::elb;
use crate::missing::Required;
use crate::moment::moment;

/// How many events of a service are shown.
const EVENTS: usize = 5;

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

/// The tasks of a rollout that stopped.
pub(super) struct Ended {
    /// How many were themselves why they stopped.
    pub(super) by_themselves: i32,
    /// The one to blame: one that failed by itself before one that ECS stopped, and the newest of
    /// them.
    pub(super) newest: Option<Stopped>,
}

impl Ended {
    /// What there is to say of them while it goes on; `most` may end by themselves.
    pub(super) fn words(&self, most: i32) -> Option<String> {
        let reason = self.newest.as_ref()?.reason();
        Some(match self.by_themselves {
            0 => format!("one stopped: {reason}"),
            ended => format!("{ended} ended ({most} are too many): {reason}"),
        })
    }
}

/// What is rolled out: by its deployment, or by its task definition once ECS has gone back and
/// forgotten the deployment.
pub(super) enum Rollout<'a> {
    Deployment(&'a Deployment),
    TaskDefinition(&'a str),
}

impl Rollout<'_> {
    /// Whether it started a task: the tasks of a service are started by its deployment (ECS API
    /// reference, `startedBy`).
    pub(super) fn has_started(&self, task: &Task) -> bool {
        match self {
            Self::Deployment(deployment) => task.started_by.as_deref() == deployment.id(),
            Self::TaskDefinition(arn) => task.revision == *arn,
        }
    }
}

/// Why a rollout failed: what ECS says of it, of the task to blame, and what that wrote. `fate`
/// says what becomes of the service.
pub(super) async fn failure(
    aws: &Aws,
    service: &Description,
    rollout: &Rollout<'_>,
    fate: &str,
) -> Result<Failure> {
    let ended = ended(aws, service, rollout).await?;
    failure_by(aws, service, rollout, (ended, Some(fate))).await
}

/// The same, by the tasks that are known to have stopped.
pub(super) async fn failure_by(
    aws: &Aws,
    service: &Description,
    rollout: &Rollout<'_>,
    (ended, fate): (Ended, Option<&str>),
) -> Result<Failure> {
    let deployment = match rollout {
        Rollout::Deployment(deployment) => Some(*deployment),
        Rollout::TaskDefinition(_) => None,
    };
    let stopped = ended.newest;
    let begun = deployment.and_then(|deployment| moment(deployment.created_at()));
    let begun = begun.or_else(|| stopped.as_ref().and_then(|task| task.0.created));
    let said = begun.map(|begun| events(service, begun)).unwrap_or_default();
    // What is wrong with the task comes first, then what that led to.
    let mut lines = Vec::new();
    let mut others = Vec::new();
    for words in &said {
        match Unhealthy::read(words) {
            Some(unhealthy) => lines.push(unhealthy.verdict(aws).await),
            None => others.push(words),
        }
    }
    if let Some(task) = &stopped {
        lines.push(format!("task {} stopped: {}", task.0.id, task.reason()));
    }
    lines.extend(others.into_iter().map(|words| format!("ECS says: {}", with_names(words))));
    let reason = deployment.and_then(Deployment::rollout_state_reason);
    lines.extend(reason.filter(|text| !text.ends_with("in progress.")).map(ToOwned::to_owned));
    let culprit = match &stopped {
        Some(task) => Culprit::of(aws, task).await?,
        None => None,
    };
    lines.extend(log(aws, culprit.as_ref()).await?);
    if lines.is_empty() {
        lines.push("ECS no longer says why".to_owned());
    }
    lines.extend(fate.map(ToOwned::to_owned));
    let failure = Failure::new(Cause::Refused, "get its new tasks healthy", lines.join("\n"));
    Ok(match &stopped {
        Some(task) => failure.help(advice(task, culprit.as_ref(), service)),
        None => failure,
    })
}

/// The tasks of a rollout that stopped.
pub(super) async fn ended(
    aws: &Aws,
    service: &Description,
    rollout: &Rollout<'_>,
) -> Result<Ended> {
    let cluster = service.cluster_arn().required("the cluster of a service")?;
    let name = service.service_name().required("the name of a service")?;
    let tasks = tasks::find(aws, cluster, name, DesiredStatus::Stopped).await?.into_iter();
    let stopped = tasks.filter(|task| rollout.has_started(task)).filter_map(Stopped::of);
    let stopped: Vec<Stopped> = stopped.collect();
    let by_themselves = stopped.iter().filter(|task| task.is_its_own_fault()).count();
    let newest = stopped.into_iter().max_by_key(|task| {
        (task.is_its_own_fault(), task.1.cause != StopCause::Surplus, task.0.stopping)
    });
    Ok(Ended { by_themselves: i32::try_from(by_themselves).unwrap_or(i32::MAX), newest })
}

/// What can be done about a task that stopped.
fn advice(task: &Stopped, culprit: Option<&Culprit>, service: &Description) -> String {
    let name = culprit.map_or("the container", |culprit| &culprit.name);
    match task.1.cause {
        StopCause::NotStarted => "check that the image, the secrets and the \
             log group it names exist, and that its execution role may read them; then \
             roll it out again"
            .to_owned(),
        StopCause::Ended => {
            format!(
                "find out why `{name}` ends, in its log or by running it here; then roll it out again"
            )
        }
        _ => {
            let ports = service.load_balancers().iter().filter_map(|it| it.container_port());
            let ports: Vec<String> = ports.map(|port| port.to_string()).collect();
            let listens = match ports.as_slice() {
                [] => String::new(),
                ports => format!(" listens on port {} and", ports.join(", ")),
            };
            format!(
                "check that `{name}`{listens} passes its health check, soon enough for the \
                 grace period; then roll it out again"
            )
        }
    }
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
            || words.ends_with("deployment failed: tasks failed to start");
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

/// What ECS says of a target that fails its health check: `(port 8080) is unhealthy in
/// (target-group ARN) due to (reason …)` (ECS developer guide, "Amazon ECS service event messages").
struct Unhealthy<'a> {
    port: &'a str,
    group: &'a str,
    reason: &'a str,
}

impl<'a> Unhealthy<'a> {
    fn read(words: &'a str) -> Option<Self> {
        let (port, rest) =
            words.strip_prefix("(port ")?.split_once(") is unhealthy in (target-group ")?;
        let (group, rest) = rest.split_once(") due to (reason ")?;
        Some(Self { port, group, reason: rest.trim_end_matches(')') })
    }

    /// What was asked and what came of it, in one line. What the target group expects only helps
    /// to explain, so one that cannot be read is no failure.
    async fn verdict(&self, aws: &Aws) -> String {
        let request = aws.elb.describe_target_groups().target_group_arns(self.group);
        let answer = aws
            .send(&elb::DESCRIBE_TARGET_GROUPS, "look at the target group", || {
                request.clone().send()
            })
            .await;
        let group = answer.ok().and_then(|answer| answer.target_groups?.pop());
        let path = group.as_ref().and_then(|group| group.health_check_path());
        let matcher = group.as_ref().and_then(|group| group.matcher());
        let expected = matcher.and_then(|it| it.http_code().or_else(|| it.grpc_code()));
        self.words(path, expected)
    }

    fn words(&self, path: Option<&str>, expected: Option<&str>) -> String {
        let Self { port, reason, .. } = self;
        let asked = match path {
            Some(path) => format!("GET {path} on port {port}"),
            None => format!("the health check on port {port}"),
        };
        // Elastic Load Balancing, "Health checks for your target groups": the reason codes.
        match reason.strip_prefix("Health checks failed with these codes: ") {
            Some(codes) => {
                let codes = codes.trim_matches(['[', ']']);
                let expected =
                    expected.map(|codes| format!("; expected {codes}")).unwrap_or_default();
                format!("{asked} answered {codes}{expected}")
            }
            None if *reason == "Health checks failed" => format!("{asked} was not answered"),
            None => format!("{asked} failed: {reason}"),
        }
    }
}

/// The words of an event, each of which begins with `(service name) `.
pub(super) fn words(message: &str) -> &str {
    let words = message.strip_prefix("(service ").and_then(|rest| rest.split_once(") "));
    words.map_or(message, |(_, words)| words).trim_end_matches('.')
}

/// What the service last said, if that was after the deployment began.
pub(super) fn newest_event(service: &Description, deployment: &Deployment) -> Option<String> {
    let event = service.events().first()?;
    let is_new = event.created_at()? >= deployment.created_at()?;
    event.message().filter(|_| is_new).map(|message| with_names(words(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str =
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web-http/7";

    fn words(reason: &str, path: Option<&str>, expected: Option<&str>) -> String {
        let event = format!("(port 8080) is unhealthy in (target-group {GROUP}) due to ({reason})");
        let unhealthy = Unhealthy::read(&event).unwrap();
        assert_eq!(unhealthy.group, GROUP);
        unhealthy.words(path, expected)
    }

    #[test]
    fn a_failed_health_check_is_said_as_what_was_asked_and_answered() {
        let codes = "reason Health checks failed with these codes: [500]";
        let asked = Some("/healthz");
        assert_eq!(
            words(codes, asked, Some("200")),
            "GET /healthz on port 8080 answered 500; expected 200"
        );
        assert_eq!(words(codes, None, None), "the health check on port 8080 answered 500");
        assert_eq!(
            words("reason Health checks failed", asked, Some("200")),
            "GET /healthz on port 8080 was not answered"
        );
        assert_eq!(
            words("reason Request timed out", asked, None),
            "GET /healthz on port 8080 failed: Request timed out"
        );
    }

    #[test]
    fn target_groups_are_called_by_their_names() {
        let text = format!("Task failed ELB health checks in (target-group {GROUP})");
        assert_eq!(with_names(&text), "Task failed ELB health checks in (target-group web-http)");
    }
}
