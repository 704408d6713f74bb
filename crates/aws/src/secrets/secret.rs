//! Secrets of Secrets Manager: `CreateSecret`, `RestoreSecret`, `UpdateSecret`, `TagResource`,
//! `ListSecrets`, `DescribeSecret`, `DeleteSecret`.

use std::time::SystemTime;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use aws_smithy_types::DateTime;
use deployer_core::{Cause, Failure, Opaque, Phase};
use deployer_engine::{Badge, Context, Found, Look, Progress, Resource, Result, Survey};
use deployer_kinds::{Characters, Secret, SecretOutput, SecretSpec};

use crate::Aws;
use crate::iam::readers::Readers;
use crate::index::TagIndex;
use crate::missing::Required;
use crate::ownership::{self, ENVIRONMENT, Kept, Owned, STACK, Tags, kept_key, readable};
use crate::random;
use crate::secrets::{self, tagged, tags};
use crate::send::unless_gone;

/// The field that is kept as a tag, since only `DeleteSecret` takes it.
const RECOVERY: &str = "recovery-days";

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// The longest window that `DeleteSecret` takes, in days: what counts where the tag is missing.
const LONGEST_RECOVERY: u32 = 30;

impl Resource<Aws> for Secret {
    const LEAVES_ITSELF: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let secrets = known(survey).await?;
        let mut found: Vec<Found<Self>> = secrets
            .iter()
            // One that is scheduled for deletion is gone for all but its name; `create` brings it
            // back.
            .filter(|secret| secret.deleted_date().is_none())
            .filter_map(|secret| {
                let tags = tags(secret.tags());
                let owned = Owned::named::<Self>(survey.scope, secret.name(), &tags)?;
                readable(survey, &owned, secret.arn(), found(&owned, secret))
            })
            .collect::<Result<_>>()?;
        // Who reads one that goes is said then, and takes a look at all roles.
        let goes = survey.declared::<Self>().is_some_and(|declared| declared.len() < found.len());
        if (goes || survey.look == Look::Last) && !found.is_empty() {
            let readers = Readers::of(survey.cloud, survey.scope).await?;
            for live in &mut found {
                live.foreign.extend(readers.reading(&live.output.id));
            }
        }
        Ok(found)
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let secret = describe(survey.cloud, id).await?;
        let secret = secret.filter(|secret| secret.deleted_date().is_none());
        let read = |secret: &DescribeSecretOutput| {
            let tags = tags(secret.tags());
            found(&Owned::read::<Self>(survey.scope, secret.name(), &tags), secret)
        };
        secret.as_ref().map(read).transpose()
    }

    async fn create(cx: &Context<'_, Aws>, spec: &SecretSpec) -> Result<SecretOutput> {
        let (length, characters) = (spec.length.wanted()?, spec.characters.wanted()?);
        let request = cx
            .cloud
            .secrets
            .create_secret()
            .name(&cx.identity.name)
            .description(&spec.description)
            .set_tags(Some(tagged(cx.identity, &kept(spec)?)))
            .client_request_token(random::token())
            .secret_string(value(
                spec.key.as_deref(),
                random::text(*length, alphabet(*characters)),
            ));
        let made =
            cx.cloud.send(&secrets::CREATE_SECRET, "create the secret", || request.clone().send());
        match made.await {
            Ok(made) => Ok(SecretOutput {
                id: made.arn.required("the ARN of the secret")?,
                name: cx.identity.name.clone(),
            }),
            Err(failure) if failure.cause == Cause::Taken => adopt(cx, spec, failure).await,
            Err(failure) => Err(failure),
        }
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &SecretSpec,
    ) -> Result<SecretOutput> {
        let id = &live.output.id;
        let request = cx.cloud.secrets.update_secret().secret_id(id).description(&spec.description);
        cx.cloud
            .send(&secrets::UPDATE_SECRET, "describe the secret", || request.clone().send())
            .await?;
        secrets::remember(cx, id, &kept(spec)?).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &SecretOutput) -> Result<()> {
        secrets::remember(cx, &output.id, &Kept::new()).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let SecretOutput { id, name } = &live.output;
        let days = *live.spec.recovery_days.known().unwrap_or(&LONGEST_RECOVERY);
        let mut request = cx.cloud.secrets.delete_secret().secret_id(id);
        request = if days == 0 {
            request.force_delete_without_recovery(true)
        } else {
            request.recovery_window_in_days(i64::from(days))
        };
        match cx
            .cloud
            .send(&secrets::DELETE_SECRET, "delete the secret", || request.clone().send())
            .await
        {
            Ok(_) => {}
            // Asked for a second time; InvalidRequestException says no more than that.
            Err(failure) => match describe(cx.cloud, id).await? {
                Some(secret) if secret.deleted_date().is_some() => {}
                Some(_) => return Err(failure),
                None => return Ok(Vec::new()),
            },
        }
        let note = format!(
            "secret {name} can be recovered for {days} days: \
             `aws secretsmanager restore-secret --secret-id {name}`"
        );
        Ok((days != 0).then_some(note).into_iter().collect())
    }

    async fn gone(cx: &Context<'_, Aws>, output: &SecretOutput) -> Result<Progress<()>> {
        Ok(match describe(cx.cloud, &output.id).await? {
            Some(secret) if secret.deleted_date().is_none() => {
                Progress::Waiting("not deleted yet".to_owned())
            }
            _ => Progress::Done(()),
        })
    }
}

