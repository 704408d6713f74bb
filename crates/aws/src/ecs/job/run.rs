//! The runs of a job: `ListTasks`, `StopTask`.

use std::time::Duration;

use deployer_core::{Cause, Failure};
use deployer_engine::{
    Context, LogQuery, Order, Progress, Result, StopCause, Task, TaskState, unless_gone_for_good,
};
use deployer_kinds::JobSpec;

use super::entry::{self, Entry, Kept, Run};
use crate::Aws;
use crate::ecs::one_off::{self, OneOff, START, exit_code, starter};
use crate::ecs::stopped::{Culprit, Stopped, log};
use crate::ecs::{self, advice, logging, network, tasks};
use crate::missing::Required;
use crate::moment::{of_moment, since};
use crate::send::unless_gone;

const LOOK: &str = "look at the task";

/// What a job is asked to do.
const RUN: &str = "run to a good end";

/// Why a task was stopped that ran on and on.
const TOO_LONG: &str = "it took longer than its timeout";

/// How long a task that was started may not be shown yet (ECS API reference, `RunTask`: eventually
/// consistent). How long that lasts is an assumption; ECS shows one that has stopped for an hour.
const UNSEEN: Duration = Duration::from_mins(5);

/// Takes what is wanted, and has the job run for its release where it has not; gives the ARN of the
/// task that does so.
///
/// A try is written down before it is begun, with the token of the call that begins it: so whoever
/// comes after a kill goes on with that task, and none runs beside it.
pub(super) async fn begin(
    cx: &Context<'_, Aws>,
    kept: &Kept,
    wanted: &JobSpec,
) -> Result<Option<String>> {
    let (ran, run) = kept.entry.clone().map_or((None, None), |it| (it.ran, it.run));
    let mut entry = Entry { spec: wanted.clone(), ran, run };
    let Some(release) = entry.due() else {
        entry::write(cx.cloud, &kept.name, &entry).await?;
        return Ok(None);
    };
    // What has ended well needs no look.
    let last = entry.run.clone().filter(|run| entry.ran.as_ref() != Some(&run.release));
    if let Some(mut run) = last {
        if run.release == release && run.task.is_none() {
            return attempted(cx, &kept.name, entry, run).await.map(Some);
        }
        if run.task.is_none() {
            run.task = started_with(cx.cloud, wanted, &run.token).await?;
        }
        match stage(cx.cloud, wanted, &run, kept.age).await? {
            Stage::GoesOn(_) | Stage::EndedWell if run.release == release => {
                let task = run.task.clone();
                entry.run = Some(run);
                entry::write(cx.cloud, &kept.name, &entry).await?;
                return Ok(task);
            }
            Stage::GoesOn(task) => {
                let arn = run.task.required("the task of a run")?;
                // Nobody waits for it any more.
                let timeout = kept.entry.as_ref().and_then(|entry| entry.spec.timeout);
                if task.is_some_and(|task| is_too_long(&task, timeout)) {
                    stop(cx.cloud, &arn, TOO_LONG).await?;
                }
                let busy = format!("task {} still runs for another release", tasks::id(&arn));
                return Err(Failure::new(Cause::Busy, START, busy));
            }
            _ => {}
        }
    }
    let run = Run::new(release, wanted.retries);
    attempted(cx, &kept.name, entry, run).await.map(Some)
}

/// Begins a try, or finds its task where it was begun already.
async fn attempted(
    cx: &Context<'_, Aws>,
    name: &str,
    mut entry: Entry,
    run: Run,
) -> Result<String> {
    entry.run = Some(run.clone());
    entry::write(cx.cloud, name, &entry).await?;
    let task = start(cx.cloud, &entry.spec, &[], &run.token).await?;
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
    let task = OneOff {
        cluster: spec.cluster.id(),
        task_definition: spec.task_definition.id(),
        container: &spec.container,
        network: network(&spec.subnets, &spec.security_groups, spec.public_address),
        platform: None,
    };
    task.start(aws, command, token).await
}

/// The task that was started with a token and that is to run.
async fn started_with(aws: &Aws, spec: &JobSpec, token: &str) -> Result<Option<String>> {
    let request = aws.ecs.list_tasks().cluster(spec.cluster.id()).started_by(starter(token));
    let answer =
        aws.send(&ecs::LIST_TASKS, "find the task of a run", || request.clone().send()).await;
    Ok(unless_gone(answer)?.and_then(|answer| answer.task_arns?.pop()))
}

/// How far a run is.
enum Stage {
    /// Its task runs, or may do so where ECS does not show it yet.
    GoesOn(Option<Box<Task>>),
    EndedWell,
    /// It failed, ECS has forgotten it, or it never began.
    Over,
}

