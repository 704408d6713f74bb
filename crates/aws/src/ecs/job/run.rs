//! The runs of a job: `RunTask`, `DescribeTasks`, `StopTask`.

use std::time::Duration;

use aws_sdk_ecs::types::{ContainerOverride, LaunchType, PropagateTags, TaskOverride};
use deployer_core::{Cause, Failure};
use deployer_engine::{Context, LogQuery, Order, Progress, Result, Task, TaskState};
use deployer_kinds::JobSpec;

use super::entry::{self, Entry, Kept, Run};
use crate::Aws;
use crate::ecs::stopped::{Stopped, log};
use crate::ecs::{self, logging, network, tasks};
use crate::missing::Required;
use crate::moment::since;
use crate::ownership;
use crate::send::unless_gone;

const START: &str = "start the task";

/// What a job is asked to do.
const RUN: &str = "run to a good end";

/// How long a task that was started may not be shown yet (ECS API reference, `RunTask`: eventually
/// consistent). How long that lasts is an assumption; ECS shows one that has stopped for an hour.
const UNSEEN: Duration = Duration::from_mins(5);

/// Has the job run for the release that is wanted, where it has not; gives the ARN of the task that
/// does so.
///
/// The try is written down before it is begun, and its number is part of the token of the call: so
/// whoever comes after a kill goes on with that task, and none runs twice.
pub(super) async fn begin(
    cx: &Context<'_, Aws>,
    kept: &Kept,
    wanted: &JobSpec,
) -> Result<Option<String>> {
    let before = kept.entry.clone()?;
    let entry = Entry { spec: wanted.clone(), ..before.clone() };
    let Some(release) = entry.due() else {
        entry::write(cx.cloud, &kept.name, &entry).await?;
        return Ok(None);
    };
    // What has ended well needs no look.
    let last = entry.run.as_ref().filter(|run| entry.ran.as_ref() != Some(&run.release));
    let attempt = match last {
        Some(run) => {
            let is_same = run.release == release;
            match (stage(cx.cloud, &before.spec, run, kept.age).await?, &run.task) {
                (Stage::GoesOn | Stage::EndedWell, Some(task)) if is_same => {
                    return Ok(Some(task.clone()));
                }
                (Stage::GoesOn, Some(task)) => {
                    let busy = format!("task {} still runs for another release", tasks::id(task));
                    return Err(Failure::new(Cause::Busy, START, busy));
                }
                _ if !is_same => 1,
                // Nobody knows whether it was begun.
                (_, None) => run.attempt,
                _ => run.attempt + 1,
            }
        }
        None => 1,
    };
    let run = Run { release, attempt, left: wanted.retries, task: None };
    attempted(cx, &kept.name, entry, run).await.map(Some)
}

/// Begins a try.
async fn attempted(
    cx: &Context<'_, Aws>,
    name: &str,
    mut entry: Entry,
    run: Run,
) -> Result<String> {
    entry.run = Some(run.clone());
    entry::write(cx.cloud, name, &entry).await?;
    let said = format!("{:?} {}", run.release, run.attempt);
    let task = start(cx.cloud, &entry.spec, &[], &ownership::token(cx.identity, &said)).await?;
    entry.run = Some(Run { task: Some(task.clone()), ..run });
    entry::write(cx.cloud, name, &entry).await?;
    Ok(task)
}

/// Starts a task, or finds the one that was started with this token.
pub(super) async fn start(
    aws: &Aws,
    spec: &JobSpec,
    command: &[String],
    token: &str,
) -> Result<String> {
    let instead = ContainerOverride::builder()
        .name(&spec.container)
        .set_command(Some(command.to_vec()))
        .build();
    let instead = TaskOverride::builder().container_overrides(instead).build();
    let request = aws
        .ecs
        .run_task()
        .cluster(spec.cluster.id())
        .task_definition(spec.task_definition.id())
        .launch_type(LaunchType::Fargate)
        .network_configuration(network(&spec.subnets, &spec.security_groups, spec.public_address))
        .propagate_tags(PropagateTags::TaskDefinition)
        .enable_ecs_managed_tags(true)
        .started_by("deployer")
        .client_token(token)
        .set_overrides((!command.is_empty()).then_some(instead));
    let answer = aws.send(&ecs::RUN_TASK, START, || request.clone().send()).await?;
    // An answer without a task is no error of the call (ECS API reference, `Failure`).
    if let Some(failure) = answer.failures().first() {
        let reason = failure.reason().unwrap_or("ECS does not say why");
        let detail = failure.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        return Err(Failure::new(Cause::NotYet, START, format!("{reason}{detail}")));
    }
    let task = answer.tasks.unwrap_or_default().pop().and_then(|task| task.task_arn);
    task.required("the ARN of a task")
}

/// How far a run is.
enum Stage {
    /// Its task runs, or may do so.
    GoesOn,
    EndedWell,
    /// It failed, ECS has forgotten it, or it never began.
    Over,
}

async fn stage(aws: &Aws, spec: &JobSpec, run: &Run, age: Option<Duration>) -> Result<Stage> {
    let Some(arn) = &run.task else { return Ok(Stage::Over) };
    Ok(match look(aws, spec.cluster.id(), arn).await? {
        Some(task) if task.state != TaskState::Stopped => Stage::GoesOn,
        Some(task) if has_succeeded(&task, &spec.container) => Stage::EndedWell,
        None if age.is_none_or(|age| age < UNSEEN) => Stage::GoesOn,
        _ => Stage::Over,
    })
}

