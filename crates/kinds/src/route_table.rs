//! A route table with its routes and the subnets that use it.
//!
//! Routes and associations carry no tags, so they are fields of the table that does.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Change, Fact, Grant, Impact, Kind, Ref, Routes, Thing, Typical, Way};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cidr, InternetGateway, NatGateway, Subnet, Vpc};

/// A route table.
pub struct RouteTable;

impl Kind for RouteTable {
    const NAME: &'static str = "route-table";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::None)),
        ("routes", Change::InPlace(Impact::None)),
        ("subnets", Change::InPlace(Impact::None)),
    ];
    // VPC user guide, "Amazon VPC quotas".
    const GRANTS: &'static [Grant] =
        &[Grant { most: 50, ..Grant::of("routes") }, Grant::of("subnets")];
    // Who loses a way by it follows from who is in its subnets.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = RouteTableSpec;
    type Output = RouteTableOutput;

    fn facts(spec: &RouteTableSpec) -> Vec<Fact> {
        let route = |(range, target): (&Cidr, &RouteTarget)| {
            let way = match target {
                RouteTarget::InternetGateway(gateway) => {
                    Way { over: gateway.into(), needs_address: true }
                }
                RouteTarget::NatGateway(gateway) => {
                    Way { over: gateway.into(), needs_address: false }
                }
            };
            let is_everything = range.0.prefix_len() == 0;
            (if is_everything { "the internet".to_owned() } else { range.to_string() }, way)
        };
        let subnets = spec.subnets.iter().map(Thing::from).collect();
        vec![Fact::Routes(Routes { subnets, over: spec.routes.iter().map(route).collect() })]
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

/// What AWS returns for a route table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteTableOutput {
    /// The identifier, `rtb-…`.
    pub id: String,
}
