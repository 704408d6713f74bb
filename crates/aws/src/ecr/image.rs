//! Images in ECR: built and pushed by `deployer-image`, found with `DescribeImages`.
//!
//! A release is a tag, `web-12`: the twelfth generation of `image/web`. The repository that holds
//! it carries our tags, so it says whose the images in it are.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use aws_sdk_ecr::types::{
    DescribeImagesFilter, ImageFailureCode, ImageIdentifier, Repository as Stored, TagStatus,
};
use aws_sdk_ecs::types::DeploymentRolloutState;
use deployer_core::{Cause, Failure, Opaque, Phase, Ref};
use deployer_engine::{
    Badge, Context, Found, Pauses, Release, Releases, Resource, Result, Survey, Voice,
    unless_gone_for_good,
};
use deployer_image::{
    Base, CargoSource, DockerfileSource, Passing, Patience, Platform, Progress, PushError,
    Settings, Source, Target,
};
use deployer_kinds::{Build, Dockerfile, Image, ImageOutput, ImageSpec};

use crate::Aws;
use crate::ecr::login::log_in;
use crate::ecr::{self, Repositories};
use crate::ecs::service::failures::Failures;
use crate::ecs::service::find::Services;
use crate::ecs::task_definition::Definitions;
use crate::fence::Fenced;
use crate::missing::Required;

impl Resource<Aws> for Image {
    /// The current release of each image; what came before it is history that a rollback asks
    /// for, not something to plan with. A newer one that did not come up is there as well.
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let mut all: BTreeMap<String, Vec<Found<Self>>> = BTreeMap::new();
        for (_, repository) in survey.shared.get::<Repositories>().of(survey).await? {
            for (release, digest) in releases(survey.cloud, repository).await? {
                let Some((name, generation)) = numbered(&release) else { continue };
                let found = found(name, generation, repository, release.clone(), digest)?;
                all.entry(name.to_owned()).or_default().push(found);
            }
        }
        let mut lives = Vec::new();
        for mut releases in all.into_values() {
            releases.sort_by_key(|release| Reverse(release.badge.generation));
            let digests = releases.iter().map(|release| release.output.id.as_str());
            let failed = fallen(survey, digests).await?;
            for mut release in releases {
                let because = failed.get(&release.output.id);
                if let Some(because) = because {
                    (release.phase, release.state) = (Phase::Failed, because.clone());
                }
                lives.push(release);
                if because.is_none() {
                    break;
                }
            }
        }
        Ok(lives)
    }

    async fn create(cx: &Context<'_, Aws>, spec: &ImageSpec) -> Result<ImageOutput> {
        if let Some(made) = again(cx, spec).await? {
            return Ok(made);
        }
        let image = cx.alone("its build", build(cx.cloud, spec, &cx.voice())).await?;
        let digest = image.digest().to_string();
        if let Some(wanted) = spec.digest.as_ref().filter(|wanted| **wanted != digest) {
            let message = format!("it has the digest {digest}, where the plan has {wanted}");
            return Err(Failure::new(Cause::Refused, "build the image again", message)
                .help("its sources changed since the plan was made: plan again"));
        }
        let repository = ecr::find(cx.cloud, spec.repository.id()).await?;
        let release = release(cx);
        let name = repository.repository_name().required("the name of the repository")?;
        let target = target(cx.cloud, name, &release).await?;
        let voice = cx.voice();
        if let Some(base) = image.base() {
            voice.say(standing_on(&base, base_before(cx, &target).await.as_ref()));
        }
        let report = &mut |progress| tell(&voice, progress);
        deployer_image::push(&image, &target, &Patient(cx.pauses()), report)
            .await
            .map_err(|error| not_pushed(&error, &release))?;
        Ok(ImageOutput { uri: uri(&repository, &digest)?, id: digest, release })
    }

    /// Nothing of an image can change where it is.
    async fn update(
        _cx: &Context<'_, Aws>,
        live: &Found<Self>,
        _spec: &ImageSpec,
    ) -> Result<ImageOutput> {
        Ok(live.output.clone())
    }

    /// An image is known by its tag in the repository.
    async fn remember(_cx: &Context<'_, Aws>, _output: &ImageOutput) -> Result<()> {
        Ok(())
    }

    /// Images go with their repository.
    async fn delete(_cx: &Context<'_, Aws>, _live: &Found<Self>) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn preview(aws: &Aws, spec: &ImageSpec) -> Result<()> {
        let source = source(&aws.folder, spec.build.wanted()?);
        deployer_image::look(&source, platform(spec)?)
            .await
            .map_err(|error| Failure::new(Cause::Refused, "build the image", error.to_string()))
    }

    async fn prepare(aws: &Aws, spec: &ImageSpec, voice: &Voice) -> Result<Option<ImageSpec>> {
        let image = build(aws, spec, voice).await?;
        Ok(Some(ImageSpec { digest: Some(image.digest().to_string()), ..spec.clone() }))
    }
}

