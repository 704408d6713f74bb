//! Whether that is there and fit for use which tasks are to have: images, roles, secrets.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecr::types::ImageIdentifier;
use deployer_core::{Arn, Cause, Failure, Text};
use deployer_engine::{Concern, Result};
use deployer_image::{Credentials, PushError, Reference, listed_processors, processors};
use deployer_kinds::{Architecture, TaskDefinitionSpec};
use futures_util::future::{try_join, try_join_all};
use serde_json::Value;

use crate::Aws;
use crate::ecr::{self, login::log_in};
use crate::iam;
use crate::secrets;
use crate::send::unless_gone;
use crate::ssm;

/// Who takes on the roles of tasks ("Amazon ECS task execution IAM role" in the ECS developer
/// guide).
const TASKS: &str = "\"ecs-tasks.amazonaws.com\"";

pub(super) async fn verify(aws: &Aws, spec: &TaskDefinitionSpec) -> Result<Vec<Concern>> {
    let roles =
        [("execution-role", Some(&spec.execution_role)), ("task-role", spec.task_role.as_ref())];
    let roles = roles.into_iter().filter_map(|(path, role)| Some((path, role?.known()?)));
    let roles = try_join_all(roles.map(async |(path, arn)| {
        unless_denied(role(aws, path, arn).await, path, "tasks can take on the role")
    }));
    let containers = spec.containers.iter().map(async |(name, container)| {
        let images = async {
            let path = format!("containers.{name}.image");
            match container.image.literal() {
                Some(uri) => {
                    let architecture = spec.architecture.known().copied();
                    let credentials = container.credentials.as_ref().and_then(Text::literal);
                    let looked = image(aws, &path, (uri, credentials), architecture).await;
                    unless_denied(looked, &path, "the image is there")
                }
                None => Ok(Vec::new()),
            }
        };
        // Of many variables out of one secret, the secret is looked at once.
        let mut stored: BTreeMap<Stored, Vec<(String, Option<&str>)>> = BTreeMap::new();
        for (variable, place) in &container.secrets {
            let Some((place, key)) = place.literal().and_then(Stored::read) else { continue };
            let path = format!("containers.{name}.secrets.{variable}");
            stored.entry(place).or_default().push((path, key));
        }
        let looks = stored.iter().map(|(place, wanted)| place.verify(aws, wanted));
        let (mut concerns, secrets) = try_join(images, try_join_all(looks)).await?;
        concerns.extend(secrets.into_iter().flatten());
        Ok::<_, Failure>(concerns)
    });
    let (roles, containers) = try_join(roles, try_join_all(containers)).await?;
    Ok(roles.into_iter().chain(containers).flatten().collect())
}

/// What may not be looked at is no failure of the rest.
fn unless_denied(looked: Result<Vec<Concern>>, path: &str, what: &str) -> Result<Vec<Concern>> {
    match looked {
        Err(failure) if failure.cause == Cause::Denied => {
            let title = format!("whether {what} was not looked at: {}", failure.message);
            let help = "look yourself, or let whoever runs this read it";
            Ok(vec![Concern::maybe(path, title, help)])
        }
        looked => looked,
    }
}

async fn role(aws: &Aws, path: &str, arn: &str) -> Result<Vec<Concern>> {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let request = aws.iam.get_role().role_name(name);
    let answer = aws.send(&iam::GET_ROLE, "look at the role", || request.clone().send()).await;
    let Some(role) = unless_gone(answer)?.and_then(|answer| answer.role) else {
        let help = "make the role, or name one that is there";
        return Ok(vec![Concern::sure(path, format!("there is no role `{name}`"), help)]);
    };
    let trust = iam::policy::decoded(role.assume_role_policy_document().unwrap_or_default());
    if trust.contains(TASKS) {
        return Ok(Vec::new());
    }
    let title = format!("tasks cannot take on the role `{name}`");
    let help = "let its trust policy have the service `ecs-tasks.amazonaws.com`";
    Ok(vec![Concern::sure(path, title, help)])
}

