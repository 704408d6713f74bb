//! Read replicas of RDS: `CreateDBInstanceReadReplica`, and the rest as for instances:
//! `ModifyDBInstance`, `AddTagsToResource`, `DescribeDBInstances`, `DeleteDBInstance`.

use aws_sdk_rds::types::DbInstance as Description;
use deployer_core::{Cause, Failure, Ref};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{DbReplica, DbReplicaOutput, DbReplicaSpec};

use crate::Aws;
use crate::missing::Required;
use crate::ownership::{Kept, Owned, readable};
use crate::rds::db_instance::machine::{self, Machine};
use crate::rds::db_instance::{removal, state};
use crate::rds::{self, Databases};

impl Resource<Aws> for DbReplica {
    const SHOWN_LATE: bool = true;

    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let replicas = survey.shared.get::<Databases>().of::<Self>(survey).await?;
        let read = replicas.iter().filter_map(|(owned, instance)| {
            let id = instance.db_instance_identifier();
            readable(survey, owned, id, found(owned, instance))
        });
        read.collect()
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let replica = rds::read::<Self>(survey, id).await?;
        replica.map(|(owned, instance)| found(&owned, &instance)).transpose()
    }

    async fn create(cx: &Context<'_, Aws>, spec: &DbReplicaSpec) -> Result<DbReplicaOutput> {
        let name = rds::name(cx.identity);
        let machine = Machine::from(spec);
        let request = cx
            .cloud
            .rds
            .create_db_instance_read_replica()
            .db_instance_identifier(&name)
            .set_tags(Some(rds::tagged(cx.identity, &machine.kept())))
            .source_db_instance_identifier(spec.source.wanted()?.id())
            .db_instance_class(&spec.class)
            .set_port(spec.port.map(i32::from))
            .set_vpc_security_group_ids(Some(machine.groups()))
            .publicly_accessible(spec.public_address)
            .auto_minor_version_upgrade(spec.minor_upgrades)
            .deletion_protection(spec.deletion_protection)
            .copy_tags_to_snapshot(true);
        let made = match cx
            .cloud
            .send(&rds::CREATE_DB_INSTANCE_READ_REPLICA, "create the replica", || {
                request.clone().send()
            })
            .await
        {
            Ok(made) => made,
            Err(failure) => return Err(explained(cx.cloud, spec, failure).await),
        };
        output(&made.db_instance.required("the replica")?)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &DbReplicaSpec,
    ) -> Result<DbReplicaOutput> {
        let (from, to) = (Machine::from(&live.spec), Machine::from(spec));
        let request = cx.cloud.rds.modify_db_instance().apply_immediately(true);
        let (request, has_changed) = from.modify(&to, request);
        let DbReplicaOutput { id, arn, .. } = &live.output;
        let kept = (&from.kept(), &to.kept());
        machine::update(cx, (id, arn), has_changed.then_some(request), kept).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &DbReplicaOutput) -> Result<()> {
        rds::remember(cx, &output.arn, &Kept::new()).await
    }

    /// RDS takes no snapshot of a replica; one that was promoted has data of its own.
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let leaving = removal::Leaving {
            id: &live.output.id,
            generation: live.badge.generation,
            is_protected: live.spec.deletion_protection,
            final_snapshot: live.spec.source.known().is_none(),
        };
        removal::delete(cx, leaving).await
    }

    async fn ready(
        cx: &Context<'_, Aws>,
        output: DbReplicaOutput,
    ) -> Result<Progress<DbReplicaOutput>> {
        state::ready(cx.cloud, &output.id, self::output).await
    }

    async fn gone(cx: &Context<'_, Aws>, output: &DbReplicaOutput) -> Result<Progress<()>> {
        rds::gone(cx.cloud, &output.id).await
    }
}

fn found(owned: &Owned, instance: &Description) -> Result<Found<DbReplica>> {
    let state = instance.db_instance_status().required("the status of a replica")?;
    let machine = Machine::read(owned, instance)?;
    let source = instance.read_replica_source_db_instance_identifier();
    let promoted = source.is_none().then(|| "it was promoted: it follows no source".to_owned());
    Ok(Found {
        badge: owned.badge(),
        spec: DbReplicaSpec {
            // None, once promoted.
            source: source.map(Ref::physical).into(),
            class: machine.class,
            port: machine.port,
            security_groups: machine.security_groups,
            public_address: machine.public_address,
            minor_upgrades: machine.minor_upgrades,
            deletion_protection: machine.deletion_protection,
        },
        output: output(instance)?,
        phase: state::phase(instance)?,
        state: state.to_owned(),
        foreign: promoted.into_iter().collect(),
    })
}

fn output(instance: &Description) -> Result<DbReplicaOutput> {
    let text = |value: Option<&str>, what: &str| value.map(ToOwned::to_owned).required(what);
    Ok(DbReplicaOutput {
        id: text(instance.db_instance_identifier(), "the identifier of a replica")?,
        arn: text(instance.db_instance_arn(), "the ARN of a replica")?,
        host: instance.endpoint().and_then(|it| it.address()).map(ToOwned::to_owned),
        port: machine::port(instance)?,
    })
}

/// Adds what to do. RDS says InvalidDBInstanceState of a source that is busy, which ends by itself,
/// and of one that keeps no backups, which does not.
async fn explained(aws: &Aws, spec: &DbReplicaSpec, mut failure: Failure) -> Failure {
    match failure.cause {
        Cause::Busy => {
            let Some(source) = spec.source.known() else { return failure };
            let source = rds::describe(aws, source.id()).await.ok();
            if source.and_then(|source| source.backup_retention_period()) != Some(0) {
                return failure;
            }
            failure.cause = Cause::Refused;
            failure.help("give its source `backup-days: 1` or more")
        }
        _ => failure,
    }
}
