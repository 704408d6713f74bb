//! ECR: its kinds, and what they share: how tags are written, read and rewritten, and the list of
//! our repositories.

mod image;
pub(crate) mod login;
mod operations;
mod repository;

use std::collections::BTreeMap;

use aws_sdk_ecr::types::{Repository as Description, Tag};
use deployer_core::Scope;
use deployer_engine::{Context, Identity, Result, Survey, unless_gone_for_good};
use deployer_image::Platform;
use deployer_kinds::{Architecture, Repository};
use tokio::sync::OnceCell;

use crate::Aws;
use crate::index::{TagIndex, by_name, id};
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, Tags};
use crate::send::unless_gone;

pub(crate) use operations::*;

/// The platform whose processor this is.
pub(crate) fn platform(architecture: Architecture) -> Platform {
    match architecture {
        Architecture::X86_64 => Platform::LinuxAmd64,
        Architecture::Arm64 => Platform::LinuxArm64,
    }
}

/// The repositories of one observation, asked for once.
#[derive(Default)]
pub(crate) struct Repositories(OnceCell<Vec<(Owned, Description)>>);

impl Repositories {
    /// Every repository that the scope owns.
    pub(crate) async fn of(&self, survey: &Survey<'_, Aws>) -> Result<&[(Owned, Description)]> {
        self.0.get_or_try_init(|| fetch(survey)).await.map(Vec::as_slice)
    }
}

async fn fetch(survey: &Survey<'_, Aws>) -> Result<Vec<(Owned, Description)>> {
    let aws = survey.cloud;
    let names = survey.shared.get::<TagIndex>().names::<Repository>(survey, name).await;
    let (name, id) = (Description::repository_name, Description::repository_name);
    let describe = |names| describe(aws, names);
    let mut ours = by_name::<Repository, _, _>(survey, names, name, id, describe).await?;
    // See `deployer_core::Naming` for how names begin.
    let prefix = prefix(survey.scope);
    ours.retain(|it| it.repository_name().is_some_and(|name| name.starts_with(&prefix)));
    let arns = ours.iter().map(arn).collect::<Result<_>>()?;
    let tags = survey.shared.get::<TagIndex>().of(survey, arns, |arns| tags(aws, arns)).await?;
    let owned = ours.into_iter().filter_map(|repository| {
        let (name, tags) = (repository.repository_name(), tags.get(&arn(&repository).ok()?)?);
        let owned = Owned::named::<Repository>(survey.scope, name, tags);
        // Whatever its tags say: no other environment takes over what is called like ours.
        let is_ours = || name.is_some_and(|name| survey.is_recorded::<Repository>(name));
        let read = || Owned::read::<Repository>(survey.scope, name, tags);
        Some((owned.or_else(|| is_ours().then(read))?, repository))
    });
    Ok(owned.collect())
}

/// What the names of a scope's repositories begin with.
pub(crate) fn prefix(scope: &Scope) -> String {
    format!("{}-{}-", scope.stack, scope.environment)
}

/// The name of a repository in its ARN.
fn name(arn: &str) -> Option<&str> {
    id(arn, ("ecr", "repository/"))
}

/// The repositories of these names, or all of the account.
async fn describe(aws: &Aws, names: Option<Vec<String>>) -> Result<Vec<Description>> {
    let request = aws.ecr.describe_repositories();
    // AWS takes no number of results beside names (ECR API reference).
    let request = match names {
        Some(names) => request.set_repository_names(Some(names)),
        None => request.max_results(1000),
    };
    let pages = aws
        .pages(
            &DESCRIBE_REPOSITORIES,
            "find the repositories",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.repositories.unwrap_or_default()).collect())
}

/// The repository of this name, whoever made it; none where there is none.
async fn read(survey: &Survey<'_, Aws>, name: &str) -> Result<Option<(Owned, Description)>> {
    let repository = unless_gone(find(survey.cloud, name).await)?;
    let Some(repository) = repository else { return Ok(None) };
    let tags = tags(survey.cloud, vec![arn(&repository)?]).await?;
    let owned = |tags| Owned::read::<Repository>(survey.scope, Some(name), tags);
    Ok(tags.values().next().map(|tags| (owned(tags), repository)))
}

fn arn(repository: &Description) -> Result<String> {
    Ok(repository.repository_arn().required("the ARN of a repository")?.to_owned())
}

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity, kept: &Kept) -> Vec<Tag> {
    let tags = ownership::tags(identity, kept).into_iter();
    tags.map(|(key, value)| {
        Tag::builder().key(key).value(value).build().expect("it has a key and a value")
    })
    .collect()
}

/// Writes who a resource is, what it was last given, and what is kept as tags.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str, kept: &Kept) -> Result<()> {
    let tags = tagged(cx.identity, kept);
    let request = cx.cloud.ecr.tag_resource().resource_arn(arn).set_tags(Some(tags));
    cx.cloud.send(&TAG_RESOURCE, "tag the repository", || request.clone().send()).await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let request = cx.cloud.ecr.untag_resource().resource_arn(arn).set_tag_keys(Some(dropped));
        cx.cloud.send(&UNTAG_RESOURCE, "take tags off", || request.clone().send()).await?;
    }
    Ok(())
}

/// The tags of repositories, those that are gone left out.
async fn tags(aws: &Aws, arns: Vec<String>) -> Result<BTreeMap<String, Tags>> {
    let mut all = BTreeMap::new();
    for arn in arns {
        let request = aws.ecr.list_tags_for_resource().resource_arn(&arn);
        let answer = unless_gone_for_good(|| {
            aws.send(&LIST_TAGS_FOR_RESOURCE, "read the repository's tags", || {
                request.clone().send()
            })
        });
        let Some(answer) = answer.await? else { continue };
        let tags = answer.tags().iter().map(|tag| (Some(tag.key()), Some(tag.value())));
        all.insert(arn, ownership::collect(tags));
    }
    Ok(all)
}

/// The repository of this name.
pub(crate) async fn find(aws: &Aws, name: &str) -> Result<Description> {
    let found = describe(aws, Some(vec![name.to_owned()])).await?;
    found.into_iter().next().required("the repository")
}
