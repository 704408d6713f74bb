//! The tagging index of AWS: tags of many resources in one call, some time after the fact.
//!
//! It lags behind and remembers what is gone (Resource Groups Tagging API reference), so it never
//! says what exists: a Describe of the service does. It only saves the service's own call for
//! tags where it knows a resource already; what it does not know, or knows as it was before, is
//! asked of the service.

use std::collections::BTreeMap;

use deployer_core::Scope;
use deployer_engine::{Result, Survey};
use tokio::sync::OnceCell;

use crate::Aws;
use crate::ownership::{ENVIRONMENT, STACK, Tags, are_outdated, collect};
use crate::tagging;

/// The index, asked once for each observation.
#[derive(Default)]
pub(crate) struct TagIndex(OnceCell<BTreeMap<String, Tags>>);

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

    /// The ARNs that the index has for the scope, of those that begin like this.
    pub(crate) async fn nominated(&self, aws: &Aws, scope: &Scope, service: &str) -> Vec<String> {
        let index = self.entries(aws, scope).await;
        index.keys().filter(|arn| arn.split(':').nth(2) == Some(service)).cloned().collect()
    }

    /// All entries of the scope. The index only saves calls, so where it does not answer, or not
    /// to these credentials, it is taken as empty.
    async fn entries(&self, aws: &Aws, scope: &Scope) -> &BTreeMap<String, Tags> {
        self.0
            .get_or_init(|| async {
                fetch(aws, scope).await.unwrap_or_else(|failure| {
                    tracing::debug!(%failure, "goes on without the tagging index");
                    BTreeMap::new()
                })
            })
            .await
    }
}

async fn fetch(aws: &Aws, scope: &Scope) -> Result<BTreeMap<String, Tags>> {
    use aws_sdk_resourcegroupstagging::operation::get_resources::GetResourcesOutput;
    use aws_sdk_resourcegroupstagging::types::TagFilter;

    let filter = |key: &str, value: &str| TagFilter::builder().key(key).values(value).build();
    let request = aws
        .tagging
        .get_resources()
        .tag_filters(filter(STACK, &scope.stack))
        .tag_filters(filter(ENVIRONMENT, &scope.environment))
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