/// The tag of the release that a step is to make.
fn release(cx: &Context<'_, Aws>) -> String {
    format!("{}-{}", cx.identity.address.name, cx.identity.generation)
}

/// The release that a step is to make, where the repository has its image under the tag of an earlier
/// one: then nothing is built, and the image gets another tag.
async fn again(cx: &Context<'_, Aws>, spec: &ImageSpec) -> Result<Option<ImageOutput>> {
    let Some(digest) = &spec.digest else { return Ok(None) };
    let repository = ecr::find(cx.cloud, spec.repository.id()).await?;
    let is_there = releases(cx.cloud, &repository).await?.iter().any(|(_, known)| known == digest);
    if !is_there {
        return Ok(None);
    }
    let (release, voice) = (release(cx), cx.voice());
    let name = repository.repository_name().required("the name of the repository")?;
    let target = target(cx.cloud, name, &release).await?;
    let report = &mut |progress| tell(&voice, progress);
    let named = deployer_image::name_again(digest, &target, &Patient(cx.pauses()), report)
        .await
        .map_err(|error| not_pushed(&error, &release))?;
    let uri = uri(&repository, digest)?;
    Ok(named.then(|| ImageOutput { uri, id: digest.clone(), release }))
}

/// How long a question may take that nothing depends on.
const AT_ONCE: Duration = Duration::from_secs(5);

/// How many images one call deletes (`BatchDeleteImage` in the ECR API reference).
const A_CALL: usize = 100;

impl Releases<Aws> for Image {
    async fn releases(aws: &Aws, live: &Found<Self>) -> Result<Vec<Release>> {
        let repository = ecr::find(aws, live.spec.repository.id()).await?;
        let mut numbers: Vec<(u32, Release)> = releases(aws, &repository)
            .await?
            .into_iter()
            .filter_map(|(name, digest)| {
                let (image, generation) = numbered(&name)?;
                (image == live.badge.name).then_some((generation, Release { name, digest }))
            })
            .collect();
        numbers.sort_by_key(|(generation, _)| Reverse(*generation));
        Ok(numbers.into_iter().map(|(_, release)| release).collect())
    }

    /// By its tag: an image goes with the last one that it has (ECR user guide, "Deleting an image").
    async fn forget(aws: &Aws, live: &Found<Self>, names: &[String]) -> Result<()> {
        for names in names.chunks(A_CALL) {
            let tags = names.iter().map(|tag| ImageIdentifier::builder().image_tag(tag).build());
            let request = aws
                .ecr
                .batch_delete_image()
                .repository_name(live.spec.repository.id())
                .set_image_ids(Some(tags.collect()));
            let answer = aws
                .send(&ecr::BATCH_DELETE_IMAGE, "delete old releases", || request.clone().send())
                .await?;
            let gone = Some(&ImageFailureCode::ImageNotFound);
            let refused = answer.failures().iter().find(|it| it.failure_code() != gone);
            if let Some(refused) = refused {
                let why = refused.failure_reason().unwrap_or("ECR does not say why");
                return Err(Failure::new(Cause::Refused, "delete old releases", why));
            }
        }
        Ok(())
    }
}

