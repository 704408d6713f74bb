//! Database instances of RDS: `CreateDBInstance`, `ModifyDBInstance`, `AddTagsToResource`,
//! `DescribeDBInstances`, `DescribeDBEngineVersions`, `DeleteDBInstance`; and the password:
//! `GetSecretValue`, `PutSecretValue`.

mod login;
pub(crate) mod machine;
pub(crate) mod removal;
mod spec;
pub(crate) mod state;
mod upgrade;

use std::collections::BTreeSet;

use aws_sdk_rds::types::DbInstance as Description;
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{DbInstance, DbInstanceOutput, DbInstanceSpec, DbReplica};

use crate::Aws;
use crate::iam::linked_role;
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, readable};
use crate::rds::{self, Databases};

impl Resource<Aws> for DbInstance {
    const READ_BY_NAME: bool = true;

    /// RDS may show an instance as it was before a change, and available.
    const SHOWN_LATE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let ours = replicas(survey).await?;
        let instances = survey.shared.get::<Databases>().of::<Self>(survey).await?.into_iter();
        // A copy of our tags makes no replica an instance of ours.
        instances
            .filter(|(_, instance)| is_source(instance))
            .filter_map(|(owned, instance)| {
                let read = found(&owned, instance, &ours);
                readable(survey, &owned, instance.db_instance_identifier(), read)
            })
            .collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let read = rds::read::<Self>(survey, id).await?;
        let Some((owned, instance)) = read.filter(|(_, it)| is_source(it)) else { return Ok(None) };
        let has_replicas = !instance.read_replica_db_instance_identifiers().is_empty();
        let ours = if has_replicas { replicas(survey).await? } else { BTreeSet::new() };
        found(&owned, &instance, &ours).map(Some)
    }

    async fn create(cx: &Context<'_, Aws>, spec: &DbInstanceSpec) -> Result<DbInstanceOutput> {
        linked_role::ensure(cx.cloud, "rds.amazonaws.com").await?;
        let name = rds::name(cx.identity);
        let password = login::of_new(cx.cloud, spec).await?;
        let request = spec::create(&cx.cloud.rds, spec, password)?
            .db_instance_identifier(&name)
            .set_tags(Some(rds::tagged(cx.identity, &spec::kept(spec))));
        let made = cx
            .cloud
            .send(&rds::CREATE_DB_INSTANCE, "create the database", || request.clone().send())
            .await?;
        let secret = login::secret(spec).map(str::to_owned);
        output(&made.db_instance.required("the database")?, secret)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &DbInstanceSpec,
    ) -> Result<DbInstanceOutput> {
        let DbInstanceOutput { id, arn, .. } = &live.output;
        let upgrade = upgrade::upgrade(cx.cloud, &live.spec, spec).await?;
        let password = login::change(cx.cloud, &live.spec, spec).await?;
        let changes_password = password.is_some();
        if changes_password {
            tag_password(cx, arn, spec::CHANGING).await?;
        }
        let (from, upgrade) = (&live.spec, upgrade.as_ref());
        let request = spec::modify(&cx.cloud.rds, from, spec, upgrade, password);
        let kept = (&spec::kept(&live.spec), &spec::kept(spec));
        machine::update(cx, (id, arn), request, kept).await?;
        let Some(secret) = login::secret(spec) else {
            let secret = live.output.secret.clone().filter(|_| !changes_password);
            return Ok(DbInstanceOutput { secret, ..live.output.clone() });
        };
        let instance = rds::describe(cx.cloud, id).await?;
        login::complete(cx.cloud, secret, &instance, spec.port).await?;
        if changes_password {
            tag_password(cx, arn, secret).await?;
        }
        Ok(DbInstanceOutput { secret: Some(secret.to_owned()), ..live.output.clone() })
    }

    async fn remember(cx: &Context<'_, Aws>, output: &DbInstanceOutput) -> Result<()> {
        rds::remember(cx, &output.arn, &Kept::new()).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let leaving = removal::Leaving {
            id: &live.output.id,
            generation: live.badge.generation,
            is_protected: live.spec.deletion_protection,
            // Where the tag that says so is gone, nothing is lost.
            final_snapshot: live.spec.final_snapshot != false.into(),
        };
        removal::delete(cx, leaving).await
    }

    async fn ready(
        cx: &Context<'_, Aws>,
        output: DbInstanceOutput,
    ) -> Result<Progress<DbInstanceOutput>> {
        let ready = state::ready(cx.cloud, &output.id, |instance| Ok(instance.clone())).await?;
        let instance = match ready {
            Progress::Done(instance) => instance,
            Progress::Waiting(on) => return Ok(Progress::Waiting(on)),
            Progress::Failed(why) => return Ok(Progress::Failed(why)),
        };
        let kept = output.secret.filter(|_| instance.master_user_secret().is_none());
        if let Some(secret) = &kept {
            let pending = instance.pending_modified_values();
            if pending.is_some_and(|pending| pending.master_user_password().is_some()) {
                return Ok(Progress::Waiting("pending: its password".to_owned()));
            }
            // Only now it is known where it is.
            login::complete(cx.cloud, secret, &instance, None).await?;
            let tags = rds::tags(instance.tag_list());
            if tags.get(&ownership::kept_key(spec::PASSWORD)) != Some(secret) {
                tag_password(cx, &output.arn, secret).await?;
            }
        }
        self::output(&instance, kept).map(Progress::Done)
    }

    async fn gone(cx: &Context<'_, Aws>, output: &DbInstanceOutput) -> Result<Progress<()>> {
        rds::gone(cx.cloud, &output.id).await
    }
}

