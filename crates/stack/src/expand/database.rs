//! A database becomes itself, its subnet group and its security group.

use std::collections::BTreeSet;

use deployer_core::Ref;
use deployer_kinds::{
    DbInstance, DbInstanceSpec, DbSubnetGroup, DbSubnetGroupSpec, Ingress, Peer, Ports, Protocol,
    SecurityGroup, SecurityGroupSpec,
};

use super::uses;
use crate::draft::{Draft, Origin};
use crate::sections::Sections;

/// Fields of the instance and the keys they are written as.
const FIELDS: &[(&str, &str)] = &[
    ("engine", "engine"),
    ("version", "version"),
    ("class", "class"),
    ("storage", "storage"),
    ("max-storage", "max-storage"),
    ("database", "database"),
    ("user", "user"),
    ("backup-days", "backups"),
];

pub(super) fn expand(draft: &mut Draft, sections: &Sections) {
    for (name, body) in &sections.databases {
        let path = ["databases", name.as_str()];
        draft.must_have_network(&path);
        draft.must_have_two_zones("RDS", "databases", name);
        let rule = |user: &str| Ingress {
            from: Peer::SecurityGroup(Ref::named(user)),
            port: Ports::Range(body.port(), body.port()),
            protocol: Protocol::Tcp,
            description: String::new(),
        };
        let group = SecurityGroupSpec {
            vpc: Ref::named("main"),
            description: format!("database {name}"),
            ingress: uses::of(sections, "databases", name).into_iter().map(rule).collect(),
            egress: BTreeSet::new(),
        };
        draft.make::<SecurityGroup>(name, &group, Origin::new(&path, &[]));

        let subnets = DbSubnetGroupSpec {
            subnets: draft.subnets("data"),
            description: format!("database {name}"),
        };
        draft.make::<DbSubnetGroup>(name, &subnets, Origin::new(&path, &[]));

        let instance = DbInstanceSpec {
            engine: body.engine.into(),
            version: body.version.clone(),
            class: body.class.clone(),
            storage: body.storage.0,
            max_storage: body.max_storage.map_or(0, |storage| storage.0),
            storage_type: "gp3".to_owned(),
            database: body.database.clone().unwrap_or_else(|| name.replace('-', "_")),
            user: body.user.clone(),
            // Left out, it is reset to the engine's own.
            port: Some(body.port()),
            subnet_group: Ref::named(name),
            security_groups: [Ref::named(name)].into(),
            public_address: false,
            standby: body.standby,
            backup_days: body.backups.0,
            backup_window: None,
            maintenance_window: None,
            minor_upgrades: true,
            encrypted: true,
            deletion_protection: body.protect,
            final_snapshot: body.final_snapshot.into(),
        };
        draft.make::<DbInstance>(name, &instance, Origin::new(&path, FIELDS));
    }
}