/// Takes over the secret that has the name already, if it is the one this step is to make; else
/// fails as the create did.
async fn adopt(
    cx: &Context<'_, Aws>,
    spec: &SecretSpec,
    mut failure: Failure,
) -> Result<SecretOutput> {
    let name = &cx.identity.name;
    let Some(secret) = describe(cx.cloud, name).await? else {
        // Deleted for good a moment ago: the name becomes free by itself (DeleteSecret in the
        // Secrets Manager API reference).
        failure.cause = Cause::NotYet;
        return Err(failure);
    };
    let tags = tags(secret.tags());
    let id = secret.arn().required("the ARN of a secret")?;
    if is_vanishing(secret.deleted_date(), &tags, now()) {
        failure.cause = Cause::NotYet;
        return Err(failure.help(format!(
            "if it stays, somebody has scheduled it for deletion: `aws secretsmanager \
             restore-secret --secret-id {name}` brings it back"
        )));
    }
    if !ownership::is_this::<Secret>(cx, id, Some(name), Some(&tags)) {
        return Err(ownership::taken(cx, failure.attempted, id));
    }
    if secret.deleted_date().is_some() {
        let request = cx.cloud.secrets.restore_secret().secret_id(name);
        cx.cloud
            .send(&secrets::RESTORE_SECRET, "restore the secret", || request.clone().send())
            .await?;
        cx.say(format!("secret {name} was scheduled for deletion and is back, with its value"));
    }
    let output =
        SecretOutput { id: secret.arn.required("the ARN of a secret")?, name: name.clone() };
    let live = Found {
        badge: Badge::default(),
        spec: spec.clone(),
        output,
        phase: Phase::Ready,
        state: String::new(),
        foreign: Vec::new(),
    };
    Secret::update(cx, &live, spec).await
}

/// Whether a secret was deleted without a way back a moment ago. It is described for a while after
/// that (terraform-provider-aws#10259), and must not be restored: who deletes a secret at once wants
/// its value gone.
///
/// The date is that of the deletion (Secrets Manager API reference, `SecretListEntry`) or the one
/// that it is scheduled for (the same, DescribeSecret), which with a way back is a week ahead at
/// least. So one that is about now is that of a deletion for good, by what the tag says, or of one
/// that somebody has asked for within a day.
fn is_vanishing(deleted: Option<&DateTime>, tags: &Tags, now: SystemTime) -> bool {
    let has_no_way_back = tags.get(&kept_key(RECOVERY)).is_some_and(|days| days == "0");
    let now = DateTime::from(now).secs();
    has_no_way_back && deleted.is_some_and(|date| date.secs().abs_diff(now) < DAY)
}

