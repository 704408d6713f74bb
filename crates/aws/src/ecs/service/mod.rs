//! Services of ECS: `CreateService`, `UpdateService`, `ListServices`, `DescribeServices`,
//! `DeleteService`.

mod explain;
mod logging;
mod metrics;
mod rollout;
mod rollouts;
mod shell;
mod spec;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{LaunchType, PropagateTags, Service as Description, ServiceField};
use deployer_core::Phase;
use deployer_engine::{
    Context, Found, Identity, Progress, Resource, Result, Survey, unless_gone_for_good,
};
use deployer_kinds::{Service, ServiceOutput, ServiceSpec};
use sha2::{Digest, Sha256};

use crate::Aws;
use crate::ecs::{self, Clusters, tagged, tags};
use crate::index::TagIndex;
use crate::missing::Required;
use crate::ownership::Owned;
use crate::send::unless_gone;

/// The most services that `DescribeServices` takes (ECS API reference).
const SERVICES_A_CALL: usize = 10;

/// How many tasks a new service has where nobody says: a scaler finds one to begin with.
const COUNT: u32 = 1;

impl Resource<Aws> for Service {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let mut lives = Vec::new();
        for (cluster, services) in candidates(survey).await? {
            let services: Vec<String> = services.into_iter().collect();
            let services = describe(survey.cloud, &cluster, &services).await?;
            for service in services.iter().filter(|service| is_there(service)) {
                let (name, tags) = (service.service_name(), tags(service.tags()));
                if let Some(owned) = Owned::named::<Self>(survey.scope, name, &tags) {
                    lives.push(found(&owned, service)?);
                }
            }
        }
        Ok(lives)
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some(cluster) = cluster(id) else { return Ok(None) };
        let services = describe(survey.cloud, &cluster, &[id.to_owned()]).await?;
        let read = |service: &Description| {
            let (name, tags) = (service.service_name(), tags(service.tags()));
            found(&Owned::read::<Self>(survey.scope, name, &tags), service)
        };
        services.iter().find(|service| is_there(service)).map(read).transpose()
    }

    async fn create(cx: &Context<'_, Aws>, spec: &ServiceSpec) -> Result<ServiceOutput> {
        let request = cx
            .cloud
            .ecs
            .create_service()
            .cluster(spec.cluster.id())
            .service_name(&cx.identity.name)
            .client_token(token(cx, spec.cluster.id()).await?)
            .set_tags(Some(tagged(cx.identity)))
            .launch_type(LaunchType::Fargate)
            .task_definition(spec.task_definition.id())
            .desired_count(spec::number(spec.count.unwrap_or(COUNT)))
            .platform_version(&spec.platform_version)
            .network_configuration(spec::network(spec))
            .set_load_balancers(Some(spec::targets(spec)))
            .deployment_configuration(spec::deployment(spec))
            .availability_zone_rebalancing(spec::rebalancing(spec))
            .enable_execute_command(spec.execute_command)
            .enable_ecs_managed_tags(true)
            .propagate_tags(PropagateTags::Service)
            .set_health_check_grace_period_seconds(spec::grace_period(spec, 0));
        let made =
            cx.cloud.send(&ecs::CREATE_SERVICE, "create the service", || request.clone().send());
        let made = made.await?;
        output(&made.service.required("the service")?)
    }

    /// UpdateService merges: a field that is left out stays as it is. So what starts no rollout is
    /// always sent, whole and with explicit resets, and what starts one is sent when it differs.
    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &ServiceSpec,
    ) -> Result<ServiceOutput> {
        let mut request = cx
            .cloud
            .ecs
            .update_service()
            .cluster(&live.output.cluster)
            .service(&live.output.id)
            .set_desired_count(spec.count.map(spec::number))
            .deployment_configuration(spec::deployment(spec))
            .availability_zone_rebalancing(spec::rebalancing(spec))
            .enable_execute_command(spec.execute_command)
            .enable_ecs_managed_tags(true)
            .propagate_tags(PropagateTags::Service)
            .set_health_check_grace_period_seconds(spec::grace_period(
                spec,
                live.spec.grace_period,
            ));
        if live.spec.task_definition != spec.task_definition {
            request = request.task_definition(spec.task_definition.id());
        }
        if live.spec.platform_version != spec.platform_version {
            request = request.platform_version(&spec.platform_version);
        }
        if spec::network(&live.spec) != spec::network(spec) {
            request = request.network_configuration(spec::network(spec));
        }
        if live.spec.targets != spec.targets {
            request = request.set_load_balancers(Some(spec::targets(spec)));
        }
        let changed =
            cx.cloud.send(&ecs::UPDATE_SERVICE, "change the service", || request.clone().send());
        let changed = changed.await?;
        output(&changed.service.required("the service")?)
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ServiceOutput) -> Result<()> {
        ecs::remember(cx, &output.id).await
    }

    /// A forced delete stops the tasks, whatever their number (`DeleteService` in the ECS API
    /// reference).
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let ServiceOutput { id, cluster, .. } = &live.output;
        let request = cx.cloud.ecs.delete_service().cluster(cluster).service(id).force(true);
        cx.cloud
            .send(&ecs::DELETE_SERVICE, "delete the service", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }

    async fn ready(
        cx: &Context<'_, Aws>,
        output: ServiceOutput,
    ) -> Result<Progress<ServiceOutput>> {
        let service = look(cx.cloud, &output).await?.required("the service")?;
        rollout::progress(cx, &service, output).await
    }

    async fn gone(cx: &Context<'_, Aws>, output: &ServiceOutput) -> Result<Progress<()>> {
        let service = look(cx.cloud, output).await?;
        Ok(match service.filter(|service| service.status() != Some("INACTIVE")) {
            None => Progress::Done(()),
            Some(service) => Progress::Waiting(format!(
                "{}; {} of its tasks still run",
                service.status().unwrap_or_default(),
                service.running_count()
            )),
        })
    }
}