/// Whether an image is there and for the processor. Of ECR's only those in this region are looked at.
async fn image(
    aws: &Aws,
    path: &str,
    (uri, credentials): (&str, Option<&str>),
    architecture: Option<Architecture>,
) -> Result<Vec<Concern>> {
    let found = match InEcr::read(uri) {
        Some(image) if image.region != aws.region => return Ok(Vec::new()),
        Some(image) => in_ecr(aws, path, uri, image).await?,
        None => in_registry(aws, path, uri, credentials).await?,
    };
    let platforms = match found {
        Ok(platforms) => platforms,
        Err(concern) => return Ok(vec![concern]),
    };
    let Some(wanted) = architecture.map(|it| ecr::platform(it).architecture()) else {
        return Ok(Vec::new());
    };
    if platforms.is_empty() || platforms.contains(wanted) {
        return Ok(Vec::new());
    }
    let has: Vec<&str> = platforms.iter().map(String::as_str).collect();
    let title = format!("the image is for {}, and the tasks are {wanted}", has.join(" and "));
    let help = "build it for that architecture too, or give the tasks the other one";
    Ok(vec![Concern::sure(path, title, help)])
}

/// The processors of an image, none where nobody knows, or what is wrong with it.
type Looked = std::result::Result<BTreeSet<String>, Concern>;

async fn in_ecr(aws: &Aws, path: &str, uri: &str, wanted: InEcr<'_>) -> Result<Looked> {
    let InEcr { account, repository, image, .. } = wanted;
    let request = aws
        .ecr
        .batch_get_image()
        .registry_id(account)
        .repository_name(&repository)
        .image_ids(image);
    let purpose = "look at the image";
    let answer = aws.send(&ecr::BATCH_GET_IMAGE, purpose, || request.clone().send()).await;
    let Some(answer) = unless_gone(answer)? else {
        let title = format!("there is no repository `{repository}`");
        return Ok(Err(Concern::sure(path, title, "make it, or name one that is there")));
    };
    let Some(found) = answer.images().first() else {
        let title = format!("`{repository}` does not have the image `{uri}`");
        return Ok(Err(Concern::sure(path, title, "push it, or name one that is there")));
    };
    let platforms = platforms(found.image_manifest().unwrap_or_default());
    let digest = found.image_id().and_then(|it| it.image_digest());
    let Some(digest) = digest.filter(|_| platforms.is_empty()) else { return Ok(Ok(platforms)) };
    // One image says in its configuration which processor it is for, and only its registry has that.
    if account != aws.account().await? {
        return Ok(Ok(platforms));
    }
    let (endpoint, credentials) = log_in(aws).await?;
    let image = Reference { endpoint, repository, image: digest.to_owned() };
    let looked = processors(&image, Some(&credentials), aws.roots.clone()).await;
    Ok(Ok(looked.ok().flatten().unwrap_or_default()))
}

/// Looks in a registry that is not ECR. One that does not answer keeps nobody from anything: where
/// the tasks are it may do so.
async fn in_registry(
    aws: &Aws,
    path: &str,
    uri: &str,
    credentials: Option<&str>,
) -> Result<Looked> {
    let credentials = match credentials {
        Some(secret) => credentials_in(aws, secret).await?,
        None => None,
    };
    let looked = processors(&Reference::read(uri), credentials.as_ref(), aws.roots.clone()).await;
    Ok(match looked {
        Ok(Some(platforms)) => Ok(platforms),
        Ok(None) => {
            let title = format!("its registry does not have the image `{uri}`");
            Err(Concern::sure(path, title, "push it, or name one that is there"))
        }
        Err(error) => {
            let help = match error {
                PushError::Denied(_) | PushError::Authentication(..) => {
                    "look whether it is there, and give the image `credentials:` if it is not public"
                }
                _ => {
                    "look yourself, or go on: the tasks may reach what cannot be reached from here"
                }
            };
            let title = format!("whether the image is there was not looked at: {error}");
            Err(Concern::maybe(path, title, help))
        }
    })
}