async fn stage(aws: &Aws, spec: &JobSpec, run: &Run, age: Option<Duration>) -> Result<Stage> {
    let Some(arn) = run.task.clone() else { return Ok(Stage::Over) };
    Ok(match seen(aws, &arn, age).await? {
        Sight::Task(task) if task.state != TaskState::Stopped => Stage::GoesOn(Some(task)),
        Sight::Task(task) if has_succeeded(&task, &spec.container) => Stage::EndedWell,
        Sight::NotYet => Stage::GoesOn(None),
        Sight::Task(_) | Sight::Forgotten => Stage::Over,
    })
}

/// What ECS says of the task of a run.
enum Sight {
    Task(Box<Task>),
    /// It was begun a moment ago and is not shown yet.
    NotYet,
    Forgotten,
}

/// Looks at the task of a run that was written down this long ago. `MISSING` may be said of one that
/// is there (ECS API reference, `RunTask`: eventually consistent), so it is believed where it stays
/// so.
async fn seen(aws: &Aws, arn: &str, age: Option<Duration>) -> Result<Sight> {
    if let Some(task) = look(aws, arn).await? {
        return Ok(Sight::Task(Box::new(task)));
    }
    if age.is_none_or(|age| age < UNSEEN) {
        return Ok(Sight::NotYet);
    }
    let missing = || Failure::new(Cause::Gone, LOOK, "ECS says that it is MISSING");
    let look = || async { look(aws, arn).await?.ok_or_else(missing) };
    Ok(unless_gone_for_good(look)
        .await?
        .map_or(Sight::Forgotten, |task| Sight::Task(Box::new(task))))
}

/// How far the run is that was begun last.
pub(super) async fn progress(cx: &Context<'_, Aws>, kept: &Kept) -> Result<Progress<()>> {
    let mut entry = kept.entry.clone().required("what is known of the job")?;
    let Some(run) = entry.run.clone().filter(|_| entry.due().is_some()) else {
        return Ok(Progress::Done(()));
    };
    let spec = entry.spec.clone();
    let Some(arn) = run.task.clone() else {
        attempted(cx, &kept.name, entry, run).await?;
        return Ok(Progress::Waiting("its task starts".to_owned()));
    };
    let task = match seen(cx.cloud, &arn, kept.age).await? {
        Sight::Task(task) => *task,
        Sight::NotYet => {
            return Ok(Progress::Waiting("ECS does not show its task yet".to_owned()));
        }
        Sight::Forgotten => {
            let id = tasks::id(&arn);
            let message = format!("ECS has forgotten task {id}: nobody knows how it ended");
            let help = "apply once more: it is run again";
            return Err(Failure::new(Cause::Refused, RUN, message).help(help));
        }
    };
    if task.state != TaskState::Stopped {
        if is_too_long(&task, spec.timeout) {
            stop(cx.cloud, &arn, TOO_LONG).await?;
        }
        return Ok(Progress::Waiting(doing(cx.cloud, &task).await));
    }
    if has_succeeded(&task, &spec.container) {
        let took = task.started.zip(task.stopped).map(|(from, to)| to.duration_since(from));
        let took = took.map(|took| format!(" in {} s", took.as_secs())).unwrap_or_default();
        cx.say(format!("task {} ended well{took}", task.id));
        entry.ran = Some(run.release);
        entry::write(cx.cloud, &kept.name, &entry).await?;
        return Ok(Progress::Done(()));
    }
    if was_refused(&task)
        && let Some(refusals) = run.refusals.checked_sub(1)
    {
        let again = Run { refusals, ..Run::new(run.release, run.left) };
        attempted(cx, &kept.name, entry, again).await?;
        let id = &task.id;
        return Ok(Progress::Waiting(format!("task {id} was refused what it needs; starts again")));
    }
    if let Some(left) = run.left.checked_sub(1) {
        attempted(cx, &kept.name, entry, Run::new(run.release, left)).await?;
        return Ok(Progress::Waiting(format!("task {} failed; it runs again", task.id)));
    }
    let of = format!("jobs/{}", cx.identity.address.name);
    Err(failure(cx.cloud, task, &of).await?)
}

