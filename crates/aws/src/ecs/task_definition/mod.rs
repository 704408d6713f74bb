//! Task definitions of ECS: `RegisterTaskDefinition`, `ListTaskDefinitionFamilies`,
//! `DescribeTaskDefinition`, `ListTaskDefinitions`, `DeregisterTaskDefinition`,
//! `DeleteTaskDefinitions`.

pub(super) mod container;
mod verify;
pub(super) mod versions;
mod volume;

use std::collections::BTreeSet;

use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionOutput;
use aws_sdk_ecs::types::{
    Compatibility, CpuArchitecture, DeploymentRolloutState, EphemeralStorage, NetworkMode,
    OsFamily, RuntimePlatform, SortOrder, TaskDefinition as Description,
    TaskDefinitionFamilyStatus, TaskDefinitionField, TaskDefinitionStatus,
};
use deployer_core::{Phase, Ref};
use deployer_engine::{Concern, Context, Found, Resource, Result, Survey, unless_gone_for_good};
use deployer_kinds::{Architecture, TaskDefinition, TaskDefinitionOutput, TaskDefinitionSpec};
use tokio::sync::OnceCell;

use crate::Aws;
use crate::ecs::service::failures::Failures;
use crate::ecs::service::find::Services;
use crate::ecs::{self, released, tags};
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};
use crate::send::unless_gone;

/// The storage that Fargate gives without being asked; less than 21 GiB cannot be asked for
/// (`EphemeralStorage` in the ECS API reference).
const STORAGE: i32 = 20;

/// The most revisions that `DeleteTaskDefinitions` takes (ECS API reference).
const REVISIONS_A_CALL: usize = 10;

