//! A job that runs by the clock: a state machine that runs its task, retries included, a schedule that
//! starts it, and a queue for what could not be started.

use std::collections::BTreeSet;

use deployer_core::{Address, Code, Kind, KindInfo, Partition, Ref, Text, principal};
use deployer_kinds::{
    Cluster, Conditions, JobSpec, Queue, QueueSpec, Role, RoleSpec, Schedule, ScheduleSpec,
    StateMachine, StateMachineSpec, Statement, TaskDefinition,
};

use super::body::Job;
use super::when::{Every, When};
use crate::draft::{Draft, Origin};
use crate::schedule::{Cron, Once};
use crate::section::{Section, Sections};
use crate::sections::service::{Owner, Sidecar, role_name};

/// The queue of what could not be started.
pub(in crate::sections) const DEAD_LETTERS: &str = "jobs-not-started";

/// How long it is kept there, in seconds: as long as SQS does (`MessageRetentionPeriod` in the SQS API
/// reference).
const KEPT: u32 = 14 * 24 * 60 * 60;

/// The rule by which Step Functions hears that a task has ended (Step Functions developer guide, "Run
/// Amazon ECS or Fargate tasks").
const RULE: &str = "rule/StepFunctionsGetEventsForECSTaskRule";

/// The queue that all jobs with a schedule share.
pub(super) fn dead_letters(draft: &mut Draft, all: &Sections) {
    if all.of::<Job>().any(|(_, job)| job.schedule.is_some()) {
        let spec = QueueSpec { retention: KEPT, ..QueueSpec::default() };
        draft.make::<Queue>(DEAD_LETTERS, &spec, Origin::new(&[Job::KEY], &[]));
    }
}

/// Makes what starts a job by the clock, if something is to.
pub(super) fn expand(draft: &mut Draft, name: &str, job: &Job, run: &JobSpec) {
    let owner = Owner::job(name);
    let Some(when) = &job.schedule else { return };
    let Some(expression) = expression(draft, name, when) else { return };
    end_alone(draft, name, job);
    let [machine, starter] = ["machine", "schedule"].map(|which| role_name(owner, which));
    let origin = owner.origin(&[]);
    draft.make::<Role>(&machine, &runs_tasks(draft, name, owner), origin.clone());
    draft.make::<Role>(&starter, &starts(draft, name), origin);
    let spec = StateMachineSpec {
        role: Ref::named(machine),
        cluster: run.cluster.clone().into(),
        task_definition: run.task_definition.clone().into(),
        subnets: run.subnets.clone().into(),
        security_groups: run.security_groups.clone().into(),
        public_address: run.public_address.into(),
        timeout: run.timeout,
        retries: run.retries.into(),
    };
    let fields = [("timeout", "timeout"), ("retries", "retries")];
    draft.make::<StateMachine>(name, &spec, owner.origin(&fields));
    let timezone = when.timezone.as_ref().map_or("UTC", |zone| zone.as_str());
    let spec = ScheduleSpec {
        expression: expression.into(),
        timezone: timezone.to_owned(),
        role: Ref::named(starter).into(),
        target: Ref::named(name).into(),
        retries: 2,
        maximum_age: 60 * 60,
        dead_letters: Some(Ref::named(DEAD_LETTERS)),
        enabled: true,
    };
    let fields = [("expression", "schedule"), ("timezone", "schedule.timezone")];
    draft.make::<Schedule>(name, &spec, owner.origin(&fields));
}

/// When it starts, as AWS writes it.
fn expression(draft: &mut Draft, name: &str, when: &When) -> Option<String> {
    let times = [
        when.cron.as_ref().map(Cron::aws),
        when.every.as_ref().map(Every::aws),
        when.once.as_ref().map(Once::aws),
    ];
    let mut times = times.into_iter().flatten();
    match (times.next(), times.next()) {
        (Some(time), None) => Some(time),
        (first, _) => {
            let label = if first.is_some() { "one of them" } else { "it does not say when" };
            draft.error(
                Code::BadValue,
                "a schedule has one time, or times that come again",
                &[Job::KEY, name, "schedule"],
                label,
                "write `cron: \"30 3 * * *\"`, `every: 1 h` or `once: 2027-01-01T08:00`",
            );
            None
        }
    }
}

