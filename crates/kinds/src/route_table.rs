//! A route table with its routes and the subnets that use it.
//!
//! Routes and associations carry no tags, so they are fields of the table that does.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Change, Grant, Impact, Kind, Ref, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Cidr, InternetGateway, NatGateway, Subnet, Vpc};

/// A route table.
pub struct RouteTable;

impl Kind for RouteTable {
    const NAME: &'static str = "route-table";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::Outage)),
        ("routes", Change::InPlace(Impact::Outage)),
        ("subnets", Change::InPlace(Impact::Outage)),
    ];
    // VPC user guide, "Amazon VPC quotas".
    const GRANTS: &'static [Grant] =
        &[Grant { most: 50, ..Grant::of("routes") }, Grant::of("subnets")];
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = RouteTableSpec;
    type Output = RouteTableOutput;

    /// Nobody notices routes or subnets that are only added.
    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        let keeps_all = match (live, wanted) {
            (Value::Object(live), Value::Object(wanted)) => {
                live.iter().all(|(range, target)| wanted.get(range) == Some(target))
            }
            (Value::Array(live), Value::Array(wanted)) => {
                live.iter().all(|subnet| wanted.contains(subnet))
            }
            _ => false,
        };
        (field != "vpc" && keeps_all).then_some(Change::InPlace(Impact::None))
    }
}

/// What we want of a route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouteTableSpec {
    /// The VPC it is in.
    pub vpc: Ref<Vpc>,
    /// Where packets for a range of addresses go; the VPC's own range needs no route.
    #[serde(default)]
    pub routes: BTreeMap<Cidr, RouteTarget>,
    /// The subnets that use it.
    #[serde(default)]
    pub subnets: BTreeSet<Ref<Subnet>>,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteTarget {
    /// To the internet, for what has a public address.
    InternetGateway(Ref<InternetGateway>),
    /// To the internet, out only.
    NatGateway(Ref<NatGateway>),
}

/// What AWS tells of a route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteTableOutput {
    /// The identifier, `rtb-…`.
    pub id: String,
}