impl Resource<Aws> for TaskDefinition {
    /// The newest active revision of each family of ours; the earlier ones are history. Where the
    /// newest did not come up, the one that runs is there as well.
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let mut lives = Vec::new();
        for (owned, described) in survey.shared.get::<Definitions>().of(survey).await? {
            let definition = described.task_definition().required("a task definition")?;
            let read = found(owned, definition, &survey.cloud.region);
            let arn = definition.task_definition_arn();
            let Some(newest) = readable(survey, owned, arn, read) else { continue };
            let mut newest = newest?;
            if let Some(fallen) = fallen(survey, &newest.output).await? {
                (newest.phase, newest.state) = (Phase::Failed, fallen.because);
                if let Some(runs) = fallen.runs {
                    lives.extend(running(survey, &runs).await?);
                }
            }
            lives.push(newest);
        }
        Ok(lives)
    }

    /// An active revision; the others are history that nobody can use.
    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let described = unless_gone(describe(survey.cloud, id).await)?;
        let Some(described) = described else { return Ok(None) };
        let definition = described.task_definition().required("a task definition")?;
        if definition.status() != Some(&TaskDefinitionStatus::Active) {
            return Ok(None);
        }
        let tags = tags(described.tags());
        let owned = Owned::read::<Self>(survey.scope, definition.family(), &tags);
        found(&owned, definition, &survey.cloud.region).map(Some)
    }

    async fn verify(aws: &Aws, spec: &TaskDefinitionSpec) -> Result<Vec<Concern>> {
        verify::verify(aws, spec).await
    }

    async fn create(
        cx: &Context<'_, Aws>,
        spec: &TaskDefinitionSpec,
    ) -> Result<TaskDefinitionOutput> {
        let containers = spec
            .containers
            .iter()
            .map(|(name, container)| container::write(name, container, &cx.cloud.region));
        let platform = RuntimePlatform::builder()
            .cpu_architecture(match spec.architecture.wanted()? {
                Architecture::X86_64 => CpuArchitecture::X8664,
                Architecture::Arm64 => CpuArchitecture::Arm64,
            })
            .operating_system_family(OsFamily::Linux)
            .build();
        let storage = i32::try_from(spec.storage).ok().required("an amount of storage")?;
        let storage =
            (storage != STORAGE).then(|| EphemeralStorage::builder().size_in_gib(storage).build());
        let volumes: Result<Vec<_>> = spec.volumes.iter().map(volume::write).collect();
        let volumes = Some(volumes?).filter(|volumes| !volumes.is_empty());
        let request = cx
            .cloud
            .ecs
            .register_task_definition()
            .family(&cx.identity.name)
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu(spec.cpu.to_string())
            .memory(spec.memory.to_string())
            .runtime_platform(platform)
            .set_ephemeral_storage(storage)
            .execution_role_arn(spec.execution_role.id())
            .set_task_role_arn(spec.task_role.as_ref().map(|role| role.id().to_owned()))
            .set_container_definitions(Some(containers.collect()))
            .set_volumes(volumes)
            .set_tags(Some(released(cx.identity)));
        let made = cx
            .cloud
            .send(&ecs::REGISTER_TASK_DEFINITION, "register the task definition", || {
                request.clone().send()
            })
            .await?;
        output(made.task_definition().required("the task definition")?)
    }

    /// A revision never changes.
    async fn update(
        _cx: &Context<'_, Aws>,
        live: &Found<Self>,
        _spec: &TaskDefinitionSpec,
    ) -> Result<TaskDefinitionOutput> {
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &TaskDefinitionOutput) -> Result<()> {
        ecs::remember(cx, &output.id).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let family = &live.output.family;
        let mut left = Vec::new();
        // Oldest first: the newest revision is what a scan finds, so that what is left of a delete
        // cut short is found again.
        for status in [TaskDefinitionStatus::Inactive, TaskDefinitionStatus::Active] {
            let mut ours = Vec::new();
            for arn in revisions(cx.cloud, family, status.clone()).await? {
                let described = unless_gone_for_good(|| describe(cx.cloud, &arn)).await?;
                if described.is_some_and(|it| is_ours(cx, family, &arn, &it)) {
                    ours.push(arn);
                }
            }
            for arns in ours.chunks(REVISIONS_A_CALL) {
                if status == TaskDefinitionStatus::Active {
                    deregister(cx.cloud, arns).await?;
                }
                left.extend(delete(cx.cloud, arns).await?);
            }
        }
        Ok(left)
    }
}

/// The newest active revision of each family of ours, asked for once an observation.
#[derive(Default)]
pub(crate) struct Definitions(OnceCell<Vec<(Owned, DescribeTaskDefinitionOutput)>>);

impl Definitions {
    /// Every one that says it is the scope's.
    pub(crate) async fn of(
        &self,
        survey: &Survey<'_, Aws>,
    ) -> Result<&[(Owned, DescribeTaskDefinitionOutput)]> {
        self.0.get_or_try_init(|| fetch(survey)).await.map(Vec::as_slice)
    }
}

async fn fetch(survey: &Survey<'_, Aws>) -> Result<Vec<(Owned, DescribeTaskDefinitionOutput)>> {
    let families = match survey.expected::<TaskDefinition>() {
        Some(families) => families,
        None => families(survey).await?,
    };
    let mut newest = Vec::new();
    for family in &families {
        let described = unless_gone_for_good(|| describe(survey.cloud, family)).await?;
        let Some(described) = described else { continue };
        let tags = tags(described.tags());
        let owned = Owned::named::<TaskDefinition>(survey.scope, Some(family), &tags);
        newest.extend(owned.map(|owned| (owned, described)));
    }
    Ok(newest)
}

/// What came of a newest revision that did not come up.
struct Fallen {
    because: String,
    /// The revision of its family that runs.
    runs: Option<String>,
}