/// The user and the password in a secret, which go to nobody but the registry ("Using non-AWS
/// container images in Amazon ECS" in the ECS developer guide); none where it has none.
async fn credentials_in(aws: &Aws, arn: &str) -> Result<Option<Credentials>> {
    let request = aws.secrets.get_secret_value().secret_id(arn);
    let purpose = "read the credentials of the registry";
    let answer = aws.send(&secrets::GET_SECRET_VALUE, purpose, || request.clone().send()).await;
    let Some(answer) = unless_gone(answer)? else { return Ok(None) };
    let text = answer.secret_string().unwrap_or_default();
    let Ok(mut value) = serde_json::from_str::<BTreeMap<String, String>>(text) else {
        return Ok(None);
    };
    let user = value.remove("username");
    let password = value.remove("password");
    Ok(user.zip(password).map(|(user, password)| Credentials { user, password }))
}

/// An image as a URI of ECR names it.
#[derive(Debug, PartialEq)]
struct InEcr<'a> {
    account: &'a str,
    region: &'a str,
    repository: String,
    image: ImageIdentifier,
}

impl<'a> InEcr<'a> {
    /// `123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:3`, or with `@sha256:…` ("Pulling an image"
    /// in the ECR user guide).
    fn read(uri: &'a str) -> Option<Self> {
        let (host, _) = uri.split_once('/')?;
        let (account, host) = host.split_once(".dkr.ecr.")?;
        let (region, _) = host.split_once(".amazonaws.com")?;
        let Reference { repository, image, .. } = Reference::read(uri);
        let builder = ImageIdentifier::builder();
        // No tag has a colon.
        let image = if image.contains(':') {
            builder.image_digest(image)
        } else {
            builder.image_tag(image)
        };
        Some(Self { account, region, repository, image: image.build() })
    }
}

/// The architectures that an index lists, as its text; none of the manifest of a single image.
fn platforms(manifest: &str) -> BTreeSet<String> {
    let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    listed_processors(&manifest).unwrap_or_default()
}

