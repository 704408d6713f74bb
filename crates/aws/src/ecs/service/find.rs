//! Finds the services that are ours.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::{Service as Description, ServiceField};
use deployer_core::{Cause, Failure};
use deployer_engine::{Result, Survey, unless_gone_for_good};
use deployer_kinds::{Cluster, Service};
use futures_util::future::try_join_all;
use tokio::sync::OnceCell;

use crate::Aws;
use crate::ecs::{self, Clusters, tags};
use crate::index::TagIndex;
use crate::missing::Required;
use crate::ownership::Owned;
use crate::send::unless_gone;

/// The most services that `DescribeServices` takes (ECS API reference).
const SERVICES_A_CALL: usize = 10;

/// The services of one observation, asked for once.
#[derive(Default)]
pub(crate) struct Services(OnceCell<Vec<(Owned, Description)>>);

impl Services {
    /// Every service that says it is the scope's and that is there.
    pub(crate) async fn of(&self, survey: &Survey<'_, Aws>) -> Result<&[(Owned, Description)]> {
        self.0.get_or_try_init(|| fetch(survey)).await.map(Vec::as_slice)
    }
}

async fn fetch(survey: &Survey<'_, Aws>) -> Result<Vec<(Owned, Description)>> {
    let mut owned = Vec::new();
    for (cluster, candidates) in candidates(survey).await? {
        let present = present(survey.cloud, &cluster, candidates).await?.into_iter();
        owned.extend(present.filter_map(|service| {
            let (name, tags) = (service.service_name(), tags(service.tags()));
            Some((Owned::named::<Service>(survey.scope, name, &tags)?, service))
        }));
    }
    Ok(owned)
}

/// The services of one cluster to look at, by their ARNs.
#[derive(Default)]
struct Candidates {
    /// Those that the record has made or ECS lists.
    known: BTreeSet<String>,
    /// Those of the tagging index, which remembers what is gone, and those of the record's names
    /// that may as well be in another cluster.
    nominated: BTreeSet<String>,
}

/// The services to look at, by cluster: in clusters of ours those that the record has, or else
/// those that are listed, and everywhere those that the tagging index knows, since a service that
/// drains is not listed (ECS API reference).
async fn candidates(survey: &Survey<'_, Aws>) -> Result<BTreeMap<String, Candidates>> {
    let mut candidates: BTreeMap<String, Candidates> = BTreeMap::new();
    for (_, cluster) in survey.shared.get::<Clusters>().of(survey).await? {
        let arn = cluster.cluster_arn().required("the ARN of a cluster")?;
        if let Some(names) = survey.expected::<Service>() {
            let folder = arn.replacen(":cluster/", ":service/", 1);
            let arns = names.into_iter().map(|name| format!("{folder}/{name}"));
            let made: (Vec<_>, Vec<_>) = arns.partition(|arn| survey.has::<Service>(arn));
            let candidates = candidates.entry(arn.to_owned()).or_default();
            candidates.known.extend(made.0);
            candidates.nominated.extend(made.1);
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
        candidates.entry(arn.to_owned()).or_default().known.extend(arns);
    }
    for arn in survey.shared.get::<TagIndex>().nominated::<Service>(survey, "ecs").await {
        if let Some(cluster) = cluster(&arn) {
            candidates.entry(cluster).or_default().nominated.insert(arn);
        }
    }
    Ok(candidates)
}

/// The ARNs of the services that the record has, in the clusters that it has.
pub(super) async fn expected(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
    let names = survey.recorded::<Service>();
    let clusters: Vec<String> = survey.recorded::<Cluster>().into_iter().collect();
    if names.is_empty() || clusters.is_empty() {
        return Ok(Vec::new());
    }
    let clusters = ecs::clusters(survey.cloud, &clusters).await?;
    let folders = clusters.iter().filter_map(|it| it.cluster_arn());
    let folders = folders.map(|arn| arn.replacen(":cluster/", ":service/", 1));
    let arns = folders.flat_map(|folder| {
        names.iter().map(move |name| format!("{folder}/{name}")).collect::<Vec<_>>()
    });
    Ok(arns.collect())
}

/// Those of the candidates that are there. One that was just made is `MISSING` at first, or ECS
/// shows the deleted one of its name (Terraform's AWS provider #3387 and #24565): one that is known
/// is asked for again before it is taken for gone.
async fn present(aws: &Aws, cluster: &str, candidates: Candidates) -> Result<Vec<Description>> {
    let Candidates { known, nominated } = candidates;
    let all: Vec<String> = known.union(&nominated).cloned().collect();
    let mut present = describe(aws, cluster, &all).await?;
    present.retain(is_there);
    let is_shown = |arn: &&String| present.iter().any(|it| it.service_arn() == Some(arn));
    let hidden = known.iter().filter(|arn| !is_shown(arn));
    let late = hidden.map(|arn| unless_gone_for_good(move || shown(aws, cluster, arn)));
    let late = try_join_all(late).await?;
    present.extend(late.into_iter().flatten());
    Ok(present)
}

/// A service that is there.
async fn shown(aws: &Aws, cluster: &str, arn: &str) -> Result<Description> {
    let found = describe(aws, cluster, &[arn.to_owned()]).await?;
    found.into_iter().find(is_there).ok_or_else(not_found)
}

/// That ECS does not show a service.
pub(super) fn not_found() -> Failure {
    Failure::new(Cause::Gone, "find the service", "ECS does not show it")
}

/// The ARN of the cluster that is named in a service's.
pub(super) fn cluster(service: &str) -> Option<String> {
    let (account, path) = service.split_once(":service/")?;
    let (cluster, _) = path.split_once('/')?;
    Some(format!("{account}:cluster/{cluster}"))
}

/// A deleted service stays visible for a while.
pub(super) fn is_there(service: &Description) -> bool {
    service.status() != Some("INACTIVE")
}

/// Services of one cluster, those that are not there left out.
pub(super) async fn describe(
    aws: &Aws,
    cluster: &str,
    services: &[String],
) -> Result<Vec<Description>> {
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