/// The digests among those of an image's releases, the newest first, that did not come up, each
/// with why. Rollouts are looked at only where the newest is not in what is set to run.
async fn fallen<'a>(
    survey: &Survey<'_, Aws>,
    digests: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>> {
    let digests: Vec<&str> = digests.collect();
    let services = survey.shared.get::<Services>().of(survey).await?;
    let Some(newest) = digests.first().filter(|_| !services.is_empty()) else {
        return Ok(BTreeMap::new());
    };
    for (_, described) in survey.shared.get::<Definitions>().of(survey).await? {
        let Some(definition) = described.task_definition() else { continue };
        let mut images = definition.container_definitions().iter().filter_map(|it| it.image());
        let arn = definition.task_definition_arn();
        let runs = services.iter().flat_map(|(_, service)| service.deployments()).any(|it| {
            it.task_definition() == arn
                && it.rollout_state() != Some(&DeploymentRolloutState::Failed)
        });
        if runs && images.any(|image| image.ends_with(&format!("@{newest}"))) {
            return Ok(BTreeMap::new());
        }
    }
    let failures = survey.shared.get::<Failures>().of(survey).await?;
    let of = |digest: &str| failures.iter().find(|failed| failed.digests.contains(digest));
    let found = digests.into_iter().filter_map(|it| Some((it.to_owned(), of(it)?.because.clone())));
    Ok(found.collect())
}

/// The engine's pauses, for requests to the registry.
struct Patient<'a>(Pauses<'a>);

impl Patience for Patient<'_> {
    fn next(&self, way: Passing, failed: u32, asked: Option<Duration>) -> Option<Duration> {
        match way {
            Passing::Throttled => self.0.put_off(failed, asked),
            Passing::Lost => self.0.lost(failed, asked),
        }
    }

    async fn pause(&self, length: Duration) {
        self.0.pause(length).await;
    }
}

fn found(
    name: &str,
    generation: u32,
    repository: &Stored,
    release: String,
    digest: String,
) -> Result<Found<Image>> {
    let id = repository.repository_name().required("the name of a repository")?;
    Ok(Found {
        badge: Badge { name: name.to_owned(), generation, ..Badge::default() },
        spec: ImageSpec {
            repository: Ref::physical(id),
            // How an image was made shows in its digest alone.
            build: Opaque::Unread,
            architecture: Opaque::Unread,
            command: Opaque::Unread,
            health_command: Opaque::Unread,
            digest: Some(digest.clone()),
        },
        output: ImageOutput { uri: uri(repository, &digest)?, id: digest, release },
        phase: Phase::Ready,
        state: String::new(),
        foreign: Vec::new(),
    })
}

fn uri(repository: &Stored, digest: &str) -> Result<String> {
    let uri = repository.repository_uri().required("the URI of a repository")?;
    Ok(format!("{uri}@{digest}"))
}