/// Why a run failed: what ECS says of the task, and what that wrote.
async fn failure(aws: &Aws, task: Task, of: &str) -> Result<Failure> {
    let id = task.id.clone();
    let Some(stopped) = Stopped::of(task) else {
        let message = format!("task {id} stopped, and ECS does not say why");
        return Ok(Failure::new(Cause::Refused, RUN, message));
    };
    let definition = logging::definition(aws, &stopped.0.revision).await?;
    let culprit = Culprit::of(&stopped, &definition);
    let log = log(aws, culprit.as_ref()).await?;
    let help = advice::of_task((&stopped, of), culprit.as_ref(), &definition, &log);
    let mut lines = vec![format!("task {id} stopped: {}", stopped.reason())];
    lines.extend(log);
    lines.push("what waits for it stays at the version that it has".to_owned());
    let help = format!("{help}; then apply again");
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

/// A task by its ARN; none where ECS does not show it.
async fn look(aws: &Aws, arn: &str) -> Result<Option<Task>> {
    one_off::look(aws, cluster_of(arn), arn).await
}

/// The cluster that a task is in, by its ARN: a job's own may be another by now. `…:task/CLUSTER/ID`
/// (ECS developer guide, "Amazon Resource Names and IDs").
fn cluster_of(arn: &str) -> &str {
    arn.rsplit('/').nth(1).unwrap_or_default()
}

/// Whether the container that does the work ended well, and by itself: one that was told to stop may
/// say so with the same code, and one without a code never started (ECS API reference, `Container`).
fn has_succeeded(task: &Task, container: &str) -> bool {
    let has_ended = task.stop.as_ref().is_some_and(|stop| stop.cause == StopCause::Ended);
    has_ended && exit_code(task, container) == Some(0)
}

/// Whether a task never ran because its roles did not let it: IAM's changes take some seconds to be
/// known everywhere (IAM user guide, "Changes that I make are not always immediately visible").
fn was_refused(task: &Task) -> bool {
    let Some(stop) = task.stop.as_ref().filter(|stop| stop.cause == StopCause::NotStarted) else {
        return false;
    };
    let containers = task.containers.iter().filter_map(|container| container.reason.as_deref());
    // ECS developer guide, "Amazon ECS stopped tasks error messages".
    let words = ["AccessDenied", "is not authorized", "unable to assume the role"];
    let mut said = stop.reason.as_deref().into_iter().chain(containers);
    said.any(|text| words.iter().any(|words| text.contains(words)))
}

fn is_too_long(task: &Task, timeout: Option<u32>) -> bool {
    let started = task.started.map(of_moment);
    let runs = started.as_ref().and_then(since);
    runs.zip(timeout).is_some_and(|(runs, timeout)| runs.as_secs() >= u64::from(timeout))
}

/// Stops the tasks of a job that run, whoever began them: the family is the job's own.
pub(super) async fn end(aws: &Aws, spec: &JobSpec) -> Result<()> {
    let definition = spec.task_definition.id();
    let family = definition.rsplit('/').next().unwrap_or_default();
    let family = family.split(':').next().unwrap_or_default();
    let request = aws.ecs.list_tasks().cluster(spec.cluster.id()).family(family);
    let pages = aws.pages(
        &ecs::LIST_TASKS,
        "find the tasks of the job",
        |token| request.clone().set_next_token(token).send(),
        |page| page.next_token(),
    );
    let pages = unless_gone(pages.await)?.unwrap_or_default();
    for arn in pages.into_iter().flat_map(|page| page.task_arns.unwrap_or_default()) {
        stop(aws, &arn, "its job was deleted").await?;
    }
    Ok(())
}

async fn stop(aws: &Aws, arn: &str, reason: &str) -> Result<()> {
    let request = aws.ecs.stop_task().cluster(cluster_of(arn)).task(arn);
    let request = request.reason(format!("deployer: {reason}"));
    let stopped = aws.send(&ecs::STOP_TASK, "stop the task", || request.clone().send()).await;
    unless_gone(stopped).map(drop)
}

#[cfg(test)]
mod tests {
    use deployer_engine::{Health, Stop};

    use super::*;

    fn stopped(cause: StopCause, reason: &str) -> Task {
        let stop = Stop { cause, code: Some("code".to_owned()), reason: Some(reason.to_owned()) };
        Task {
            id: "1a".to_owned(),
            state: TaskState::Stopped,
            status: "STOPPED".to_owned(),
            desired: "STOPPED".to_owned(),
            health: Health::Unknown,
            revision: "job:1".to_owned(),
            started_by: None,
            containers: Vec::new(),
            created: None,
            started: None,
            stopping: None,
            stopped: None,
            stop: Some(stop),
            zone: None,
            address: None,
        }
    }

    #[test]
    fn a_task_that_its_role_did_not_let_start_is_told_from_one_that_failed() {
        let young = "ResourceInitializationError: unable to pull secrets or registry auth: \
                     AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/job/1 is \
                     not authorized to perform: ecr:GetAuthorizationToken on resource: *";
        assert!(was_refused(&stopped(StopCause::NotStarted, young)));
        let lost = "CannotPullContainerError: pull image manifest has been retried 1 time(s)";
        assert!(!was_refused(&stopped(StopCause::NotStarted, lost)));
        assert!(!was_refused(&stopped(StopCause::Ended, young)), "it ran");
    }
}
