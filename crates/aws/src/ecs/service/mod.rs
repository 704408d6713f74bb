//! Services of ECS: `CreateService`, `UpdateService`, `ListServices`, `DescribeServices`,
//! `DeleteService`.

mod by_hand;
mod capacity;
mod checks;
mod connect;
mod described;
mod ended;
mod explain;
pub(crate) mod failures;
pub(crate) mod find;
mod logs;
mod metrics;
mod rollout;
mod rollouts;
mod shell;
mod shifting;
mod since;
mod spec;
mod strategy;
mod tasks;
mod unhealthy;
mod verify;
mod workload;

use aws_sdk_ecs::types::{DeploymentConfiguration, PropagateTags, Service as Description};
use deployer_core::Phase;
use deployer_engine::{Concern, Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{Service, ServiceOutput, ServiceSpec, change_of_targets};

use self::described::output;
use self::find::{Services, cluster, describe, is_there, not_found};
use crate::Aws;
use crate::ecs::{self, tagged, tags};
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};

impl Resource<Aws> for Service {
    /// For some seconds ECS shows what a service was like before it was made or changed (ecs_deploy
    /// pull request 60, Terraform's AWS provider #3387).
    const SHOWN_LATE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let services = survey.shared.get::<Services>().of(survey).await?;
        let region = &survey.cloud.region;
        let read = services.iter().filter_map(|(owned, service)| {
            let others = services.iter().map(|(_, other)| other);
            let read = found(owned, service, region).map(|mut found| {
                found.spec.uses = connect::seen(service, others);
                found
            });
            readable(survey, owned, service.service_arn(), read)
        });
        read.collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some(cluster) = cluster(id) else { return Ok(None) };
        let services = describe(survey.cloud, &cluster, &[id.to_owned()]).await?;
        let Some(service) = services.iter().find(|service| is_there(service)) else {
            return Ok(None);
        };
        let (name, tags) = (service.service_name(), tags(service.tags()));
        let owned = Owned::read::<Self>(survey.scope, name, &tags);
        let mut found = found(&owned, service, &survey.cloud.region)?;
        if found.spec.connect.enabled {
            let others = survey.shared.get::<Services>().of(survey).await?;
            found.spec.uses = connect::seen(service, others.iter().map(|(_, other)| other));
        }
        Ok(Some(found))
    }

    /// In the clusters that are ours by their names.
    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        find::expected(survey).await
    }

    async fn verify(aws: &Aws, spec: &ServiceSpec) -> Result<Vec<Concern>> {
        verify::verify(aws, spec).await
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
            .set_launch_type(capacity::launch_type(spec)?)
            .set_capacity_provider_strategy(capacity::strategy(spec)?)
            .task_definition(spec.task_definition.id())
            .desired_count(strategy::number(spec.count.unwrap_or(spec.initial_count)))
            .platform_version(&spec.platform_version)
            .network_configuration(spec::network(spec))
            .set_load_balancers(Some(spec::targets(&spec.targets)))
            .deployment_configuration(strategy::new(spec)?)
            .availability_zone_rebalancing(spec::rebalancing(spec))
            .enable_execute_command(spec.execute_command)
            .set_service_connect_configuration(connect::new(spec, &cx.cloud.region))
            .enable_ecs_managed_tags(true)
            .propagate_tags(PropagateTags::Service)
            .set_health_check_grace_period_seconds(spec::grace_period(spec, 0));
        let made =
            cx.cloud.send(&ecs::CREATE_SERVICE, "create the service", || request.clone().send());
        let made = made.await?;
        changed(&made.service.required("the service")?)
    }

    /// UpdateService merges: a field that is left out stays as it is. So what starts no rollout is
    /// always sent, whole and with explicit resets, and what starts one is sent when it differs.
    ///
    /// A strategy that shifts requests takes the place of another only while nothing is rolled out, and
    /// once each target has its pair of groups ("Migrate Amazon ECS rolling update deployments to
    /// blue/green" in the ECS developer guide): so it comes in a call of its own. The rolling one comes
    /// with the targets that it is to have, which the others do not take.
    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &ServiceSpec,
    ) -> Result<ServiceOutput> {
        let moves = capacity::moves(&live.spec, spec);
        let (before, after) = change_of_targets(&live.spec.targets, &spec.targets);
        let mut configuration = strategy::change(&live.spec, spec)?;
        if strategy::comes(&live.spec, spec) {
            switch(cx, &live.output, configuration.take()).await?;
        }
        let mut request = cx
            .cloud
            .ecs
            .update_service()
            .cluster(&live.output.cluster)
            .service(&live.output.id)
            .set_desired_count(spec.count.map(strategy::number))
            .set_deployment_configuration(configuration)
            .availability_zone_rebalancing(spec::rebalancing(spec))
            .enable_execute_command(spec.execute_command)
            .set_service_connect_configuration(connect::change(&live.spec, spec, &cx.cloud.region))
            // Tasks that run keep what they were started with, and see what was served then.
            .force_new_deployment(
                live.spec.execute_command != spec.execute_command
                    || moves
                    || !spec.uses.is_subset(&live.spec.uses),
            )
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
        if moves {
            request = request.set_capacity_provider_strategy(Some(capacity::change(spec)?));
        }
        if spec::network(&live.spec) != spec::network(spec) {
            request = request.network_configuration(spec::network(spec));
        }
        if before != after {
            request = request.set_load_balancers(Some(spec::targets(&after)));
        }
        let answer =
            cx.cloud.send(&ecs::UPDATE_SERVICE, "change the service", || request.clone().send());
        let answer = answer.await?;
        changed(&answer.service.required("the service")?)
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
        let service = look(cx.cloud, &output).await?.filter(is_there).ok_or_else(not_found)?;
        if strategy::shifts(&service) {
            return shifting::progress(cx, &service, output).await;
        }
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

/// Changes the strategy, which ECS does only while nothing is rolled out, and which rolls nothing out.
async fn switch(
    cx: &Context<'_, Aws>,
    output: &ServiceOutput,
    configuration: Option<DeploymentConfiguration>,
) -> Result<()> {
    let request = cx
        .cloud
        .ecs
        .update_service()
        .cluster(&output.cluster)
        .service(&output.id)
        .set_deployment_configuration(configuration);
    cx.cloud
        .send(&ecs::UPDATE_SERVICE, "change how it rolls out", || request.clone().send())
        .await?;
    Ok(())
}

fn found(owned: &Owned, service: &Description, region: &str) -> Result<Found<Service>> {
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
        foreign: spec::foreign(service, region),
    })
}

/// The output of a service by the answer to its change, which is what later ones are held against.
fn changed(service: &Description) -> Result<ServiceOutput> {
    Ok(ServiceOutput { changed: rollout::last_change(service), ..output(service)? })
}

async fn look(aws: &Aws, output: &ServiceOutput) -> Result<Option<Description>> {
    let found = describe(aws, &output.cluster, std::slice::from_ref(&output.id)).await?;
    Ok(found.into_iter().next())
}

/// The token that makes ECS take a create once, however often it is asked. It changes once a service
/// of the name has been deleted: ECS would hand back the deleted one.
async fn token(cx: &Context<'_, Aws>, cluster: &str) -> Result<String> {
    let name = std::slice::from_ref(&cx.identity.name);
    let before = describe(cx.cloud, cluster, name).await?;
    let epoch = before.first().filter(|service| service.status() == Some("INACTIVE"));
    let epoch = epoch.and_then(Description::created_at).map_or(0.0, |at| at.as_secs_f64());
    // At most 36 characters (ECS API reference).
    Ok(ownership::token(cx.identity, &epoch.to_string())[..32].to_owned())
}
