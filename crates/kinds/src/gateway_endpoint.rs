//! A gateway endpoint: routes to S3 or `DynamoDB` that do not leave AWS's network, at no cost.

use std::collections::BTreeSet;

use deployer_core::{Change, Grant, Impact, Kind, Ref, Replacement, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EndpointOutput, RouteTable, Vpc};

/// A gateway endpoint of a network.
pub struct GatewayEndpoint;

impl Kind for GatewayEndpoint {
    const NAME: &'static str = "gateway-endpoint";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::Outage)),
        ("service", Change::Replace(Impact::Outage)),
        // What is open to the service is cut once when a table gets the route or loses it (VPC guide,
        // "Gateway endpoints").
        ("route-tables", Change::InPlace(Impact::Restart)),
    ];
    const GRANTS: &'static [Grant] = &[Grant::of("route-tables")];
    // A table cannot have two routes to one service.
    const REPLACEMENT: Replacement = Replacement::DeleteFirst;
    // Whoever has no other way to the service has none then.
    const DELETION: Impact = Impact::Outage;
    const TYPICAL: Typical = Typical { create: 5, update: 5, delete: 5 };
    type Spec = GatewayEndpointSpec;
    type Output = EndpointOutput;
}

/// What we want of a gateway endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GatewayEndpointSpec {
    /// The network it is in.
    pub vpc: Ref<Vpc>,
    /// The service.
    pub service: GatewayService,
    /// The route tables whose subnets reach it.
    #[serde(default)]
    pub route_tables: BTreeSet<Ref<RouteTable>>,
}

/// The services that have a gateway (VPC guide, "Gateway endpoints").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GatewayService {
    /// S3, where the layers of images are.
    S3,
    /// `DynamoDB`.
    Dynamodb,
}

impl GatewayService {
    /// As it is called behind the region.
    pub fn word(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Dynamodb => "dynamodb",
        }
    }
}
