//! Clusters on ECS: `CreateCluster`, `UpdateClusterSettings`, `PutClusterCapacityProviders`,
//! `DescribeClusters`, `DeleteCluster`.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{Cluster as Description, ClusterSetting, ClusterSettingName};
use deployer_core::Phase;
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{CapacityProvider, Cluster, ClusterOutput, ClusterSpec, Insights};

use crate::Aws;
use crate::ecs::{self, Clusters, tagged};
use crate::iam::linked_role;
use crate::missing::Required;
use crate::ownership::{self, Owned, readable};

const CREATE: &str = "create the cluster";

impl Resource<Aws> for Cluster {
    const READ_BY_NAME: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let clusters = survey.shared.get::<Clusters>().of(survey).await?;
        let read = clusters.iter().filter_map(|(owned, cluster)| {
            readable(survey, owned, cluster.cluster_arn(), found(owned, cluster))
        });
        read.collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let clusters = ecs::clusters(survey.cloud, &[id.to_owned()]).await?;
        let read = |cluster: &Description| {
            let tags = ecs::tags(cluster.tags());
            found(&Owned::read::<Self>(survey.scope, cluster.cluster_name(), &tags), cluster)
        };
        clusters.first().map(read).transpose()
    }

    async fn create(cx: &Context<'_, Aws>, spec: &ClusterSpec) -> Result<ClusterOutput> {
        // CreateCluster hands back one of that name whosever it is, so it is looked for first.
        let name = &cx.identity.name;
        for other in ecs::clusters(cx.cloud, std::slice::from_ref(name)).await? {
            let (id, tags) = (other.cluster_arn().unwrap_or_default(), ecs::tags(other.tags()));
            if !ownership::is_this::<Self>(cx, id, other.cluster_name(), Some(&tags)) {
                return Err(ownership::taken(cx, ecs::CREATE_CLUSTER.attempted(CREATE), id));
            }
        }
        linked_role::ensure(cx.cloud, "ecs.amazonaws.com").await?;
        let request = cx
            .cloud
            .ecs
            .create_cluster()
            .cluster_name(&cx.identity.name)
            .set_tags(Some(tagged(cx.identity)))
            .set_capacity_providers(
                Some(names(&spec.capacity_providers)).filter(|it| !it.is_empty()),
            )
            .settings(setting(*spec.container_insights.wanted()?));
        let made = cx.cloud.send(&ecs::CREATE_CLUSTER, CREATE, || request.clone().send()).await?;
        output(&made.cluster.required("the cluster")?)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &ClusterSpec,
    ) -> Result<ClusterOutput> {
        let request = cx
            .cloud
            .ecs
            .update_cluster_settings()
            .cluster(&live.output.id)
            .settings(setting(*spec.container_insights.wanted()?));
        cx.cloud
            .send(&ecs::UPDATE_CLUSTER_SETTINGS, "set the cluster's Container Insights", || {
                request.clone().send()
            })
            .await?;
        if live.spec.capacity_providers != spec.capacity_providers {
            provide(cx.cloud, &live.output.id, &spec.capacity_providers).await?;
        }
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ClusterOutput) -> Result<()> {
        ecs::remember(cx, &output.id).await
    }

    /// One that gets capacity providers is `PROVISIONING` for a while (`Cluster` in the ECS API
    /// reference).
    async fn ready(
        cx: &Context<'_, Aws>,
        output: ClusterOutput,
    ) -> Result<Progress<ClusterOutput>> {
        let found = ecs::clusters(cx.cloud, std::slice::from_ref(&output.id)).await?;
        let status = found.first().and_then(|cluster| cluster.status()).unwrap_or("not shown yet");
        Ok(match status {
            "ACTIVE" => Progress::Done(output),
            other => Progress::Waiting(other.to_owned()),
        })
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let request = cx.cloud.ecs.delete_cluster().cluster(&live.output.id);
        cx.cloud
            .send(&ecs::DELETE_CLUSTER, "delete the cluster", || request.clone().send())
            .await?;
        Ok(Vec::new())
    }
}