/// Whether the newest revision of a family did not come up. Rollouts are looked at only where a
/// service runs another one, or says that its last rollout failed.
async fn fallen(survey: &Survey<'_, Aws>, newest: &TaskDefinitionOutput) -> Result<Option<Fallen>> {
    let revisions = newest.id.trim_end_matches(|it: char| it.is_ascii_digit());
    let is_of_family = |it: &&str| it.starts_with(revisions) && *it != newest.id;
    for (_, service) in survey.shared.get::<Services>().of(survey).await? {
        let set = service.task_definition();
        let kept = service
            .deployments()
            .iter()
            .filter(|it| it.rollout_state() == Some(&DeploymentRolloutState::Completed));
        let kept = kept.filter_map(|it| it.task_definition());
        let runs = set.into_iter().chain(kept).find(is_of_family);
        let is_set = set == Some(&newest.id);
        let has_failed = service.deployments().iter().any(|it| {
            it.rollout_state() == Some(&DeploymentRolloutState::Failed)
                && it.task_definition() == Some(&newest.id)
        });
        if !(has_failed || (runs.is_some() && !is_set)) {
            continue;
        }
        let failures = survey.shared.get::<Failures>().of(survey).await?;
        if let Some(failed) = failures.iter().find(|it| it.revision == newest.id) {
            let (because, runs) = (failed.because.clone(), runs.map(ToOwned::to_owned));
            return Ok(Some(Fallen { because, runs }));
        }
    }
    Ok(None)
}

/// The revision that runs in the place of a newer one, if it is ours.
async fn running(survey: &Survey<'_, Aws>, arn: &str) -> Result<Option<Found<TaskDefinition>>> {
    let described = unless_gone_for_good(|| describe(survey.cloud, arn)).await?;
    let Some(described) = described else { return Ok(None) };
    let definition = described.task_definition().required("a task definition")?;
    // What is not active no service can be set to.
    if definition.status() != Some(&TaskDefinitionStatus::Active) {
        return Ok(None);
    }
    let tags = tags(described.tags());
    let owned = Owned::named::<TaskDefinition>(survey.scope, definition.family(), &tags);
    owned.map(|owned| found(&owned, definition, &survey.cloud.region)).transpose()
}

/// The families whose names begin like ours.
async fn families(survey: &Survey<'_, Aws>) -> Result<BTreeSet<String>> {
    // See `deployer_core::Naming` for how names begin.
    let prefix = format!("{}-{}-", survey.scope.stack, survey.scope.environment);
    let request = survey
        .cloud
        .ecs
        .list_task_definition_families()
        .family_prefix(prefix)
        .status(TaskDefinitionFamilyStatus::Active);
    let pages = survey
        .cloud
        .pages(
            &ecs::LIST_TASK_DEFINITION_FAMILIES,
            "find the task definitions",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.families.unwrap_or_default()).collect())
}

fn is_ours(
    cx: &Context<'_, Aws>,
    family: &str,
    arn: &str,
    described: &DescribeTaskDefinitionOutput,
) -> bool {
    ownership::owns::<TaskDefinition>(cx, arn, Some(family), &tags(described.tags()))
}

fn found(owned: &Owned, definition: &Description, region: &str) -> Result<Found<TaskDefinition>> {
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    let (containers, foreign) = container::read_all(definition.container_definitions(), region)?;
    let role = definition.execution_role_arn();
    Ok(Found {
        badge: owned.badge(),
        spec: TaskDefinitionSpec {
            cpu: number(definition.cpu()).required("the CPU units of a task definition")?,
            memory: number(definition.memory()).required("the memory of a task definition")?,
            architecture: architecture(definition).into(),
            storage: definition
                .ephemeral_storage()
                .map_or(Some(STORAGE), |storage| Some(storage.size_in_gib()))
                .and_then(|gib| u32::try_from(gib).ok())
                .required("the storage of a task definition")?,
            execution_role: Ref::physical(role.required("the role of a task definition")?),
            task_role: definition.task_role_arn().map(Ref::physical),
            containers,
            volumes: definition.volumes().iter().filter_map(volume::read).collect(),
        },
        output: output(definition)?,
        phase: Phase::Ready,
        state: String::new(),
        foreign: self::foreign(definition).into_iter().chain(foreign).collect(),
    })
}

