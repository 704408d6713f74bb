//! The tagging index of AWS: tags of many resources in one call, some time after the fact.
//!
//! It lags behind and remembers what is gone (Resource Groups Tagging API reference), so it never
//! says what exists: a Describe of the service does. It only saves the service's own call for
//! tags where it knows a resource already; what it does not know, or knows as it was before, is
//! asked of the service.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Kind, Scope};
use deployer_engine::{Result, Survey};
use tokio::sync::OnceCell;

use crate::Aws;
use crate::ownership::{ENVIRONMENT, STACK, Tags, are_outdated, collect};
use crate::send::unless_gone;
use crate::tagging;

/// The index, asked once for each observation; what failed where it does not answer.
#[derive(Default)]
pub(crate) struct TagIndex(OnceCell<Result<BTreeMap<String, Tags>>>);

/// An index that has nothing.
static EMPTY: BTreeMap<String, Tags> = BTreeMap::new();

impl TagIndex {
    /// The tags of these ARNs: from the index where it knows them and has those that were written
    /// last, otherwise from `ask`, which is handed the others.
    pub(crate) async fn of<F>(
        &self,
        survey: &Survey<'_, Aws>,
        arns: Vec<String>,
        ask: impl FnOnce(Vec<String>) -> F,
    ) -> Result<BTreeMap<String, Tags>>
    where
        F: Future<Output = Result<BTreeMap<String, Tags>>>,
    {
        if arns.is_empty() {
            return Ok(BTreeMap::new());
        }
        let index = self.entries(survey.cloud, survey.scope).await;
        let (known, unknown): (Vec<_>, Vec<_>) = arns
            .into_iter()
            .partition(|arn| index.get(arn).is_some_and(|tags| !are_outdated(survey, tags)));
        let mut tags = if unknown.is_empty() { BTreeMap::new() } else { ask(unknown).await? };
        tags.extend(known.into_iter().map(|arn| (arn.clone(), index[&arn].clone())));
        Ok(tags)
    }

    /// The ARNs that the index has for the scope, of a service: it alone leads to some of a kind,
    /// so where it does not answer these may be missed.
    pub(crate) async fn nominated<K: Kind>(
        &self,
        survey: &Survey<'_, Aws>,
        service: &str,
    ) -> Vec<String> {
        match self.answer(survey.cloud, survey.scope).await {
            Ok(index) => {
                let of_service = |arn: &&String| arn.split(':').nth(2) == Some(service);
                index.keys().filter(of_service).cloned().collect()
            }
            Err(failure) => {
                survey.missed::<K>(failure);
                Vec::new()
            }
        }
    }

    /// The tags of all of a kind that there may be, by identifier, where something else has shown
    /// these already, which `is_shown` says. None where it takes the kind's own call: the record
    /// has another, or one whose create nobody has written down yet; or the index has not heard
    /// of one, has its tags as they were before, or knows of another that carries the scope's.
    ///
    /// `resources` is the service and what comes before the identifier in an ARN, as in
    /// `elastic-ip/`.
    pub(crate) async fn all_of<K: Kind>(
        &self,
        survey: &Survey<'_, Aws>,
        resources: (&str, &str),
        is_shown: impl Fn(&str) -> bool,
    ) -> Option<BTreeMap<&str, &Tags>> {
        survey.expected::<K>()?;
        let index = self.entries(survey.cloud, survey.scope).await;
        let tags: BTreeMap<&str, &Tags> =
            index.iter().filter_map(|(arn, tags)| Some((id(arn, resources)?, tags))).collect();
        let is_current = tags.iter().all(|(id, tags)| is_shown(id) && !are_outdated(survey, tags));
        let are_all = is_current && survey.are_all::<K>(tags.keys().copied());
        are_all.then_some(tags)
    }

    /// The names that things of a kind may have: those of the record, and of those that the index
    /// knows beyond it, which `name` reads from their ARNs. None where there may be any.
    pub(crate) async fn names<K: Kind>(
        &self,
        survey: &Survey<'_, Aws>,
        name: impl Fn(&str) -> Option<&str>,
    ) -> Option<BTreeSet<String>> {
        let mut names = survey.expected::<K>()?;
        let index = self.entries(survey.cloud, survey.scope).await;
        names.extend(index.keys().filter_map(|arn| name(arn)).map(ToOwned::to_owned));
        Some(names)
    }

    /// All entries of the scope. Here the index only saves calls, so where it does not answer, or
    /// not to these credentials, it is taken as empty.
    async fn entries(&self, aws: &Aws, scope: &Scope) -> &BTreeMap<String, Tags> {
        self.answer(aws, scope).await.as_ref().unwrap_or(&EMPTY)
    }

    async fn answer(&self, aws: &Aws, scope: &Scope) -> &Result<BTreeMap<String, Tags>> {
        self.0
            .get_or_init(|| async {
                let answer = fetch(aws, scope).await;
                if let Err(failure) = &answer {
                    tracing::debug!(%failure, "goes on without the tagging index");
                }
                answer
            })
            .await
    }
}

