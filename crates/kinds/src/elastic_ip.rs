//! An elastic IP: a public address that stays.

use deployer_core::{After, Change, Impact, Kind, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An elastic IP address.
pub struct ElasticIp;

impl Kind for ElasticIp {
    const NAME: &'static str = "elastic-ip";
    const CHANGES: &'static [(&'static str, Change)] = &[];
    // An address in use in a VPC needs that VPC's internet gateway, so it must outlive the address.
    const AFTER: &'static [After] = &[After { kind: "internet-gateway", sharing: None }];
    const REFUSED_WHILE_USED: bool = true;
    // Nothing uses it any more, or it could not be released.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    type Spec = ElasticIpSpec;
    type Output = ElasticIpOutput;
}

/// What we want of an elastic IP: nothing but that it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ElasticIpSpec {}

/// What AWS returns for an elastic IP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ElasticIpOutput {
    /// The allocation, `eipalloc-…`.
    pub id: String,
    /// The address itself.
    pub address: String,
}
