//! A virtual private cloud: the network everything else is in.

use deployer_core::{Action, Change, Impact, Kind, Opaque, Problem, Time, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cidr, lingering};

/// A virtual private cloud.
pub struct Vpc;

impl Kind for Vpc {
    const NAME: &'static str = "vpc";
    const CHANGES: &'static [(&'static str, Change)] = &[
        (
            "cidr",
            Change::Never(
                "everything in a VPC is bound to it: bring the stack up under another name or \
                 environment with the new range, move over, and destroy this one",
            ),
        ),
        ("dns-hostnames", Change::InPlace(Impact::None)),
    ];
    const REFUSED_WHILE_USED: bool = true;
    // Nothing is in it any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = VpcSpec;
    type Output = VpcOutput;

    fn time(action: Action, _live: Option<&VpcSpec>, _wanted: Option<&VpcSpec>) -> Time {
        lingering::time(Self::TYPICAL, action)
    }

    fn check(spec: &VpcSpec) -> Vec<Problem> {
        // CreateVpc takes prefixes from /16 to /28 (EC2 API reference).
        if (16..=28).contains(&spec.cidr.0.prefix_len()) {
            return Vec::new();
        }
        let message = format!("`{}` is not a valid size for a VPC", spec.cidr);
        vec![Problem::new("cidr", message, "expected a prefix from /16 to /28")]
    }
}

/// What we want of a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VpcSpec {
    /// The private addresses of the network, from /16 to /28.
    pub cidr: Cidr,
    /// Whether instances with public addresses get public host names.
    #[serde(default = "yes")]
    pub dns_hostnames: Opaque<bool>,
}

/// What AWS returns for a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VpcOutput {
    /// The identifier, `vpc-…`.
    pub id: String,
}

fn yes() -> Opaque<bool> {
    true.into()
}