/// The services to look at, by cluster: in clusters of ours those that the record has, or else
/// those that are listed, and everywhere those that the tagging index knows, since a service that
/// drains is not listed (ECS API reference).
async fn candidates(survey: &Survey<'_, Aws>) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut candidates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, cluster) in survey.shared.get::<Clusters>().of(survey).await? {
        let arn = cluster.cluster_arn().required("the ARN of a cluster")?;
        if let Some(names) = survey.expected::<Service>() {
            let folder = arn.replacen(":cluster/", ":service/", 1);
            let arns = names.into_iter().map(|name| format!("{folder}/{name}"));
            candidates.entry(arn.to_owned()).or_default().extend(arns);
            continue;
        }
        let request = survey.cloud.ecs.list_services().cluster(arn).max_results(100);
        let pages = unless_gone_for_good(|| {
            survey.cloud.pages(
                &ecs::LIST_SERVICES,
                "find the services",
                |token| request.clone().set_next_token(token).send(),
                |page| page.next_token(),
            )
        });
        let pages = pages.await?.unwrap_or_default();
        let arns = pages.into_iter().flat_map(|page| page.service_arns.unwrap_or_default());
        candidates.entry(arn.to_owned()).or_default().extend(arns);
    }
    for arn in survey.shared.get::<TagIndex>().nominated(survey.cloud, survey.scope, "ecs").await {
        if let Some(cluster) = cluster(&arn) {
            candidates.entry(cluster).or_default().insert(arn);
        }
    }
    Ok(candidates)
}

/// The ARN of the cluster that is named in a service's.
fn cluster(service: &str) -> Option<String> {
    let (account, path) = service.split_once(":service/")?;
    let (cluster, _) = path.split_once('/')?;
    Some(format!("{account}:cluster/{cluster}"))
}

/// A deleted service stays visible for a while.
fn is_there(service: &Description) -> bool {
    service.status() != Some("INACTIVE")
}

fn found(owned: &Owned, service: &Description) -> Result<Found<Service>> {
    let state = service.status().required("the status of a service")?;
    Ok(Found {
        badge: owned.badge(),
        spec: spec::read(service)?,
        output: output(service)?,
        phase: match state {
            "DRAINING" => Phase::Leaving,
            _ if rollout::is_over(service) => Phase::Ready,
            _ => Phase::Settling,
        },
        state: state.to_owned(),
        foreign: spec::foreign(service),
    })
}

fn output(service: &Description) -> Result<ServiceOutput> {
    let text = |value: Option<&str>, what: &str| value.map(ToOwned::to_owned).required(what);
    Ok(ServiceOutput {
        id: text(service.service_arn(), "the ARN of a service")?,
        name: text(service.service_name(), "the name of a service")?,
        cluster: text(service.cluster_arn(), "the cluster of a service")?,
        task_definition: text(service.task_definition(), "the task definition of a service")?,
    })
}

/// Services of one cluster, those that are not there left out.
async fn describe(aws: &Aws, cluster: &str, services: &[String]) -> Result<Vec<Description>> {
    let mut found = Vec::new();
    for services in services.chunks(SERVICES_A_CALL) {
        let request = aws
            .ecs
            .describe_services()
            .cluster(cluster)
            .set_services(Some(services.to_vec()))
            .include(ServiceField::Tags);
        let answer =
            aws.send(&ecs::DESCRIBE_SERVICES, "look at the services", || request.clone().send());
        // The index remembers services of clusters that are gone.
        let answer = unless_gone(answer.await)?;
        found.extend(answer.and_then(|answer| answer.services).unwrap_or_default());
    }
    Ok(found)
}

async fn look(aws: &Aws, output: &ServiceOutput) -> Result<Option<Description>> {
    let found = describe(aws, &output.cluster, std::slice::from_ref(&output.id)).await?;
    Ok(found.into_iter().next())
}

/// The token that makes ECS take a create once, however often it is asked: the proof among its tags
/// is the same then. It changes once a service of the name has been deleted: ECS would hand back
/// the deleted one.
async fn token(cx: &Context<'_, Aws>, cluster: &str) -> Result<String> {
    let Identity { scope, address, generation, proof, name, .. } = cx.identity;
    let before = describe(cx.cloud, cluster, std::slice::from_ref(name)).await?;
    let epoch = before.first().filter(|service| service.status() == Some("INACTIVE"));
    let epoch = epoch.and_then(Description::created_at).map_or(0.0, |at| at.as_secs_f64());
    let proof = proof.as_deref().unwrap_or_default();
    let attempt = format!("{scope} {address} {generation} {proof} {epoch}");
    let tags = &scope.tags;
    let attempt = if tags.is_empty() { attempt } else { format!("{attempt} {tags:?}") };
    let hash = format!("{:x}", Sha256::digest(attempt));
    // At most 36 characters (ECS API reference).
    Ok(hash[..32].to_owned())
}
