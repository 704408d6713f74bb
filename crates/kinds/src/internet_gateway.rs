//! An internet gateway: the way between a VPC and the internet.

use deployer_core::{Action, Change, Impact, Kind, Opaque, Ref, Time, Typical, is_unread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Vpc, lingering};

/// An internet gateway.
pub struct InternetGateway;

impl Kind for InternetGateway {
    const NAME: &'static str = "internet-gateway";
    const CHANGES: &'static [(&'static str, Change)] = &[("vpc", Change::InPlace(Impact::Outage))];
    // No public address is left in the VPC, or it could not be detached.
    const DELETION: Impact = Impact::None;
    // Detaching took 0-45 s once no public address was left in the VPC (public deployment logs).
    const TYPICAL: Typical = Typical { create: 2, update: 5, delete: 20 };
    type Spec = InternetGatewaySpec;
    type Output = InternetGatewayOutput;

    fn time(
        action: Action,
        _live: Option<&InternetGatewaySpec>,
        _wanted: Option<&InternetGatewaySpec>,
    ) -> Time {
        lingering::time(Self::TYPICAL, action)
    }

    /// One that shows no VPC is attached to none.
    fn change(_field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
        is_unread(live).then_some(Change::InPlace(Impact::Outage))
    }
}

/// What we want of an internet gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InternetGatewaySpec {
    /// The VPC it is attached to.
    pub vpc: Opaque<Ref<Vpc>>,
}

/// What AWS returns for an internet gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InternetGatewayOutput {
    /// The identifier, `igw-…`.
    pub id: String,
}
