//! A subnet: a range of a VPC's addresses in one zone.

use deployer_core::{
    Action, Change, Impact, Kind, Opaque, Problem, Ref, Replacement, Time, Typical,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cidr, Vpc, lingering};

/// A subnet.
pub struct Subnet;

impl Kind for Subnet {
    const NAME: &'static str = "subnet";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("vpc", Change::Replace(Impact::Outage)),
        ("cidr", Change::Replace(Impact::Outage)),
        ("zone", Change::Replace(Impact::Outage)),
        ("public-addresses", Change::InPlace(Impact::None)),
    ];
    const REFUSED_WHILE_USED: bool = true;
    // Nothing is in it any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = SubnetSpec;
    type Output = SubnetOutput;

    fn time(action: Action, _live: Option<&SubnetSpec>, _wanted: Option<&SubnetSpec>) -> Time {
        lingering::time(Self::TYPICAL, action)
    }

    fn check(spec: &SubnetSpec) -> Vec<Problem> {
        // CreateSubnet takes prefixes from /16 to /28 (EC2 API reference).
        if (16..=28).contains(&spec.cidr.0.prefix_len()) {
            return Vec::new();
        }
        let message = format!("`{}` is not a valid size for a subnet", spec.cidr);
        vec![Problem::new("cidr", message, "expected a prefix from /16 to /28")]
    }

    /// Ranges that overlap cannot exist side by side in one VPC.
    fn replacement(live: &SubnetSpec, wanted: &SubnetSpec) -> Replacement {
        if live.vpc == wanted.vpc && live.cidr.overlaps(wanted.cidr) {
            Replacement::DeleteFirst
        } else {
            Replacement::CreateFirst
        }
    }
}

/// What we want of a subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SubnetSpec {
    /// The VPC it is in.
    pub vpc: Ref<Vpc>,
    /// Its addresses, a part of the VPC's.
    pub cidr: Cidr,
    /// The availability zone, such as `eu-west-1a`.
    pub zone: String,
    /// Whether what is started in it gets a public address by itself.
    #[serde(default)]
    pub public_addresses: Opaque<bool>,
}

/// What AWS returns for a subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubnetOutput {
    /// The identifier, `subnet-…`.
    pub id: String,
}
