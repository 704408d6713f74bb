//! Clusters on ECS: `CreateCluster`, `UpdateClusterSettings`, `DescribeClusters`, `DeleteCluster`.

use aws_sdk_ecs::types::{Cluster as Description, ClusterSetting, ClusterSettingName};
use deployer_core::Phase;
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{Cluster, ClusterOutput, ClusterSpec, Insights};

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
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ClusterOutput) -> Result<()> {
        ecs::remember(cx, &output.id).await
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
    Ok(Found {
        badge: owned.badge(),
        spec: ClusterSpec { container_insights: insights.into() },
        output: output(cluster)?,
        phase: match state {
            "PROVISIONING" => Phase::Settling,
            "DEPROVISIONING" => Phase::Leaving,
            _ => Phase::Ready,
        },
        state: state.to_owned(),
        foreign: foreign.into_iter().collect(),
    })
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