fn found(owned: &Owned, cluster: &Description) -> Result<Found<Cluster>> {
    let state = cluster.status().required("the status of a cluster")?;
    let setting = insights(cluster);
    let insights = match setting {
        Some("disabled") => Some(Insights::Disabled),
        Some("enabled") => Some(Insights::Enabled),
        Some("enhanced") => Some(Insights::Enhanced),
        _ => None,
    };
    let foreign = setting.filter(|_| insights.is_none());
    let foreign = foreign.map(|setting| format!("Container Insights are `{setting}`"));
    let others = others(cluster).map(|name| format!("it has the capacity provider {name}"));
    Ok(Found {
        badge: owned.badge(),
        spec: ClusterSpec {
            container_insights: insights.into(),
            capacity_providers: cluster
                .capacity_providers()
                .iter()
                .filter_map(|name| provider(name))
                .collect(),
        },
        output: output(cluster)?,
        phase: match state {
            "PROVISIONING" => Phase::Settling,
            "DEPROVISIONING" => Phase::Leaving,
            _ => Phase::Ready,
        },
        state: state.to_owned(),
        foreign: foreign.into_iter().chain(others).collect(),
    })
}

/// Says which capacity a cluster has. The call replaces all of it and wants a strategy for services
/// that name none, so what others have attached and chosen is sent as it is.
async fn provide(aws: &Aws, id: &str, wanted: &BTreeSet<CapacityProvider>) -> Result<()> {
    let clusters = ecs::clusters(aws, &[id.to_owned()]).await?;
    let cluster = clusters.first().required("the cluster")?;
    let names: Vec<String> =
        names(wanted).into_iter().chain(others(cluster).map(ToOwned::to_owned)).collect();
    let request = aws
        .ecs
        .put_cluster_capacity_providers()
        .cluster(id)
        .set_default_capacity_provider_strategy(Some(
            cluster.default_capacity_provider_strategy().to_vec(),
        ))
        .set_capacity_providers(Some(names));
    aws.send(&ecs::PUT_CLUSTER_CAPACITY_PROVIDERS, "set the cluster's capacity providers", || {
        request.clone().send()
    })
    .await?;
    Ok(())
}

fn names(providers: &BTreeSet<CapacityProvider>) -> Vec<String> {
    let name = |provider: &CapacityProvider| match provider {
        CapacityProvider::Fargate => ecs::FARGATE,
        CapacityProvider::FargateSpot => ecs::FARGATE_SPOT,
    };
    providers.iter().map(|provider| name(provider).to_owned()).collect()
}

fn provider(name: &str) -> Option<CapacityProvider> {
    match name {
        ecs::FARGATE => Some(CapacityProvider::Fargate),
        ecs::FARGATE_SPOT => Some(CapacityProvider::FargateSpot),
        _ => None,
    }
}

/// What else a cluster has, which is somebody's.
fn others(cluster: &Description) -> impl Iterator<Item = &str> {
    let names = cluster.capacity_providers().iter();
    names.filter(|name| provider(name).is_none()).map(String::as_str)
}

fn output(cluster: &Description) -> Result<ClusterOutput> {
    Ok(ClusterOutput {
        id: cluster.cluster_arn().required("the ARN of a cluster")?.to_owned(),
        name: cluster.cluster_name().required("the name of a cluster")?.to_owned(),
    })
}

fn insights(cluster: &Description) -> Option<&str> {
    let name = ClusterSettingName::ContainerInsights;
    let setting = cluster.settings().iter().find(|setting| setting.name() == Some(&name));
    setting.and_then(ClusterSetting::value)
}

fn setting(insights: Insights) -> ClusterSetting {
    let value = match insights {
        Insights::Disabled => "disabled",
        Insights::Enabled => "enabled",
        Insights::Enhanced => "enhanced",
    };
    ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value(value).build()
}
