//! A read replica of an RDS database instance.

use std::collections::BTreeSet;

use deployer_core::{
    Action, Change, Grant, Impact, Kind, Naming, Opaque, Problem, Ref, Time, Typical, is_unread,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::db_instance::{no_class, yes};
use crate::{DbInstance, SecurityGroup};

/// A read replica of an RDS database instance: it follows its source and takes no writes.
pub struct DbReplica;

const HOUR: u32 = 3600;

impl Kind for DbReplica {
    const NAME: &'static str = "db-replica";
    // As those of an instance: ModifyDBInstance in the RDS API reference.
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("source", Change::Replace(Impact::Outage)),
        ("class", Change::InPlace(Impact::Outage)),
        ("port", Change::InPlace(Impact::Restart)),
        ("security-groups", Change::InPlace(Impact::None)),
        ("public-address", Change::InPlace(Impact::None)),
        ("minor-upgrades", Change::InPlace(Impact::None)),
        ("deletion-protection", Change::InPlace(Impact::None)),
    ];
    // Identifiers are those of instances (RDS API reference).
    // An interface has at most five security groups (VPC user guide, "Amazon VPC quotas").
    const GRANTS: &'static [Grant] = &[Grant { most: 5, ..Grant::of("security-groups") }];
    const MOVES: &'static [(&'static str, &'static str)] = &[("port", "port")];
    // A replica is an instance too (`CreateDBInstanceReadReplica` in the RDS API reference).
    const NAMING: Option<Naming> = Some(Naming::hyphens(63).among(DbInstance::NAME));
    const PROTECTION: Option<&'static str> = Some("deletion-protection");
    // Those of an instance: no log of a replica is known to us.
    const TYPICAL: Typical = Typical { create: 480, update: 300, delete: 300 };
    const IS_REACHED: bool = true;
    type Spec = DbReplicaSpec;
    type Output = DbReplicaOutput;

    fn endpoint(output: &DbReplicaOutput) -> Option<String> {
        let (host, port) = output.host.as_ref().zip(output.port)?;
        Some(format!("{host}:{port}"))
    }

    /// A replica is made of a snapshot of its source, whose size its spec does not say.
    fn time(
        action: Action,
        _live: Option<&DbReplicaSpec>,
        _wanted: Option<&DbReplicaSpec>,
    ) -> Time {
        let limit = if action == Action::Create { 6 * HOUR } else { 2 * HOUR };
        Time { limit, ..Self::TYPICAL.time(action) }
    }

    fn check(spec: &DbReplicaSpec) -> Vec<Problem> {
        no_class(&spec.class).into_iter().collect()
    }

    /// One that shows no source was promoted, and may have been written to since.
    fn change(field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
        let is_promoted = field == "source" && is_unread(live);
        is_promoted.then_some(Change::Replace(Impact::DataLoss))
    }
}

/// What we want of a read replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DbReplicaSpec {
    /// The instance it follows. It keeps backups, and its master password: RDS makes no replica of
    /// one whose password it manages.
    pub source: Opaque<Ref<DbInstance>>,
    /// The size of the machine, such as `db.t4g.micro`.
    pub class: String,
    /// The port; its source's when left out.
    pub port: Option<u16>,
    /// The security groups that say who reaches it.
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    /// Whether it has a public address.
    #[serde(default)]
    pub public_address: bool,
    /// Whether AWS upgrades minor versions by itself.
    #[serde(default = "yes")]
    pub minor_upgrades: bool,
    /// Whether AWS refuses to delete it.
    #[serde(default)]
    pub deletion_protection: bool,
}

/// What AWS returns for a read replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DbReplicaOutput {
    /// The identifier.
    pub id: String,
    /// The ARN.
    pub arn: String,
    /// The host name; not known until the replica is made.
    pub host: Option<String>,
    /// The port; not known until the replica is made.
    pub port: Option<u16>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_that_was_promoted_holds_data_of_its_own() {
        let change = |live: Value| DbReplica::change("source", &live, &json!({}));
        assert_eq!(change(json!({ "unread": true })), Some(Change::Replace(Impact::DataLoss)));
        assert_eq!(change(json!({ "id": "notes-dev-main" })), None);
    }
}
