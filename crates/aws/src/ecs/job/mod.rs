//! Jobs: a parameter of Systems Manager that says what is run, and the tasks that run it.

mod by_hand;
mod entry;
mod logs;
mod run;

use deployer_core::{Cause, Opaque, Phase, Ref};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{Job, JobOutput, JobSpec};

use self::entry::{Entry, Kept};
use crate::Aws;
use crate::index::{TagIndex, one_by_one};
use crate::missing::Required;
use crate::ownership::{self, Owned};
use crate::ssm;

impl Resource<Aws> for Job {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let index = survey.shared.get::<TagIndex>();
        let mut names: Vec<String> =
            survey.recorded::<Self>().iter().map(|it| entry::name(it)).collect();
        let nominated = index.nominated::<Self>(survey, "ssm").await;
        names.extend(nominated.iter().filter_map(|arn| entry::named_in(arn)));
        names.sort();
        names.dedup();
        let all = entry::all(survey.cloud, &names).await?;
        let arns = all.iter().map(|kept| kept.arn.clone()).collect();
        let ask = |arns| one_by_one(survey.cloud, arns, tags);
        let tags = index.of(survey, arns, ask).await?;
        let read = |kept: &Kept| {
            let tags = tags.get(&kept.arn)?;
            let owned = Owned::named::<Self>(survey.scope, entry::called(&kept.name), tags)?;
            Some(found(&owned, kept))
        };
        Ok(all.iter().filter_map(read).collect())
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let name = entry::named_in(id).unwrap_or_else(|| entry::name(id));
        let Some(kept) = entry::read(survey.cloud, &name).await? else { return Ok(None) };
        let Some(tags) = ssm::tags(survey.cloud, &name).await? else { return Ok(None) };
        let owned = Owned::read::<Self>(survey.scope, entry::called(&name), &tags);
        Ok(Some(found(&owned, &kept)))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &JobSpec) -> Result<JobOutput> {
        let name = entry::name(&cx.identity.name);
        match entry::make(cx, &Entry { spec: spec.clone(), ran: None, run: None }).await {
            Ok(()) => {}
            Err(failure) if failure.cause == Cause::Taken => {
                let tags = ssm::tags(cx.cloud, &name).await?;
                let called = Some(cx.identity.name.as_str());
                let id = id(cx, &name).await?;
                if !ownership::is_this::<Self>(cx, &id, called, tags.as_ref()) {
                    return Err(ownership::taken(cx, failure.attempted, &id));
                }
            }
            Err(failure) => return Err(failure),
        }
        given(cx, &name, spec).await
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &JobSpec,
    ) -> Result<JobOutput> {
        given(cx, &live.output.name, spec).await
    }

    async fn remember(cx: &Context<'_, Aws>, output: &JobOutput) -> Result<()> {
        ssm::remember(cx, &output.name).await
    }

    /// Its tasks that run are stopped: their cluster could not be deleted before they end.
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let name = &live.output.name;
        if let Some(kept) = entry::read(cx.cloud, name).await? {
            if let Some(entry) = &kept.entry {
                run::end(cx.cloud, &entry.spec).await?;
            }
            entry::delete(cx.cloud, name).await?;
        }
        Ok(Vec::new())
    }

    async fn ready(cx: &Context<'_, Aws>, output: JobOutput) -> Result<Progress<JobOutput>> {
        if output.task.is_none() {
            return Ok(Progress::Done(output));
        }
        let kept = entry::read(cx.cloud, &output.name).await?;
        let kept = kept.required("what is known of the job")?;
        Ok(match run::progress(cx, &kept).await? {
            Progress::Done(()) => Progress::Done(output),
            Progress::Waiting(state) => Progress::Waiting(state),
            Progress::Failed(reason) => Progress::Failed(reason),
        })
    }
}

/// Takes what is wanted, and has it run where a release needs that.
async fn given(cx: &Context<'_, Aws>, name: &str, spec: &JobSpec) -> Result<JobOutput> {
    let kept = entry::read(cx.cloud, name).await?.required("what is known of the job")?;
    let task = run::begin(cx, &kept, spec).await?;
    let cluster = spec.cluster.id().to_owned();
    Ok(JobOutput { id: kept.arn, name: kept.name, cluster, task })
}

/// The ARN of the parameter that has the name.
async fn id(cx: &Context<'_, Aws>, name: &str) -> Result<String> {
    let kept = entry::read(cx.cloud, name).await?;
    Ok(kept.map_or_else(|| name.to_owned(), |kept| kept.arn))
}

async fn tags(aws: &Aws, arn: &str) -> Result<Option<ownership::Tags>> {
    match entry::named_in(arn) {
        Some(name) => ssm::tags(aws, &name).await,
        None => Ok(None),
    }
}

fn found(owned: &Owned, kept: &Kept) -> Found<Job> {
    let entry = kept.entry.clone().unwrap_or_else(unread);
    let before = if entry.due().is_some() { Opaque::Unread } else { entry.spec.before.clone() };
    let state = if kept.entry.is_some() { "" } else { "what its parameter says is unknown" };
    Found {
        badge: owned.badge(),
        output: JobOutput {
            id: kept.arn.clone(),
            name: kept.name.clone(),
            cluster: entry.spec.cluster.id().to_owned(),
            task: entry.run.and_then(|run| run.task),
        },
        spec: JobSpec { before, ..entry.spec },
        phase: Phase::Ready,
        state: state.to_owned(),
        foreign: Vec::new(),
    }
}

/// What is known where the parameter has something else, which the next update writes over.
fn unread() -> Entry {
    let spec = JobSpec {
        cluster: Ref::physical(""),
        task_definition: Ref::physical(""),
        container: String::new(),
        subnets: [].into(),
        security_groups: [].into(),
        public_address: false,
        before: Opaque::Unread,
        timeout: None,
        retries: 0,
    };
    Entry { spec, ran: None, run: None }
}