/// The tags of each of these, where a service shows those of one at a time; those that are gone have
/// none.
pub(crate) async fn one_by_one(
    aws: &Aws,
    arns: Vec<String>,
    tags: impl AsyncFn(&Aws, &str) -> Result<Option<Tags>>,
) -> Result<BTreeMap<String, Tags>> {
    let mut all = BTreeMap::new();
    for arn in arns {
        all.extend(tags(aws, &arn).await?.map(|tags| (arn, tags)));
    }
    Ok(all)
}

/// How many names a call is asked for, at most: what a list of them takes without pages.
const NAMED: usize = 20;

/// The things of an account that have one of these names or that the record has, or all where
/// there may be any. `name` and `id` are those of one.
///
/// AWS only says that one of several names is not there, not which; and what was taken over has a
/// name that no record knows. So where something that the record has does not show, and where there
/// are many, all are listed.
pub(crate) async fn by_name<K: Kind, T, F>(
    survey: &Survey<'_, Aws>,
    names: Option<BTreeSet<String>>,
    name: fn(&T) -> Option<&str>,
    id: fn(&T) -> Option<&str>,
    describe: impl Fn(Option<Vec<String>>) -> F,
) -> Result<Vec<T>>
where
    F: Future<Output = Result<Vec<T>>>,
{
    let Some(names) = names else { return describe(None).await };
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if names.len() <= NAMED
        && let Some(found) = unless_gone(describe(Some(names.iter().cloned().collect())).await)?
        && survey.are_all::<K>(found.iter().filter_map(id))
    {
        return Ok(found);
    }
    let mut all = describe(None).await?;
    all.retain(|thing| {
        name(thing).is_some_and(|name| names.contains(name))
            || id(thing).is_some_and(|id| survey.has::<K>(id))
    });
    Ok(all)
}

/// The identifier in the ARN of one of these resources: `arn:aws:ec2:REGION:ACCOUNT:elastic-ip/ID`.
pub(crate) fn id<'a>(arn: &'a str, (service, prefix): (&str, &str)) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let is_of_service = parts.nth(2) == Some(service);
    parts.nth(2)?.strip_prefix(prefix).filter(|_| is_of_service)
}

/// The ARNs of a type of resource that the index has with all of some tags: what it was told of, be
/// it gone by now.
pub(crate) async fn carrying(aws: &Aws, kind: &str, tags: &Tags) -> Result<Vec<String>> {
    let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    Ok(resources(aws, tags, Some(kind)).await?.into_keys().collect())
}

async fn fetch(aws: &Aws, scope: &Scope) -> Result<BTreeMap<String, Tags>> {
    let tags = [(STACK, scope.stack.as_str()), (ENVIRONMENT, scope.environment.as_str())];
    resources(aws, tags, None).await
}

async fn resources<'t>(
    aws: &Aws,
    tags: impl IntoIterator<Item = (&'t str, &'t str)>,
    kind: Option<&str>,
) -> Result<BTreeMap<String, Tags>> {
    use aws_sdk_resourcegroupstagging::operation::get_resources::GetResourcesOutput;
    use aws_sdk_resourcegroupstagging::types::TagFilter;

    let filter = |(key, value): (&str, &str)| TagFilter::builder().key(key).values(value).build();
    let request = aws
        .tagging
        .get_resources()
        .set_tag_filters(Some(tags.into_iter().map(filter).collect()))
        .set_resource_type_filters(kind.map(|kind| vec![kind.to_owned()]))
        .resources_per_page(100)
        .tags_per_page(500);
    let pages = aws
        .pages(
            &tagging::GET_RESOURCES,
            "read the tagging index",
            |token| request.clone().set_pagination_token(token).send(),
            GetResourcesOutput::pagination_token,
        )
        .await?;
    let resources =
        pages.into_iter().flat_map(|page| page.resource_tag_mapping_list.unwrap_or_default());
    Ok(resources
        .filter_map(|resource| {
            let tags =
                collect(resource.tags().iter().map(|tag| (Some(tag.key()), Some(tag.value()))));
            Some((resource.resource_arn?, tags))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_the_identifier_of_its_own_kind_only() {
        let address = "arn:aws:ec2:eu-west-1:123456789012:elastic-ip/eipalloc-1";
        assert_eq!(id(address, ("ec2", "elastic-ip/")), Some("eipalloc-1"));
        assert_eq!(id(address, ("ec2", "internet-gateway/")), None);
        let group = "arn:aws:rds:eu-west-1:123456789012:subgrp:notes-dev-main";
        assert_eq!(id(group, ("rds", "subgrp:")), Some("notes-dev-main"));
        assert_eq!(id(group, ("ec2", "subgrp:")), None);
    }
}