fn output(definition: &Description) -> Result<TaskDefinitionOutput> {
    let arn = definition.task_definition_arn().required("the ARN of a task definition")?;
    let revision = u32::try_from(definition.revision()).ok();
    Ok(TaskDefinitionOutput {
        id: arn.to_owned(),
        family: definition.family().required("the family of a task definition")?.to_owned(),
        revision: revision.required("the revision of a task definition")?,
    })
}

fn architecture(definition: &Description) -> Option<Architecture> {
    match definition.runtime_platform().and_then(|platform| platform.cpu_architecture()) {
        // What Fargate takes without being told (`RuntimePlatform` in the ECS API reference).
        None | Some(CpuArchitecture::X8664) => Some(Architecture::X86_64),
        Some(CpuArchitecture::Arm64) => Some(Architecture::Arm64),
        Some(_) => None,
    }
}

/// What a spec cannot say of the whole.
fn foreign(definition: &Description) -> Vec<String> {
    let family = definition.runtime_platform().and_then(|it| it.operating_system_family());
    [
        ("volumes that a stack cannot say", !definition.volumes().iter().all(volume::is_empty)),
        ("placement constraints", !definition.placement_constraints().is_empty()),
        ("a proxy", definition.proxy_configuration().is_some()),
        ("a process namespace", definition.pid_mode().is_some()),
        ("an IPC namespace", definition.ipc_mode().is_some()),
        ("fault injection", definition.enable_fault_injection() == Some(true)),
        ("another network mode", definition.network_mode() != Some(&NetworkMode::Awsvpc)),
        ("another processor", architecture(definition).is_none()),
        ("another system", family.is_some_and(|family| *family != OsFamily::Linux)),
    ]
    .into_iter()
    .filter(|(_, is_there)| *is_there)
    .map(|(what, _)| format!("it has {what}"))
    .collect()
}

/// A revision, or the newest active one of a family.
async fn describe(aws: &Aws, definition: &str) -> Result<DescribeTaskDefinitionOutput> {
    let request = aws
        .ecs
        .describe_task_definition()
        .task_definition(definition)
        .include(TaskDefinitionField::Tags);
    let answer = aws.send(&ecs::DESCRIBE_TASK_DEFINITION, "look at the task definition", || {
        request.clone().send()
    });
    answer.await
}

async fn revisions(aws: &Aws, family: &str, status: TaskDefinitionStatus) -> Result<Vec<String>> {
    let request =
        aws.ecs.list_task_definitions().family_prefix(family).status(status).sort(SortOrder::Asc);
    let pages = aws
        .pages(
            &ecs::LIST_TASK_DEFINITIONS,
            "list the revisions",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.task_definition_arns.unwrap_or_default()).collect())
}

async fn deregister(aws: &Aws, arns: &[String]) -> Result<()> {
    for arn in arns {
        let request = aws.ecs.deregister_task_definition().task_definition(arn);
        aws.send(&ecs::DEREGISTER_TASK_DEFINITION, "deregister the task definition", || {
            request.clone().send()
        })
        .await?;
    }
    Ok(())
}

/// Deletes inactive revisions, and says which AWS would not.
async fn delete(aws: &Aws, arns: &[String]) -> Result<Vec<String>> {
    let request = aws.ecs.delete_task_definitions().set_task_definitions(Some(arns.to_vec()));
    let answer = aws
        .send(&ecs::DELETE_TASK_DEFINITIONS, "delete the task definitions", || {
            request.clone().send()
        })
        .await?;
    let kept = answer.failures().iter().map(|failure| {
        let (arn, reason) = (failure.arn().unwrap_or_default(), failure.reason());
        format!("revision {arn} is inactive but kept: {}", reason.unwrap_or("ECS says no more"))
    });
    Ok(kept.collect())
}
