//! A DB subnet group: the subnets a database may be in.

use std::collections::BTreeSet;

use deployer_core::{Change, Grant, Impact, Kind, Naming, Problem, Ref, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Subnet;

/// A DB subnet group.
pub struct DbSubnetGroup;

impl Kind for DbSubnetGroup {
    const NAME: &'static str = "db-subnet-group";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("subnets", Change::InPlace(Impact::None)),
        ("description", Change::InPlace(Impact::None)),
    ];
    const NAMING: Option<Naming> = Some(Naming::hyphens(255));
    // Quotas of RDS (user guide): twenty subnets.
    const GRANTS: &'static [Grant] = &[Grant { most: 20, ..Grant::of("subnets") }];
    const REFUSED_WHILE_USED: bool = true;
    // No instance is in it any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = DbSubnetGroupSpec;
    type Output = DbSubnetGroupOutput;

    fn check(spec: &DbSubnetGroupSpec) -> Vec<Problem> {
        if spec.subnets.len() >= 2 {
            return Vec::new();
        }
        vec![Problem::new(
            "subnets",
            "RDS wants subnets in two zones, even for one instance",
            "name one subnet in each of two zones or more",
        )]
    }
}

/// What we want of a DB subnet group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DbSubnetGroupSpec {
    /// The subnets, in two zones or more.
    pub subnets: BTreeSet<Ref<Subnet>>,
    /// What it is for.
    #[serde(default = "description")]
    pub description: String,
}

/// What AWS returns for a DB subnet group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DbSubnetGroupOutput {
    /// The name.
    pub id: String,
    /// The ARN.
    pub arn: String,
}

fn description() -> String {
    "managed by deployer".to_owned()
}
