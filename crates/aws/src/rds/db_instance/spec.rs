//! A database instance's spec, as RDS tells it and as RDS is asked for it.

use std::collections::BTreeSet;

use aws_sdk_rds::Client;
use aws_sdk_rds::operation::create_db_instance::builders::CreateDBInstanceFluentBuilder;
use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;
use aws_sdk_rds::types::{DbInstance as Description, PendingModifiedValues};
use deployer_core::Ref;
use deployer_engine::Result;
use deployer_kinds::{DbInstanceSpec, Engine, ParameterGroup, Password};

use super::login::Asked;
use super::machine::Machine;
use super::upgrade::Upgrade;
use crate::missing::Required;
use crate::ownership::{Kept, Owned};

/// The field that is kept as a tag, since only `DeleteDBInstance` takes it.
const FINAL_SNAPSHOT: &str = "final-snapshot";

/// The tag with the ARN of the secret whose password it was given: RDS shows none.
pub(super) const PASSWORD: &str = "password";

/// What that tag is while the password changes.
pub(super) const CHANGING: &str = "changing";

/// The fields that are kept as tags, but for the password.
pub(super) fn kept(spec: &DbInstanceSpec) -> Kept {
    let mut kept = Machine::from(spec).kept();
    let final_snapshot = spec.final_snapshot.known();
    kept.extend(final_snapshot.map(|it| (FINAL_SNAPSHOT, it.to_string())));
    kept
}

/// The spec that an instance has, or will have once what is pending is done: a change under way is
/// no drift.
pub(super) fn read(owned: &Owned, instance: &Description) -> Result<DbInstanceSpec> {
    let none = PendingModifiedValues::builder().build();
    let pending = instance.pending_modified_values().unwrap_or(&none);
    let text = |value: Option<&str>, what: &str| value.map(ToOwned::to_owned).required(what);
    let storage = pending.allocated_storage().or(instance.allocated_storage());
    let storage = number(storage).required("the storage of a database")?;
    let iops = number(pending.iops().or(instance.iops()));
    let subnet_group = instance.db_subnet_group().and_then(|it| it.db_subnet_group_name());
    let backup_days = pending.backup_retention_period().or(instance.backup_retention_period());
    let managed = instance.master_user_secret().map(|_| Password::Managed);
    let secret = secret(owned).map(|secret| Password::Kept(Ref::physical(secret)));
    let final_snapshot: Option<bool> =
        owned.kept(FINAL_SNAPSHOT).and_then(|kept| kept.parse().ok());
    let machine = Machine::read(owned, instance)?;
    Ok(DbInstanceSpec {
        engine: engine(instance.engine().required("the engine of a database")?).into(),
        version: text(
            pending.engine_version().or(instance.engine_version()),
            "the version of a database",
        )?,
        class: machine.class,
        storage,
        // Without autoscaling RDS leaves it out, or has it at the storage there is.
        max_storage: number(instance.max_allocated_storage())
            .filter(|most| *most > storage)
            .unwrap_or(0),
        storage_type: text(
            pending.storage_type().or(instance.storage_type()),
            "the storage type of a database",
        )?,
        iops,
        // One that was made without has what somebody has made in it since.
        database: instance.db_name().map(ToOwned::to_owned).into(),
        user: text(instance.master_username(), "the master user of a database")?,
        password: managed.or(secret).into(),
        port: machine.port,
        parameter_group: parameter_group(instance),
        subnet_group: Ref::physical(subnet_group.required("the subnet group of a database")?),
        security_groups: machine.security_groups,
        public_address: machine.public_address,
        standby: pending
            .multi_az()
            .or(instance.multi_az())
            .required("whether a database has a standby")?,
        backup_days: number(backup_days).required("how long backups are kept")?,
        backup_window: instance.preferred_backup_window().map(ToOwned::to_owned),
        maintenance_window: instance.preferred_maintenance_window().map(ToOwned::to_owned),
        minor_upgrades: machine.minor_upgrades,
        encrypted: instance.storage_encrypted().required("whether storage is encrypted")?,
        deletion_protection: machine.deletion_protection,
        final_snapshot: final_snapshot.into(),
    })
}

/// What the names of the groups begin with that RDS has for each family.
const DEFAULT: &str = "default.";

/// The parameters it has; one group at most is an instance's.
fn parameter_group(instance: &Description) -> ParameterGroup {
    let groups = instance.db_parameter_groups();
    let name = groups.first().and_then(|group| group.db_parameter_group_name());
    match name.filter(|name| !name.starts_with(DEFAULT)) {
        Some(name) => ParameterGroup::Own(Ref::physical(name)),
        None => ParameterGroup::Default,
    }
}

/// The name of the group that a spec is in; none where RDS takes its own by itself.
fn named(group: &ParameterGroup) -> Option<String> {
    match group {
        ParameterGroup::Own(group) => Some(group.id().to_owned()),
        ParameterGroup::Default => None,
    }
}

/// The secret whose password it was given.
pub(super) fn secret(owned: &Owned) -> Option<&str> {
    owned.kept(PASSWORD).filter(|secret| secret.starts_with("arn:"))
}

/// What a spec cannot say, but for the replicas that are ours.
pub(super) fn foreign(instance: &Description, ours: &BTreeSet<&str>) -> Vec<String> {
    let replicas = instance.read_replica_db_instance_identifiers().iter();
    let replicas = replicas.filter(|replica| !ours.contains(replica.as_str()));
    let other = instance.engine().filter(|name| engine(name).is_none());
    let other = other.map(|name| format!("its engine is {name}"));
    let replicas = replicas.map(|replica| format!("it has the read replica {replica}"));
    replicas.chain(other).collect()
}