/// How far the run is that was begun last.
pub(super) async fn progress(cx: &Context<'_, Aws>, kept: &Kept) -> Result<Progress<()>> {
    let mut entry = kept.entry.clone()?;
    let Some(Run { release, attempt, left, task: Some(arn) }) = entry.run.clone() else {
        return Ok(Progress::Done(()));
    };
    let spec = entry.spec.clone();
    let Some(task) = look(cx.cloud, spec.cluster.id(), &arn).await? else {
        if kept.age.is_none_or(|age| age < UNSEEN) {
            return Ok(Progress::Waiting("ECS does not show its task yet".to_owned()));
        }
        let message =
            format!("ECS has forgotten task {}: nobody knows how it ended", tasks::id(&arn));
        return Err(
            Failure::new(Cause::Refused, RUN, message).help("apply once more: it is run again")
        );
    };
    if task.state != TaskState::Stopped {
        if is_too_long(&task, spec.timeout) {
            stop(cx.cloud, spec.cluster.id(), &arn, "it took longer than its timeout").await?;
        }
        return Ok(Progress::Waiting(doing(cx.cloud, &task).await));
    }
    if has_succeeded(&task, &spec.container) {
        let took = task.started.zip(task.stopped).map(|(from, to)| to.duration_since(from));
        let took = took.map(|took| format!(" in {} s", took.as_secs())).unwrap_or_default();
        cx.say(format!("task {} ended well{took}", task.id));
        entry.ran = Some(release);
        entry::write(cx.cloud, &kept.name, &entry).await?;
        return Ok(Progress::Done(()));
    }
    if let Some(left) = left.checked_sub(1) {
        let next = Run { release, attempt: attempt + 1, left, task: None };
        attempted(cx, &kept.name, entry, next).await?;
        return Ok(Progress::Waiting(format!("task {} failed; it runs again", task.id)));
    }
    Err(failure(cx.cloud, task, &spec).await?)
}

/// Why a run failed: what ECS says of the task, and what that wrote.
async fn failure(aws: &Aws, task: Task, spec: &JobSpec) -> Result<Failure> {
    let id = task.id.clone();
    let Some(stopped) = Stopped::of(task) else {
        let message = format!("task {id} stopped, and ECS does not say why");
        return Ok(Failure::new(Cause::Refused, RUN, message));
    };
    let mut lines = vec![format!("task {id} stopped: {}", stopped.reason())];
    lines.extend(log(aws, &stopped).await?);
    lines.push("what waits for it stays at the version that it has".to_owned());
    let help = if stopped.has_not_started() {
        "check that the image, the secrets and the log group it names exist, and that its execution \
         role may read them; then apply again"
            .to_owned()
    } else {
        let name = &spec.container;
        format!("find out why `{name}` ends so, in its log or by running it here; then apply again")
    };
    Ok(Failure::new(Cause::Refused, RUN, lines.join("\n")).help(help))
}

/// What a task is doing: ECS's word for it, and the last line it wrote.
async fn doing(aws: &Aws, task: &Task) -> String {
    let query = LogQuery {
        tasks: [task.id.clone()].into(),
        order: Order::NewestFirst,
        limit: Some(1),
        ..LogQuery::default()
    };
    let state = format!("task {} is {}", task.id, task.status);
    if task.started.is_none() {
        return state;
    }
    // The log only helps to see how far it is.
    let page = logging::page(aws, &task.revision, &query).await.unwrap_or_default();
    match page.lines.first() {
        Some(line) => format!("{state}: {}", line.text),
        None => state,
    }
}

/// A task by its ARN or its identifier; none where ECS does not show it.
pub(super) async fn look(aws: &Aws, cluster: &str, arn: &str) -> Result<Option<Task>> {
    let found = tasks::describe(aws, cluster, std::slice::from_ref(&arn.to_owned())).await;
    let found = unless_gone(found)?.unwrap_or_default();
    found.first().map(tasks::task).transpose()
}

/// Whether the container that does the work ended well. One without an exit code never started (ECS
/// API reference, `Container`).
fn has_succeeded(task: &Task, container: &str) -> bool {
    exit_code(task, container) == Some(0)
}

/// With what a container ended.
pub(super) fn exit_code(task: &Task, container: &str) -> Option<i32> {
    task.containers.iter().find(|it| it.name == container)?.exit_code
}

fn is_too_long(task: &Task, timeout: Option<u32>) -> bool {
    let started = task.started.map(crate::moment::of_moment);
    let runs = started.as_ref().and_then(since);
    runs.zip(timeout).is_some_and(|(runs, timeout)| runs.as_secs() >= u64::from(timeout))
}

/// Stops the task of a run that is not over.
pub(super) async fn end(aws: &Aws, entry: &Entry) -> Result<()> {
    let Some(arn) = entry.run.as_ref().and_then(|run| run.task.as_ref()) else { return Ok(()) };
    let cluster = entry.spec.cluster.id();
    let task = look(aws, cluster, arn).await?;
    if task.is_some_and(|task| task.state != TaskState::Stopped) {
        stop(aws, cluster, arn, "its job was deleted").await?;
    }
    Ok(())
}

async fn stop(aws: &Aws, cluster: &str, arn: &str, reason: &str) -> Result<()> {
    let request = aws.ecs.stop_task().cluster(cluster).task(arn);
    let request = request.reason(format!("deployer: {reason}"));
    let stopped = aws.send(&ecs::STOP_TASK, "stop the task", || request.clone().send()).await;
    unless_gone(stopped).map(drop)
}