/// Where a value is read from when a task starts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stored<'a> {
    /// A secret, by its ARN.
    Secret(&'a str),
    /// A parameter, by its name or its ARN.
    Parameter(&'a str),
}

impl<'a> Stored<'a> {
    /// Reads `valueFrom` of a task definition, with the key of a JSON secret ("Retrieve Secrets
    /// Manager secrets through environment variables" in the ECS developer guide).
    fn read(place: &'a str) -> Option<(Self, Option<&'a str>)> {
        let Some(arn) = Arn::read(place) else { return Some((Self::Parameter(place), None)) };
        match arn.service {
            "ssm" => Some((Self::Parameter(place), None)),
            "secretsmanager" => {
                let (_, rest) = arn.resource.split_once(':')?;
                let mut rest = rest.splitn(4, ':');
                let name = rest.next()?;
                let end = place.len() - arn.resource.len() + "secret:".len() + name.len();
                // Another version than the current one is looked at by nobody but the task.
                let (key, version) = (rest.next(), rest.next());
                let key = key.filter(|key| !key.is_empty() && version.is_none_or(str::is_empty));
                Some((Self::Secret(&place[..end]), key))
            }
            _ => None,
        }
    }

    /// Looks whether it is there, with the keys that are wanted of it, each for the variable at a
    /// path.
    async fn verify(&self, aws: &Aws, wanted: &[(String, Option<&str>)]) -> Result<Vec<Concern>> {
        let looked = match self {
            Self::Secret(arn) => secret(aws, arn, wanted).await,
            Self::Parameter(name) => parameter(aws, name, wanted).await,
        };
        let first = wanted.first().map(|(path, _)| path.as_str()).unwrap_or_default();
        unless_denied(looked, first, "what tasks read is there")
    }
}

async fn secret(aws: &Aws, arn: &str, wanted: &[(String, Option<&str>)]) -> Result<Vec<Concern>> {
    let request = aws.secrets.describe_secret().secret_id(arn);
    let purpose = "look at the secret";
    let answer = aws.send(&secrets::DESCRIBE_SECRET, purpose, || request.clone().send()).await;
    let every = |title: &str, help: &str| {
        let each = wanted.iter().map(|(path, _)| Concern::sure(path.clone(), title, help));
        Ok(each.collect())
    };
    let name = arn.rsplit(':').next().unwrap_or(arn);
    let Some(secret) = unless_gone(answer)? else {
        return every(
            &format!("there is no secret `{name}`"),
            "make it, or name one that is there",
        );
    };
    if secret.deleted_date().is_some() {
        return every(
            &format!("the secret `{name}` is being deleted"),
            "restore it, or name another one",
        );
    }
    if wanted.iter().all(|(_, key)| key.is_none()) {
        return Ok(Vec::new());
    }
    // Nothing but the names of its keys is kept.
    let request = aws.secrets.get_secret_value().secret_id(arn);
    let purpose = "read the keys of the secret";
    let answer = aws.send(&secrets::GET_SECRET_VALUE, purpose, || request.clone().send()).await?;
    let keys: Option<BTreeSet<String>> = answer
        .secret_string()
        .and_then(|text| serde_json::from_str::<BTreeMap<String, Value>>(text).ok())
        .map(|value| value.into_keys().collect());
    drop(answer);
    let concern = |(path, key): &(String, Option<&str>)| {
        let key = (*key)?;
        let (title, help) = match &keys {
            None => (
                format!("the secret `{name}` is no JSON object, so it has no key `{key}`"),
                "take the whole secret, or make it one".to_owned(),
            ),
            Some(keys) if keys.contains(key) => return None,
            Some(keys) => {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                (
                    format!("the secret `{name}` has no key `{key}`"),
                    format!("it has {}", keys.join(", ")),
                )
            }
        };
        Some(Concern::sure(path.clone(), title, help))
    };
    Ok(wanted.iter().filter_map(concern).collect())
}

/// Whether a parameter is there; its value is not decrypted, nor kept.
async fn parameter(
    aws: &Aws,
    name: &str,
    wanted: &[(String, Option<&str>)],
) -> Result<Vec<Concern>> {
    let request = aws.parameters.get_parameters().names(name).with_decryption(false);
    let purpose = "look at the parameter";
    let answer = aws.send(&ssm::GET_PARAMETERS, purpose, || request.clone().send()).await?;
    if !answer.parameters().is_empty() {
        return Ok(Vec::new());
    }
    // Its name stands at the line, unless that is blotted out.
    let (title, help) =
        ("there is no such parameter", format!("make `{name}`, or name one that is there"));
    Ok(wanted.iter().map(|(path, _)| Concern::sure(path.clone(), title, &*help)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_with_their_keys() {
        let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";
        for (place, expected) in [
            (arn.to_owned(), (Stored::Secret(arn), None)),
            (format!("{arn}:password::"), (Stored::Secret(arn), Some("password"))),
            (format!("{arn}:password:AWSPREVIOUS:"), (Stored::Secret(arn), None)),
            ("/app/token".to_owned(), (Stored::Parameter("/app/token"), None)),
        ] {
            assert_eq!(Stored::read(&place), Some(expected), "{place}");
        }
        let parameter = "arn:aws:ssm:eu-west-1:111122223333:parameter/app/token";
        assert_eq!(Stored::read(parameter), Some((Stored::Parameter(parameter), None)));
    }

    #[test]
    fn images_of_ecr_are_told_from_others() {
        let host = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
        let read = |rest: &str| {
            let uri = format!("{host}/{rest}");
            let InEcr { account, region, repository, image } = InEcr::read(&uri).unwrap();
            assert_eq!((account, region), ("111122223333", "eu-west-1"));
            let named = image.image_tag.or(image.image_digest);
            (repository, named.unwrap())
        };
        let pair = |name: &str, image: &str| (name.to_owned(), image.to_owned());
        assert_eq!(read("team/web:3"), pair("team/web", "3"));
        assert_eq!(read("web"), pair("web", "latest"));
        assert_eq!(read("web@sha256:ab"), pair("web", "sha256:ab"));
        assert_eq!(read("web:3@sha256:ab"), pair("web", "sha256:ab"));
        assert_eq!(InEcr::read("nginx:1.29"), None);
    }

    #[test]
    fn an_index_says_which_processors_it_is_for() {
        let index = r#"{"manifests":[{"platform":{"architecture":"arm64"}},
            {"platform":{"architecture":"unknown"}}]}"#;
        assert_eq!(platforms(index), BTreeSet::from(["arm64".to_owned()]));
        assert!(platforms(r#"{"config":{}}"#).is_empty());
    }
}