/// A request that makes an instance of this spec, but for its name and tags.
pub(super) fn create(
    rds: &Client,
    spec: &DbInstanceSpec,
    password: Asked,
) -> Result<CreateDBInstanceFluentBuilder> {
    let request = rds
        .create_db_instance()
        .engine(spec.engine.wanted()?.name())
        .engine_version(&spec.version)
        .db_instance_class(&spec.class)
        .allocated_storage(count(spec.storage))
        .set_max_allocated_storage((spec.max_storage != 0).then(|| count(spec.max_storage)))
        .storage_type(&spec.storage_type)
        .set_iops(spec.wants_iops().map(count))
        .db_name(spec.database.wanted()?)
        .master_username(&spec.user)
        .set_port(spec.port.map(i32::from))
        .set_db_parameter_group_name(named(&spec.parameter_group))
        .db_subnet_group_name(spec.subnet_group.id())
        .set_vpc_security_group_ids(Some(Machine::from(spec).groups()))
        .publicly_accessible(spec.public_address)
        .multi_az(spec.standby)
        .backup_retention_period(count(spec.backup_days))
        .set_preferred_backup_window(spec.backup_window.clone())
        .set_preferred_maintenance_window(spec.maintenance_window.clone())
        .auto_minor_version_upgrade(spec.minor_upgrades)
        .storage_encrypted(spec.encrypted)
        .deletion_protection(spec.deletion_protection)
        .copy_tags_to_snapshot(true);
    Ok(match password {
        Asked::Managed => request.manage_master_user_password(true),
        Asked::Given(password) => request.master_user_password(password),
    })
}

/// A request that changes what differs, but for the name; none where nothing does. What stays as
/// it is is not sent: RDS refuses some values even where they are no change. The version to
/// upgrade to is looked up beforehand.
pub(super) fn modify(
    rds: &Client,
    from: &DbInstanceSpec,
    to: &DbInstanceSpec,
    upgrade: Option<&Upgrade>,
    password: Option<Asked>,
) -> Option<ModifyDBInstanceFluentBuilder> {
    let request = rds.modify_db_instance().apply_immediately(true);
    let (mut request, has_changed) = Machine::from(from).modify(&Machine::from(to), request);
    let mut is_empty = !has_changed;
    let mut differs = |differs: bool| {
        is_empty &= !differs;
        differs
    };
    if differs(password.is_some()) {
        let was_managed = from.password.known() == Some(&Password::Managed);
        request = match password {
            Some(Asked::Managed) => request.manage_master_user_password(true),
            Some(Asked::Given(password)) => request
                .set_manage_master_user_password(was_managed.then_some(false))
                .master_user_password(password),
            None => request,
        };
    }
    if differs(upgrade.is_some())
        && let Some(Upgrade { version, is_major }) = upgrade
    {
        request = request.engine_version(version);
        if *is_major {
            request = request.allow_major_version_upgrade(true);
        }
    }
    if differs(from.parameter_group != to.parameter_group) {
        // The one that RDS has for the version that it will have: another is refused, and so is an
        // upgrade that leaves it in a group of the old one.
        let default = || {
            let version = upgrade.map_or(&from.version, |upgrade| &upgrade.version);
            let family = to.engine.known().and_then(|engine| engine.family(version));
            family.map(|family| format!("{DEFAULT}{family}"))
        };
        request = request.set_db_parameter_group_name(named(&to.parameter_group).or_else(default));
    }
    let is_faster = to.iops.is_some() && from.iops != to.iops;
    let is_other_type = from.storage_type != to.storage_type;
    if differs(from.storage != to.storage || is_faster || is_other_type) {
        request = storage(request, from, to);
    }
    if differs(from.max_storage != to.max_storage) {
        // Autoscaling is off when the most is what there is (RDS user guide, "Turning off storage
        // autoscaling").
        request = request.max_allocated_storage(count(to.max_storage.max(to.storage)));
    }
    if differs(from.standby != to.standby) {
        request = request.multi_az(to.standby);
    }
    if differs(from.backup_days != to.backup_days) {
        request = request.backup_retention_period(count(to.backup_days));
    }
    if differs(to.backup_window.is_some() && from.backup_window != to.backup_window) {
        request = request.set_preferred_backup_window(to.backup_window.clone());
    }
    if differs(to.maintenance_window.is_some() && from.maintenance_window != to.maintenance_window)
    {
        request = request.set_preferred_maintenance_window(to.maintenance_window.clone());
    }
    (!is_empty).then_some(request)
}

/// Size, type and speed of storage belong together: RDS wants the size wherever it is told the
/// speed, and the speed wherever it changes the size of storage that has one (its message:
/// terraform-provider-aws #28589).
fn storage(
    mut request: ModifyDBInstanceFluentBuilder,
    from: &DbInstanceSpec,
    to: &DbInstanceSpec,
) -> ModifyDBInstanceFluentBuilder {
    if from.storage_type != to.storage_type {
        request = request.storage_type(&to.storage_type);
    }
    match to.wants_iops() {
        // What it has is kept where nobody asks for anything.
        Some(iops) => {
            let has = from.iops.filter(|_| to.iops.is_none()).unwrap_or_default();
            request.iops(count(iops.max(has))).allocated_storage(count(to.storage))
        }
        None if from.storage != to.storage => request.allocated_storage(count(to.storage)),
        None => request,
    }
}

fn engine(name: &str) -> Option<Engine> {
    match name {
        "postgres" => Some(Engine::Postgres),
        "mysql" => Some(Engine::Mysql),
        "mariadb" => Some(Engine::Mariadb),
        _ => None,
    }
}

fn number(value: Option<i32>) -> Option<u32> {
    value.and_then(|value| u32::try_from(value).ok())
}

fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
