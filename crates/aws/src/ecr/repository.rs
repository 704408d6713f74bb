//! Repositories of ECR: `CreateRepository`, `PutImageTagMutability`,
//! `PutImageScanningConfiguration`, `PutLifecyclePolicy`, `DeleteLifecyclePolicy`, `TagResource`,
//! `DescribeRepositories`, `GetLifecyclePolicy`, `DeleteRepository`.

use aws_sdk_ecr::types::{
    ImageScanningConfiguration, ImageTagMutability, Repository as Description,
};
use deployer_core::{Cause, Phase, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey, unless_gone_for_good};
use deployer_kinds::{Repository, RepositoryOutput, RepositorySpec};
use serde_json::{Value, json};

use crate::Aws;
use crate::ecr::{self, Repositories};
use crate::missing::Required;
use crate::ownership::{Kept, Owned, readable};
use crate::send::unless_gone;

/// The field that is kept as a tag, since only `DeleteRepository` takes it.
const FORCE_DELETE: &str = "force-delete";

/// The field that is kept as a tag, since a lifecycle policy of ECR knows nothing of what runs.
const KEEP: &str = "keep";

impl Resource<Aws> for Repository {
    const READ_BY_NAME: bool = true;
    const LEAVES_ITSELF: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let mut lives = Vec::new();
        for (owned, repository) in survey.shared.get::<Repositories>().of(survey).await? {
            let name = repository.repository_name().required("the name of a repository")?;
            if let Some(lifecycle) = unless_gone_for_good(|| lifecycle(survey.cloud, name)).await? {
                let read = found(owned, repository, lifecycle.as_deref());
                lives.extend(readable(survey, owned, Some(name), read).transpose()?);
            }
        }
        Ok(lives)
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some((owned, repository)) = ecr::read(survey, id).await? else { return Ok(None) };
        let lifecycle = unless_gone(lifecycle(survey.cloud, id).await)?;
        lifecycle.map(|policy| found(&owned, &repository, policy.as_deref())).transpose()
    }

    fn misnamed(scope: &Scope, output: &RepositoryOutput) -> Option<String> {
        Some(ecr::prefix(scope)).filter(|prefix| !output.id.starts_with(prefix))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &RepositorySpec) -> Result<RepositoryOutput> {
        let name = &cx.identity.name;
        let request = cx
            .cloud
            .ecr
            .create_repository()
            .repository_name(name)
            .set_tags(Some(ecr::tagged(cx.identity, &kept(spec)?)))
            .image_tag_mutability(mutability(*spec.immutable.wanted()?))
            .image_scanning_configuration(scanning(*spec.scan_on_push.wanted()?));
        let made = cx
            .cloud
            .send(&ecr::CREATE_REPOSITORY, "create the repository", || request.clone().send())
            .await?;
        if *spec.keep.wanted()? > 0 {
            put_lifecycle(cx.cloud, name).await?;
        }
        output(&made.repository.required("the repository")?)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &RepositorySpec,
    ) -> Result<RepositoryOutput> {
        let (client, name) = (&cx.cloud.ecr, &live.output.id);
        let immutable = spec.immutable.wanted()?;
        if live.spec.immutable.known().is_some_and(|live| live != immutable) {
            let request = client
                .put_image_tag_mutability()
                .repository_name(name)
                .image_tag_mutability(mutability(*immutable));
            cx.cloud
                .send(&ecr::PUT_IMAGE_TAG_MUTABILITY, "set whether tags stay", || {
                    request.clone().send()
                })
                .await?;
        }
        if live.spec.scan_on_push != spec.scan_on_push {
            let request = client
                .put_image_scanning_configuration()
                .repository_name(name)
                .image_scanning_configuration(scanning(*spec.scan_on_push.wanted()?));
            cx.cloud
                .send(
                    &ecr::PUT_IMAGE_SCANNING_CONFIGURATION,
                    "set whether images are scanned",
                    || request.clone().send(),
                )
                .await?;
        }
        let keep = spec.keep.wanted()?;
        let keeps_other = live.spec.keep.known().is_some_and(|live| live != keep);
        if keeps_other {
            match *keep {
                0 => delete_lifecycle(cx.cloud, name).await?,
                _ => put_lifecycle(cx.cloud, name).await?,
            }
        }
        if keeps_other || live.spec.force_delete != spec.force_delete {
            ecr::remember(cx, &live.output.arn, &kept(spec)?).await?;
        }
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &RepositoryOutput) -> Result<()> {
        ecr::remember(cx, &output.arn, &Kept::new()).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let name = &live.output.id;
        let force = live.spec.force_delete == true.into();
        let request = cx.cloud.ecr.delete_repository().repository_name(name).force(force);
        match cx
            .cloud
            .send(&ecr::DELETE_REPOSITORY, "delete the repository", || request.clone().send())
            .await
        {
            Ok(_) => Ok(Vec::new()),
            // Kept on purpose, so there is nothing to wait for: `gone` is content with it.
            Err(failure) if failure.code.as_deref() == Some("RepositoryNotEmptyException") => {
                Ok(vec![format!(
                    "repository {name} is kept: it holds images and `force-delete` is off"
                )])
            }
            Err(failure) => Err(failure),
        }
    }
}