#[expect(clippy::disallowed_methods, reason = "a deletion's time is AWS's; there is no other now")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The secrets that the scope's tags lead to: those listed, and those not listed yet that the
/// tagging index knows.
async fn known(survey: &Survey<'_, Aws>) -> Result<Vec<DescribeSecretOutput>> {
    let filter = |name, value: &str| Filter::builder().key(name).values(value).build();
    let request = survey
        .cloud
        .secrets
        .list_secrets()
        .filters(filter(FilterNameStringType::TagKey, STACK))
        .filters(filter(FilterNameStringType::TagValue, &survey.scope.stack))
        .filters(filter(FilterNameStringType::TagKey, ENVIRONMENT))
        .filters(filter(FilterNameStringType::TagValue, &survey.scope.environment));
    let pages = survey
        .cloud
        .pages(
            &secrets::LIST_SECRETS,
            "find the secrets",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    let mut secrets: Vec<DescribeSecretOutput> = pages
        .into_iter()
        .flat_map(|page| page.secret_list.unwrap_or_default())
        .map(|secret| {
            DescribeSecretOutput::builder()
                .set_arn(secret.arn)
                .set_name(secret.name)
                .set_description(secret.description)
                .set_kms_key_id(secret.kms_key_id)
                .set_rotation_enabled(secret.rotation_enabled)
                .set_deleted_date(secret.deleted_date)
                .set_tags(secret.tags)
                .build()
        })
        .collect();
    let nominated =
        survey.shared.get::<TagIndex>().nominated::<Secret>(survey, "secretsmanager").await;
    for arn in nominated {
        if !secrets.iter().any(|secret| secret.arn() == Some(&arn)) {
            secrets.extend(describe(survey.cloud, &arn).await?);
        }
    }
    Ok(secrets)
}

async fn describe(aws: &Aws, id: &str) -> Result<Option<DescribeSecretOutput>> {
    let request = aws.secrets.describe_secret().secret_id(id);
    unless_gone(
        aws.send(&secrets::DESCRIBE_SECRET, "look at the secret", || request.clone().send()).await,
    )
}

fn found(owned: &Owned, secret: &DescribeSecretOutput) -> Result<Found<Secret>> {
    let days: Option<u32> = owned.kept(RECOVERY).and_then(|days| days.parse().ok());
    let key = secret.kms_key_id().map(|key| format!("it is encrypted with the key {key}"));
    let rotation = (secret.rotation_enabled() == Some(true)).then(|| "it is rotated".to_owned());
    Ok(Found {
        badge: owned.badge(),
        spec: SecretSpec {
            // AWS leaves an empty description out.
            description: secret.description().unwrap_or_default().to_owned(),
            // How the value was made shows nowhere.
            length: Opaque::Unread,
            characters: Opaque::Unread,
            key: None,
            recovery_days: days.into(),
        },
        output: SecretOutput {
            id: secret.arn().required("the ARN of a secret")?.to_owned(),
            name: secret.name().required("the name of a secret")?.to_owned(),
        },
        phase: Phase::Ready,
        state: String::new(),
        foreign: key.into_iter().chain(rotation).collect(),
    })
}

/// The value that is generated, under its key where there is one.
fn value(key: Option<&str>, generated: String) -> String {
    match key {
        Some(key) => serde_json::json!({ key: generated }).to_string(),
        None => generated,
    }
}

fn kept(spec: &SecretSpec) -> Result<Kept> {
    Ok(Kept::from([(RECOVERY, spec.recovery_days.wanted()?.to_string())]))
}

/// Punctuation leaves out what shells, URLs and connection strings trip over.
fn alphabet(characters: Characters) -> &'static str {
    match characters {
        Characters::Alphanumeric => {
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        }
        Characters::Printable => {
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#%&()*+,-.:;<=>?[]^_{|}~"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_deleted_without_a_way_back_a_moment_ago_is_not_restored() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 20_000);
        let at = |hours: i64| DateTime::from_secs(DateTime::from(now).secs() + hours * 60 * 60);
        let kept = |days: &str| Tags::from([(kept_key(RECOVERY), days.to_owned())]);
        assert!(is_vanishing(Some(&at(0)), &kept("0"), now));
        assert!(!is_vanishing(None, &kept("0"), now), "it is there");
        assert!(!is_vanishing(Some(&at(7 * 24)), &kept("0"), now), "somebody left it a week");
        assert!(!is_vanishing(Some(&at(-48)), &kept("0"), now), "the day before yesterday");
        for others in [kept("7"), Tags::new()] {
            assert!(!is_vanishing(Some(&at(0)), &others, now), "it has a way back");
        }
    }
}
