//! What may stand below `network`.

use std::borrow::Cow;

use deployer_kinds::Cidr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::later::NotYet;

/// The network: a VPC with one public, one private and one data subnet in each zone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Network {
    /// The addresses of the whole network, from /16 to /24.
    #[serde(default = "cidr")]
    pub(crate) cidr: Cidr,
    /// How many availability zones, or which: `2`, `[eu-west-1a, eu-west-1c]`. As many are the
    /// first that the account has; those that the network is in are kept. A zone's subnets never
    /// move when others are added.
    #[serde(default)]
    pub(crate) zones: Zones,
    /// The way out of the private subnets: one NAT gateway (`single`), one in each zone
    /// (`per-zone`), or `none`, which puts services into the public subnets.
    #[serde(default)]
    pub(crate) nat: Nat,
    /// Ways to AWS services that do not leave the network.
    pub(crate) private_access: Option<NotYet>,
    /// Network ACLs between the tiers.
    pub(crate) acls: Option<NotYet>,
    /// How long records of its traffic are kept.
    pub(crate) flow_logs: Option<NotYet>,
    /// A network that exists already.
    pub(crate) existing: Option<NotYet>,
}

/// Which availability zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Zones {
    /// So many of those that the account has.
    Count(u32),
    /// These.
    Named(Vec<String>),
}

/// The way out of the private subnets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Nat {
    /// There is none.
    None,
    /// One NAT gateway for all zones.
    #[default]
    Single,
    /// One NAT gateway in each zone.
    PerZone,
}

impl Default for Zones {
    fn default() -> Self {
        Self::Count(2)
    }
}

impl Serialize for Zones {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => count.serialize(serializer),
            Self::Named(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Zones {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Some(count) = value.as_u64().and_then(|count| u32::try_from(count).ok()) {
            return Ok(Self::Count(count));
        }
        serde_json::from_value(value).map(Self::Named).map_err(D::Error::custom)
    }
}

impl JsonSchema for Zones {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Zones".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": 6 },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 }
            ]
        })
    }
}

fn cidr() -> Cidr {
    match "10.0.0.0/16".parse() {
        Ok(cidr) => cidr,
        Err(error) => unreachable!("{error}"),
    }
}
