//! What an instance and a replica have in common: how RDS tells it, keeps it and changes it.

use std::collections::BTreeSet;

use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;
use aws_sdk_rds::types::{DbInstance as Description, PendingModifiedValues};
use deployer_core::Ref;
use deployer_engine::{Context, Result};
use deployer_kinds::{DbInstanceSpec, DbReplicaSpec, SecurityGroup};

use crate::Aws;
use crate::missing::Required;
use crate::ownership::{Kept, Owned};
use crate::rds;

/// The field that is also kept as a tag, since RDS does not tell it before the database is made.
const PORT: &str = "port";

/// The fields that the specs of both have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Machine {
    pub(crate) class: String,
    pub(crate) port: Option<u16>,
    pub(crate) security_groups: BTreeSet<Ref<SecurityGroup>>,
    pub(crate) public_address: bool,
    pub(crate) minor_upgrades: bool,
    pub(crate) deletion_protection: bool,
}

/// The same fields of either spec.
macro_rules! machine_of {
    ($($spec:ty),*) => {$(
        impl From<&$spec> for Machine {
            fn from(spec: &$spec) -> Self {
                Self {
                    class: spec.class.clone(),
                    port: spec.port,
                    security_groups: spec.security_groups.clone(),
                    public_address: spec.public_address,
                    minor_upgrades: spec.minor_upgrades,
                    deletion_protection: spec.deletion_protection,
                }
            }
        }
    )*};
}

machine_of!(DbInstanceSpec, DbReplicaSpec);

impl Machine {
    /// As it is, or will be once what is pending is done: a change under way is no drift.
    pub(crate) fn read(owned: &Owned, instance: &Description) -> Result<Self> {
        let none = PendingModifiedValues::builder().build();
        let pending = instance.pending_modified_values().unwrap_or(&none);
        let class = pending.db_instance_class().or(instance.db_instance_class());
        let groups: Option<_> = instance
            .vpc_security_groups()
            .iter()
            .filter(|group| group.status() != Some("removing"))
            .map(|group| group.vpc_security_group_id().map(Ref::physical))
            .collect();
        let pending_port = pending.port().and_then(|port| u16::try_from(port).ok());
        let kept_port = owned.kept(PORT).and_then(|port| port.parse().ok());
        Ok(Self {
            class: class.map(ToOwned::to_owned).required("the class of a database")?,
            port: pending_port.or(port(instance)?).or(kept_port),
            security_groups: groups.required("the security groups of a database")?,
            public_address: instance
                .publicly_accessible()
                .required("whether a database is public")?,
            minor_upgrades: instance
                .auto_minor_version_upgrade()
                .required("whether minor versions are upgraded")?,
            deletion_protection: instance
                .deletion_protection()
                .required("whether a database is protected")?,
        })
    }

    /// The field that is kept as a tag.
    pub(crate) fn kept(&self) -> Kept {
        self.port.map(|port| (PORT, port.to_string())).into_iter().collect()
    }

    /// The security groups, as a request takes them.
    pub(crate) fn groups(&self) -> Vec<String> {
        self.security_groups.iter().map(|group| group.id().to_owned()).collect()
    }

    /// Puts what differs into a request, and says whether anything does. What stays as it is is
    /// not sent: RDS refuses some values even where they are no change.
    pub(crate) fn modify(
        &self,
        to: &Self,
        mut request: ModifyDBInstanceFluentBuilder,
    ) -> (ModifyDBInstanceFluentBuilder, bool) {
        let mut is_empty = true;
        let mut differs = |differs: bool| {
            is_empty &= !differs;
            differs
        };
        if differs(self.class != to.class) {
            request = request.db_instance_class(&to.class);
        }
        if differs(to.port.is_some() && self.port != to.port) {
            request = request.set_db_port_number(to.port.map(i32::from));
        }
        if differs(self.security_groups != to.security_groups) {
            request = request.set_vpc_security_group_ids(Some(to.groups()));
        }
        if differs(self.public_address != to.public_address) {
            request = request.publicly_accessible(to.public_address);
        }
        if differs(self.minor_upgrades != to.minor_upgrades) {
            request = request.auto_minor_version_upgrade(to.minor_upgrades);
        }
        if differs(self.deletion_protection != to.deletion_protection) {
            request = request.deletion_protection(to.deletion_protection);
        }
        (request, !is_empty)
    }
}

/// Changes a database, where there is a request, and what is kept of it, where that differs.
pub(crate) async fn update(
    cx: &Context<'_, Aws>,
    (id, arn): (&str, &str),
    request: Option<ModifyDBInstanceFluentBuilder>,
    (from, to): (&Kept, &Kept),
) -> Result<()> {
    if let Some(request) = request {
        let request = request.db_instance_identifier(id);
        cx.cloud
            .send(&rds::MODIFY_DB_INSTANCE, "change the database", || request.clone().send())
            .await?;
    }
    if from != to {
        rds::remember(cx, arn, to).await?;
    }
    Ok(())
}

/// The port; none while RDS makes the database.
pub(crate) fn port(instance: &Description) -> Result<Option<u16>> {
    let port = instance.endpoint().and_then(|endpoint| endpoint.port());
    port.map(|port| u16::try_from(port).ok().required("the port of a database")).transpose()
}