/// Reports sidecars that are stopped when the job has ended: Step Functions takes a run as failed when
/// any container ends with another code than 0 (Step Functions developer guide, "Run Amazon ECS or
/// Fargate tasks"; seen in public threads).
fn end_alone(draft: &mut Draft, name: &str, job: &Job) {
    let goes_on = |(_, sidecar): &(&String, &Sidecar)| !sidecar.ends_first();
    if let Some((sidecar, _)) = job.sidecars.iter().find(goes_on) {
        draft.error(
            Code::BadValue,
            format!("each run of `{name}` would count as failed"),
            &[Job::KEY, name, "sidecars", sidecar],
            "it is stopped when the job has ended, and that is no good end",
            "write `sidecars: null` in the job, or `starts: before` and `until: success` in this one",
        );
    }
}

/// The role of the state machine: it runs the job's task and waits for its end.
fn runs_tasks(draft: &Draft, name: &str, owner: Owner<'_>) -> RoleSpec {
    let definition = KindInfo::first_name::<TaskDefinition>(&draft.scope, &owner.resource());
    let tasks = format!("task/{}/*", KindInfo::first_name::<Cluster>(&draft.scope, "main"));
    let tasks = arn(draft, "ecs", &tasks);
    let roles = ["execution", "task"]
        .map(|which| Text::output(Address::new(Role::NAME, role_name(owner, which)), "id"));
    let passed = condition("StringEquals", "iam:PassedToService", principal("ecs-tasks"));
    let statements = vec![
        Statement::allow(
            &["ecs:RunTask"],
            [arn(draft, "ecs", &format!("task-definition/{definition}:*"))],
        ),
        Statement::allow(&["ecs:DescribeTasks", "ecs:StopTask", "ecs:TagResource"], [tasks]),
        Statement { conditions: passed, ..Statement::allow(&["iam:PassRole"], roles) },
        Statement::allow(
            &["events:DescribeRule", "events:PutRule", "events:PutTargets"],
            [arn(draft, "events", RULE)],
        ),
    ];
    let machine =
        format!("stateMachine:{}", KindInfo::first_name::<StateMachine>(&draft.scope, name));
    role(draft, "states", &machine, statements)
}

/// The role of the schedule: it starts the state machine, and says where it could not.
fn starts(draft: &Draft, name: &str) -> RoleSpec {
    let machine = Text::output(Address::new(StateMachine::NAME, name), "id");
    let queue = Text::output(Address::new(Queue::NAME, DEAD_LETTERS), "id");
    let statements = vec![
        Statement::allow(&["states:StartExecution"], [machine]),
        Statement::allow(&["sqs:SendMessage"], [queue]),
    ];
    let group = format!("schedule-group/{}", KindInfo::first_name::<Schedule>(&draft.scope, name));
    role(draft, "scheduler", &group, statements)
}

/// A role that a service takes for one thing of its own.
fn role(draft: &Draft, service: &str, resource: &str, statements: Vec<Statement>) -> RoleSpec {
    let source = arn(draft, service, resource).literal().unwrap_or_default().to_owned();
    RoleSpec {
        services: [principal(service)].into(),
        own_account_only: true,
        conditions: condition("ArnLike", "aws:SourceArn", source),
        inline: [(service.to_owned(), statements)].into(),
        managed: BTreeSet::new(),
        boundary: None,
        path: "/".to_owned(),
    }
}

fn condition(operator: &str, key: &str, value: String) -> Conditions {
    [(operator.to_owned(), [(key.to_owned(), [value].into())].into())].into()
}

/// What is called so in the account that the stack is in, which nobody has asked for yet.
fn arn(draft: &Draft, service: &str, resource: &str) -> Text {
    let partition = Partition::of(&draft.region).name();
    Text::from(format!("arn:{partition}:{service}:{}:*:{resource}", draft.region))
}