fn found(
    owned: &Owned,
    repository: &Description,
    lifecycle: Option<&str>,
) -> Result<Found<Repository>> {
    let number = owned.kept(KEEP).and_then(|kept| kept.parse().ok());
    let keep = match lifecycle {
        Some(policy) if is_ours(policy) => Some(number.unwrap_or(0)),
        // Whoever made it decides; nobody else's is taken away.
        Some(_) => None,
        None => Some(0),
    };
    let foreign = keep.is_none().then(|| "it has a lifecycle policy of another make".to_owned());
    let force_delete: Option<bool> = owned.kept(FORCE_DELETE).and_then(|kept| kept.parse().ok());
    let mutability = repository.image_tag_mutability();
    let immutable = mutability.and_then(|mutability| match mutability {
        ImageTagMutability::Immutable => Some(true),
        // With exclusions some tags move, which is less than was asked for.
        ImageTagMutability::Mutable
        | ImageTagMutability::ImmutableWithExclusion
        | ImageTagMutability::MutableWithExclusion => Some(false),
        _ => None,
    });
    let exclusions = repository.image_tag_mutability_exclusion_filters().iter();
    let mutable = mutability.filter(|_| immutable.is_none());
    let mutable = mutable.map(|mutability| format!("whether tags stay is `{mutability}`"));
    let exclusions = exclusions.map(|filter| {
        format!("tags like `{}` are excluded from the rule whether tags stay", filter.filter())
    });
    Ok(Found {
        badge: owned.badge(),
        spec: RepositorySpec {
            immutable: immutable.into(),
            scan_on_push: repository
                .image_scanning_configuration()
                .map(ImageScanningConfiguration::scan_on_push)
                .into(),
            keep: keep.into(),
            force_delete: force_delete.into(),
        },
        output: output(repository)?,
        phase: Phase::Ready,
        state: String::new(),
        foreign: foreign.into_iter().chain(mutable).chain(exclusions).collect(),
    })
}

fn output(repository: &Description) -> Result<RepositoryOutput> {
    Ok(RepositoryOutput {
        id: repository.repository_name().required("the name of a repository")?.to_owned(),
        arn: repository.repository_arn().required("the ARN of a repository")?.to_owned(),
        uri: repository.repository_uri().required("the URI of a repository")?.to_owned(),
    })
}

fn kept(spec: &RepositorySpec) -> Result<Kept> {
    let keep = (KEEP, spec.keep.wanted()?.to_string());
    Ok(Kept::from([(FORCE_DELETE, spec.force_delete.wanted()?.to_string()), keep]))
}

fn mutability(immutable: bool) -> ImageTagMutability {
    if immutable { ImageTagMutability::Immutable } else { ImageTagMutability::Mutable }
}

fn scanning(on_push: bool) -> ImageScanningConfiguration {
    ImageScanningConfiguration::builder().scan_on_push(on_push).build()
}

/// The lifecycle policy of a repository, if it has one.
async fn lifecycle(aws: &Aws, name: &str) -> Result<Option<String>> {
    let request = aws.ecr.get_lifecycle_policy().repository_name(name);
    match aws
        .send(&ecr::GET_LIFECYCLE_POLICY, "read the repository's lifecycle", || {
            request.clone().send()
        })
        .await
    {
        Ok(answer) => answer.lifecycle_policy_text.required("the text of a lifecycle").map(Some),
        Err(failure) if failure.cause == Cause::Missing => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn put_lifecycle(aws: &Aws, name: &str) -> Result<()> {
    let text = untagged().to_string();
    let request = aws.ecr.put_lifecycle_policy().repository_name(name).lifecycle_policy_text(text);
    aws.send(&ecr::PUT_LIFECYCLE_POLICY, "let what has no tag expire", || request.clone().send())
        .await?;
    Ok(())
}

async fn delete_lifecycle(aws: &Aws, name: &str) -> Result<()> {
    let request = aws.ecr.delete_lifecycle_policy().repository_name(name);
    unless_gone(
        aws.send(&ecr::DELETE_LIFECYCLE_POLICY, "keep all images", || request.clone().send()).await,
    )
    .map(drop)
}

/// The lifecycle policy that lets go of what no release is: the remains of pushes, and images whose
/// tags are deleted. It takes nothing away that runs, unless somebody moves or removes its tag.
fn untagged() -> Value {
    json!({ "rules": [{
        "rulePriority": 1,
        "description": "images without a tag",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": 1,
        },
        "action": { "type": "expire" },
    }] })
}

fn is_ours(policy: &str) -> bool {
    serde_json::from_str::<Value>(policy).is_ok_and(|policy| policy == untagged())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_lifecycle_reads_back_and_another_does_not() {
        assert!(is_ours(&untagged().to_string()));
        let mut other = untagged();
        other["rules"][0]["selection"]["countNumber"] = json!(2);
        assert!(!is_ours(&other.to_string()));
    }
}
