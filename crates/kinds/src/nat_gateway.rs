//! A NAT gateway: the way from private subnets to the internet.

use deployer_core::{
    After, Change, Fact, Impact, Kind, Opaque, Ref, Replacement, Stand, Thing, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ElasticIp, Subnet};

/// A NAT gateway.
pub struct NatGateway;

impl Kind for NatGateway {
    const NAME: &'static str = "nat-gateway";
    const CHANGES: &'static [(&'static str, Change)] =
        &[("subnet", Change::Replace(Impact::None)), ("address", Change::Replace(Impact::None))];
    const AFTER: &'static [After] = &[
        // Creating one fails while the VPC has no internet gateway.
        After { kind: "internet-gateway", sharing: None },
        // What it passes on goes over the routes of its own subnet.
        After { kind: "route-table", sharing: Some("subnet") },
    ];
    // Public deployment logs: create 84-121 s, delete 42-61 s.
    // Who loses a way by it follows from the routes that lead over it.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 105, update: 1, delete: 50 };
    type Spec = NatGatewaySpec;
    type Output = NatGatewayOutput;

    fn facts(spec: &NatGatewaySpec) -> Vec<Fact> {
        let subnets = [Thing::from(&spec.subnet)].into();
        vec![Fact::Stands(Stand { subnets, has_address: true })]
    }

    /// An address can be in one gateway at a time.
    fn replacement(live: &NatGatewaySpec, wanted: &NatGatewaySpec) -> Replacement {
        if live.address == wanted.address {
            Replacement::DeleteFirst
        } else {
            Replacement::CreateFirst
        }
    }
}

/// What we want of a NAT gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NatGatewaySpec {
    /// The public subnet it stands in.
    pub subnet: Ref<Subnet>,
    /// The public address it sends from.
    pub address: Opaque<Ref<ElasticIp>>,
}

/// What AWS returns for a NAT gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NatGatewayOutput {
    /// The identifier, `nat-…`.
    pub id: String,
}