/// Notes which secret's password it has, so that what was given half-way is given again.
async fn tag_password(cx: &Context<'_, Aws>, arn: &str, secret: &str) -> Result<()> {
    rds::remember(cx, arn, &Kept::from([(spec::PASSWORD, secret.to_owned())])).await
}

/// Whether it is no replica.
fn is_source(instance: &Description) -> bool {
    instance.read_replica_source_db_instance_identifier().is_none()
}

/// The identifiers of the replicas that the scope owns.
async fn replicas<'a>(survey: &'a Survey<'_, Aws>) -> Result<BTreeSet<&'a str>> {
    let replicas = survey.shared.get::<Databases>().of::<DbReplica>(survey).await?;
    Ok(replicas.into_iter().filter_map(|(_, it)| it.db_instance_identifier()).collect())
}

fn found(
    owned: &Owned,
    instance: &Description,
    ours: &BTreeSet<&str>,
) -> Result<Found<DbInstance>> {
    let state = instance.db_instance_status().required("the status of a database")?;
    Ok(Found {
        badge: owned.badge(),
        spec: spec::read(owned, instance)?,
        output: output(instance, spec::secret(owned).map(str::to_owned))?,
        phase: state::phase(instance)?,
        state: state.to_owned(),
        foreign: spec::foreign(instance, ours),
    })
}

/// What RDS returns, with the secret that keeps the password where RDS does not.
fn output(instance: &Description, kept: Option<String>) -> Result<DbInstanceOutput> {
    let text = |value: Option<&str>, what: &str| value.map(ToOwned::to_owned).required(what);
    let secret = instance.master_user_secret().and_then(|secret| secret.secret_arn());
    Ok(DbInstanceOutput {
        id: text(instance.db_instance_identifier(), "the identifier of a database")?,
        arn: text(instance.db_instance_arn(), "the ARN of a database")?,
        host: instance.endpoint().and_then(|it| it.address()).map(ToOwned::to_owned),
        port: machine::port(instance)?,
        database: instance.db_name().map(ToOwned::to_owned),
        user: text(instance.master_username(), "the master user of a database")?,
        secret: secret.map(ToOwned::to_owned).or(kept),
    })
}