/// The tags of a repository, each with the digest it names; none where it is gone.
async fn releases(aws: &Aws, repository: &Stored) -> Result<Vec<(String, String)>> {
    let name = repository.repository_name().required("the name of a repository")?;
    let tagged = DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build();
    let request = aws.ecr.describe_images().repository_name(name).filter(tagged).max_results(1000);
    let pages = unless_gone_for_good(|| {
        aws.pages(
            &ecr::DESCRIBE_IMAGES,
            "find the images",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
    });
    let pages = pages.await?.unwrap_or_default();
    let mut releases = Vec::new();
    for image in pages.iter().flat_map(|page| page.image_details()) {
        let digest = image.image_digest().required("the digest of an image")?;
        releases.extend(image.image_tags().iter().map(|tag| (tag.clone(), digest.to_owned())));
    }
    Ok(releases)
}

/// The highest number of a release that is believed: whoever may push could use the numbers up
/// otherwise. At one a minute it is reached after 19 years.
const HIGHEST: u32 = 10_000_000;

/// The image and the generation that a tag such as `web-12` names. A tag with a higher number than
/// any release has is none of ours.
fn numbered(tag: &str) -> Option<(&str, u32)> {
    let (name, number) = tag.rsplit_once('-')?;
    let is_plain = !number.starts_with(['0', '+']) && !name.is_empty();
    let number = number.parse().ok().filter(|number| is_plain && *number <= HIGHEST)?;
    Some((name, number))
}

async fn build(aws: &Aws, spec: &ImageSpec, voice: &Voice) -> Result<deployer_image::Image> {
    let platform = platform(spec)?;
    let settings = Settings {
        arguments: spec.command.wanted()?.clone(),
        healthcheck: Some(spec.health_command.wanted()?.clone()).filter(|it| !it.is_empty()),
        ..Settings::default()
    };
    let source = source(&aws.folder, spec.build.wanted()?);
    let report = &mut |progress| tell(voice, progress);
    deployer_image::build(&source, platform, &settings, report)
        .await
        .map_err(|error| Failure::new(Cause::Refused, "build the image", error.to_string()))
}

/// The machines that an image is for.
fn platform(spec: &ImageSpec) -> Result<Platform> {
    Ok(ecr::platform(*spec.architecture.wanted()?))
}

/// Where an image comes from, its path resolved against the stack's folder.
fn source(folder: &Path, build: &Build) -> Source {
    match build {
        Build::Cargo(path) => {
            Source::Cargo(CargoSource { dir: folder.join(path), ..CargoSource::default() })
        }
        Build::Dockerfile(Dockerfile { file, context, target, args, cache }) => {
            let file = folder.join(file);
            let (dir, file) = if let Some(context) = context {
                // The tool is run in its context, from where the file may be anywhere.
                (folder.join(context), path::absolute(&file).ok().or(Some(file)))
            } else {
                let dir = file.parent().unwrap_or(folder).to_owned();
                (dir, file.file_name().map(PathBuf::from))
            };
            let (target, args, cache) = (target.clone(), args.clone(), cache.clone());
            Source::Dockerfile(DockerfileSource { dir, file, target, args, cache })
        }
        Build::Archive(path) => Source::Archive(folder.join(path)),
    }
}

/// A release in ECR, and the credentials for twelve hours that push it.
async fn target(aws: &Aws, repository: &str, release: &str) -> Result<Target> {
    let (endpoint, credentials) = log_in(aws).await?;
    let (fence, roots) = (aws.fence.clone(), aws.roots.clone());
    Target::new(&endpoint, repository, release, Some(&credentials))
        .map(|target| target.trusting(roots).while_permitted(move || fence.is_open()))
        .map_err(|error| Failure::new(Cause::Refused, "push the image", error.to_string()))
}

/// What the release before was built on, if that can be had at once: nothing depends on it.
async fn base_before(cx: &Context<'_, Aws>, target: &Target) -> Option<Base> {
    let number = cx.identity.generation.checked_sub(1).filter(|number| *number > 0)?;
    let release = format!("{}-{number}", cx.identity.address.name);
    let (patience, silent) = (&Patient(cx.pauses()), &mut |_| {});
    let asking = deployer_image::base_of(&release, target, patience, silent);
    tokio::time::timeout(AT_ONCE, asking).await.ok()?.ok().flatten()
}

/// What an image is built on, and whether that has moved since the release before.
fn standing_on(base: &Base, before: Option<&Base>) -> String {
    let Base { name, digest } = base;
    match before.filter(|before| before.name == *name) {
        Some(before) if before.digest != *digest => {
            format!("its base {name} has moved from {} to {digest}", before.digest)
        }
        _ => format!("its base {name} is {digest}"),
    }
}

/// What the registry said. It was asked again where that helps, so the engine need not.
fn not_pushed(error: &PushError, release: &str) -> Failure {
    let attempted = format!("push the image as {release}");
    if let PushError::GaveUp { last, .. } = error
        && matches!(**last, PushError::Withheld { .. })
    {
        // Held until the lock is renewed, like every other call.
        return Failure::new(Cause::Busy, attempted, Fenced.to_string());
    }
    let cause = match error {
        PushError::Denied(_) => Cause::Denied,
        _ => Cause::Refused,
    };
    let failure = Failure::new(cause, attempted, error.to_string());
    match error {
        // What ECR answers where an immutable tag names another image.
        PushError::Refused(refusal) if refusal.code.as_deref() == Some("TAG_INVALID") => failure
            .help(format!("another has just published {release}: publish again for the next one")),
        // Of a question the registry names the action that fetches what was asked for.
        PushError::Denied(_) => failure.help(format!(
            "a push takes `{}` on the repository",
            ecr::GET_AUTHORIZATION_TOKEN.also.join("`, `")
        )),
        _ => failure,
    }
}

fn tell(voice: &Voice, progress: Progress) {
    let megabytes = |size: u64| format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10);
    match progress {
        Progress::Line(line) => voice.say(line),
        Progress::Packing => voice.say("packing the image".to_owned()),
        Progress::Uploading { sent, size, .. } if sent == size => {
            voice.say(format!("pushed a layer of {}", megabytes(size)));
        }
        Progress::Stored { digest } => voice.say(format!("published {digest}")),
        Progress::Retrying { pause, reason, .. } => {
            voice.say(format!("will ask the registry again in {} s: {reason}", pause.as_secs()));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_a_name_and_a_number() {
        assert_eq!(numbered("web-12"), Some(("web", 12)));
        assert_eq!(numbered("web-api-3"), Some(("web-api", 3)));
        for other in ["latest", "web-", "-3", "web-03", "web-1a", "12", "web-4294967295"] {
            assert_eq!(numbered(other), None, "{other}");
        }
    }

    #[test]
    fn a_push_that_the_lock_withholds_is_held_and_not_given_up() {
        let withheld = PushError::Withheld { attempted: "store blob".to_owned() };
        let gave_up = PushError::GaveUp { attempts: 5, last: Box::new(withheld) };
        assert_eq!(not_pushed(&gave_up, "web-1").cause, Cause::Busy);
    }

    #[test]
    fn a_release_that_another_run_has_just_published_is_published_under_the_next_number() {
        let refusal = deployer_image::Refusal {
            registry: "registry".to_owned(),
            attempted: "put the manifest".to_owned(),
            status: 400,
            code: Some("TAG_INVALID".to_owned()),
            message: None,
        };
        let failure = not_pushed(&PushError::Refused(Box::new(refusal)), "web-1");
        let help = failure.help.unwrap_or_default();
        assert!(help.contains("publish again for the next one"), "{help}");
    }

    fn dockerfile(dockerfile: Dockerfile) -> DockerfileSource {
        let source = source(Path::new("/stack"), &Build::Dockerfile(dockerfile));
        let Source::Dockerfile(source) = source else { panic!("{source:?}") };
        source
    }

    #[test]
    fn a_dockerfile_is_built_in_the_folder_it_is_in() {
        let file = "app/Dockerfile.prod".to_owned();
        let source = dockerfile(Dockerfile { file, ..Dockerfile::default() });
        assert_eq!(source.dir, Path::new("/stack/app"));
        assert_eq!(source.file.as_deref(), Some(Path::new("Dockerfile.prod")));
    }

    #[test]
    fn a_dockerfile_with_a_context_is_built_there() {
        let (file, context) = ("app/Dockerfile".to_owned(), Some("..".to_owned()));
        let source = dockerfile(Dockerfile { file, context, ..Dockerfile::default() });
        assert_eq!(source.dir, Path::new("/stack/.."));
        assert_eq!(source.file.as_deref(), Some(Path::new("/stack/app/Dockerfile")));
    }
}
