//! RDS: its kinds, and what they share: how tags are written, read and rewritten, and the list of
//! the databases.

mod checks;
mod db_instance;
mod db_parameter_group;
mod db_replica;
mod db_subnet_group;
mod metrics;
mod operations;

use std::collections::BTreeMap;

use aws_sdk_rds::types::{DbInstance as Description, Tag};
use deployer_core::{Kind, Scope};
use deployer_engine::{Context, Identity, Progress, Result, Survey, unless_gone_for_good};
use deployer_kinds::{DbInstance, DbReplica};
use tokio::sync::OnceCell;

use crate::Aws;
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, Tags};
use crate::send::unless_gone;

pub(crate) use operations::*;

/// The databases of one observation, instances and replicas alike, asked for once.
#[derive(Default)]
pub(crate) struct Databases(OnceCell<Vec<Description>>);

impl Databases {
    /// Every database of kind `K` that the scope owns.
    pub(crate) async fn of<K: Kind>(
        &self,
        survey: &Survey<'_, Aws>,
    ) -> Result<Vec<(Owned, &Description)>> {
        let owned = |it: &Description| {
            Owned::named::<K>(survey.scope, it.db_instance_identifier(), &tags(it.tag_list()))
        };
        let all = self.all(survey).await?;
        Ok(all.iter().filter_map(|it| Some((owned(it)?, it))).collect())
    }

    /// Every database of the account, but none where no scan looks at any.
    async fn if_any(&self, survey: &Survey<'_, Aws>) -> Result<&[Description]> {
        let is_any = survey.looks_at::<DbInstance>() || survey.looks_at::<DbReplica>();
        if is_any { self.all(survey).await } else { Ok(&[]) }
    }

    async fn all(&self, survey: &Survey<'_, Aws>) -> Result<&[Description]> {
        self.0.get_or_try_init(|| fetch(survey.cloud)).await.map(Vec::as_slice)
    }
}

/// The database of this identifier as a `K`, whoever made it; none where there is none.
pub(crate) async fn read<K: Kind>(
    survey: &Survey<'_, Aws>,
    id: &str,
) -> Result<Option<(Owned, Description)>> {
    let instance = unless_gone(describe(survey.cloud, id).await)?;
    Ok(instance.map(|it| {
        let id = it.db_instance_identifier();
        (Owned::read::<K>(survey.scope, id, &tags(it.tag_list())), it)
    }))
}

/// All databases of the account in the region.
pub(crate) async fn fetch(aws: &Aws) -> Result<Vec<Description>> {
    let request = aws.rds.describe_db_instances().max_records(100);
    let pages = aws
        .pages(
            &DESCRIBE_DB_INSTANCES,
            "find the databases",
            |token| request.clone().set_marker(token).send(),
            |page| page.marker(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.db_instances.unwrap_or_default()).collect())
}

/// One look at the database of this identifier.
pub(crate) async fn describe(aws: &Aws, id: &str) -> Result<Description> {
    let request = aws.rds.describe_db_instances().db_instance_identifier(id);
    let answer =
        aws.send(&DESCRIBE_DB_INSTANCES, "look at the database", || request.clone().send());
    answer.await?.db_instances.and_then(|mut found| found.pop()).required("the database")
}

/// One look at whether a deleted database is gone. It is when it stays so for some seconds: RDS
/// may leave one out that is still there (Terraform's provider waits for three such answers).
pub(crate) async fn gone(aws: &Aws, id: &str) -> Result<Progress<()>> {
    let instance = unless_gone_for_good(|| describe(aws, id)).await?;
    Ok(instance.map_or(Progress::Done(()), |instance| {
        Progress::Waiting(instance.db_instance_status.unwrap_or_default())
    }))
}

/// The tags of groups by their ARNs, a call each; none of those that have gone meanwhile. `what` is
/// what they are: `DB subnet group`.
pub(crate) async fn tags_of(
    aws: &Aws,
    arns: Vec<String>,
    what: &str,
) -> Result<BTreeMap<String, Tags>> {
    let purpose = format!("read the {what}'s tags");
    let mut all = BTreeMap::new();
    for arn in arns {
        let request = aws.rds.list_tags_for_resource().resource_name(&arn);
        let answer = unless_gone_for_good(|| {
            aws.send(&LIST_TAGS_FOR_RESOURCE, &purpose, || request.clone().send())
        })
        .await?;
        all.extend(answer.map(|answer| (arn, tags(answer.tag_list()))));
    }
    Ok(all)
}

/// What the names of a scope's groups begin with; RDS keeps them in lower case.
pub(crate) fn prefix(scope: &Scope) -> String {
    format!("{}-{}-", scope.stack, scope.environment).to_lowercase()
}

/// Writes who a resource is, what it was last given, and what is kept as tags.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str, kept: &Kept) -> Result<()> {
    let tags = tagged(cx.identity, kept);
    let request = cx.cloud.rds.add_tags_to_resource().resource_name(arn).set_tags(Some(tags));
    cx.cloud.send(&ADD_TAGS_TO_RESOURCE, "tag it", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request =
            cx.cloud.rds.remove_tags_from_resource().resource_name(arn).set_tag_keys(Some(dropped));
        cx.cloud
            .send(&REMOVE_TAGS_FROM_RESOURCE, "take tags off", || request.clone().send())
            .await?;
    }
    Ok(())
}

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity, kept: &Kept) -> Vec<Tag> {
    ownership::tags(identity, kept)
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// The tags of an answer.
pub(crate) fn tags(tags: &[Tag]) -> Tags {
    ownership::collect(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// A name as RDS stores it (RDS API reference).
pub(crate) fn name(identity: &Identity) -> String {
    identity.name.to_lowercase()
}
