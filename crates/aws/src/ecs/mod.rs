//! ECS: its kinds, and what they share: how tags are written, read and rewritten, and the list of
//! our clusters.

mod advice;
mod cluster;
mod job;
mod logging;
mod one_off;
mod operations;
pub(crate) mod service;
mod stopped;
pub(crate) mod task_definition;
mod tasks;

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, Cluster as Description, ClusterField,
    NetworkConfiguration, Tag,
};
use deployer_core::{KindInfo, Ref};
use deployer_engine::{Context, Identity, Result, Survey};
use deployer_kinds::{Cluster, SecurityGroup, Subnet};
use tokio::sync::OnceCell;

use crate::Aws;
use crate::index::TagIndex;
use crate::ownership::{self, Kept, Owned, Tags};

pub(crate) use operations::*;

/// The most clusters that `DescribeClusters` takes (ECS API reference).
const CLUSTERS_A_CALL: usize = 100;

/// What ECS calls the capacity of Fargate that stays, and that which goes
/// (`CapacityProviderStrategyItem` in the ECS API reference).
pub(crate) const FARGATE: &str = "FARGATE";
pub(crate) const FARGATE_SPOT: &str = "FARGATE_SPOT";

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> Vec<Tag> {
    written(ownership::tags(identity, &Kept::new()))
}

/// The tags of a new release: the same, and where it comes from.
fn released(identity: &Identity) -> Vec<Tag> {
    let mut tags = ownership::tags(identity, &Kept::new());
    tags.extend(ownership::origin(&identity.provenance));
    written(tags)
}

fn written(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Writes who a resource is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    let request = cx.cloud.ecs.tag_resource().resource_arn(arn).set_tags(Some(tagged(cx.identity)));
    cx.cloud.send(&TAG_RESOURCE, "tag it", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = cx.cloud.ecs.untag_resource().resource_arn(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of an answer.
pub(crate) fn tags(tags: &[Tag]) -> Tags {
    ownership::collect(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// Where tasks are.
fn network(
    subnets: &BTreeSet<Ref<Subnet>>,
    security_groups: &BTreeSet<Ref<SecurityGroup>>,
    has_address: bool,
) -> NetworkConfiguration {
    let address = if has_address { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
    let network = AwsVpcConfiguration::builder()
        .set_subnets(Some(subnets.iter().map(|subnet| subnet.id().to_owned()).collect()))
        .set_security_groups(Some(security_groups.iter().map(|it| it.id().to_owned()).collect()))
        .assign_public_ip(address)
        .build();
    let network = network.expect("it has subnets");
    NetworkConfiguration::builder().awsvpc_configuration(network).build()
}

/// The clusters of one observation, asked for once.
#[derive(Default)]
pub(crate) struct Clusters(OnceCell<Vec<(Owned, Description)>>);

impl Clusters {
    /// Every cluster that the scope owns and that is not deleted.
    pub(crate) async fn of(&self, survey: &Survey<'_, Aws>) -> Result<&[(Owned, Description)]> {
        self.0.get_or_try_init(|| fetch(survey)).await.map(Vec::as_slice)
    }
}

/// A cluster has to be asked for by name. Sections make one called `main`; others are those that
/// the tagging index knows.
async fn fetch(survey: &Survey<'_, Aws>) -> Result<Vec<(Owned, Description)>> {
    let mut names = BTreeSet::from([KindInfo::first_name::<Cluster>(survey.scope, "main")]);
    let nominated = survey.shared.get::<TagIndex>().nominated::<Cluster>(survey, "ecs").await;
    names
        .extend(nominated.iter().filter_map(|arn| Some(arn.split_once(":cluster/")?.1.to_owned())));
    let names: Vec<String> = names.into_iter().collect();
    let mut owned = Vec::new();
    for names in names.chunks(CLUSTERS_A_CALL) {
        let found = clusters(survey.cloud, names).await?.into_iter();
        owned.extend(found.filter_map(|cluster| {
            let tags = tags(cluster.tags());
            Some((Owned::named::<Cluster>(survey.scope, cluster.cluster_name(), &tags)?, cluster))
        }));
    }
    Ok(owned)
}

/// The clusters of these names, whosever they are.
pub(crate) async fn clusters(aws: &Aws, names: &[String]) -> Result<Vec<Description>> {
    let request = aws
        .ecs
        .describe_clusters()
        .set_clusters(Some(names.to_vec()))
        .include(ClusterField::Tags)
        .include(ClusterField::Settings);
    let answer = aws.send(&DESCRIBE_CLUSTERS, "find the clusters", || request.clone().send());
    let mut found = answer.await?.clusters.unwrap_or_default();
    // A deleted cluster stays visible as INACTIVE for a while (ECS API reference).
    found.retain(|cluster| cluster.status() != Some("INACTIVE"));
    Ok(found)
}
