//! What may stand below `network`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use deployer_kinds::Cidr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::quantities::DaysOrForever;

/// The network: a VPC with one public, one private and one data subnet in each zone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Network {
    /// The addresses of the whole network, from /16 to /26.
    #[serde(default = "cidr")]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) cidr: Cidr,
    /// Further ranges of addresses, four at most, in which subnets can be laid out: `[100.64.0.0/16]`.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) also: Vec<Cidr>,
    /// The ranges of single subnets, for tiers whose subnets are not to be laid out by themselves.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) subnets: Subnets,
    /// How many availability zones, or which: `2`, `[eu-west-1a, eu-west-1c]`. As many are the
    /// first that the account has; those that the network is in are kept. A zone's subnets never
    /// move when others are added.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) zones: Zones,
    /// The way out of the private subnets: one NAT gateway (`single`), one in each zone
    /// (`per-zone`), or `none`, which puts services into the public subnets.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) nat: Nat,
    /// Ways to AWS services that do not leave the network: `true` for those that the services of
    /// this stack need to start, write logs and read their secrets, or a list, `[ecr, s3, logs]`.
    /// With `nat: none` services stay in the private subnets then.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) private_access: PrivateAccess,
    /// Network ACLs between the tiers (`tiers`): data is reached from the private subnets alone, and
    /// these from outside by answers alone.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) acls: Acls,
    /// How long records of who sent what to whom are kept: `30 days`.
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) flow_logs: Option<DaysOrForever>,
    /// A network that exists already, in the place of one that is made: by its identifiers, or
    /// another stack's or environment's by their names. Nothing of it is changed.
    #[schemars(extend(
        "x-excludes" =
            ["cidr", "also", "subnets", "zones", "nat", "private-access", "acls", "flow-logs"]
    ))]
    pub(crate) existing: Option<Existing>,
}

/// The ranges of subnets, one for each zone.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Subnets {
    /// Those of the public subnets, in the order of the zones: `[10.0.0.0/27, 10.0.0.32/27]`. A range
    /// that there is already keeps its zone.
    pub(super) public: Option<Vec<Cidr>>,
    /// Those of the private ones.
    pub(super) private: Option<Vec<Cidr>>,
    /// Those of the data subnets.
    pub(super) data: Option<Vec<Cidr>>,
}

impl Subnets {
    /// The ranges of a tier, where they are written.
    pub(super) fn of(&self, tier: &str) -> Option<&[Cidr]> {
        let tier = match tier {
            "public" => &self.public,
            "private" => &self.private,
            _ => &self.data,
        };
        tier.as_deref()
    }
}

/// A network that exists already.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Existing {
    /// The VPC, by its identifier: `vpc-0123456789abcdef0`.
    #[schemars(extend("x-excludes" = ["stack", "environment", "tags"]))]
    pub(super) vpc: Option<String>,
    /// The subnets of load balancers, and of services with public addresses: an internet gateway
    /// leads to them. By their identifiers, or by tags: `{ tags: { tier: public } }`.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["stack", "environment"]))]
    pub(super) public: ExistingSubnets,
    /// The subnets of services, and of load balancers that are internal. A NAT gateway leads out of
    /// them, or endpoints to what services need of AWS.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["stack", "environment"]))]
    pub(super) private: ExistingSubnets,
    /// The subnets of databases; the private ones when left out.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["stack", "environment"]))]
    pub(super) data: ExistingSubnets,
    /// The stack that made it, in the same account and region; this one when left out.
    #[schemars(extend("x-excludes" = ["vpc", "public", "private", "data", "tags"]))]
    pub(super) stack: Option<String>,
    /// The environment of that stack that made it; the one of the same name when left out.
    #[schemars(extend("x-excludes" = ["vpc", "public", "private", "data", "tags"]))]
    pub(super) environment: Option<String>,
    /// The VPC, by tags that no other one of this account and region has all of: `{ Name: main }`.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["vpc", "stack", "environment"]))]
    pub(super) tags: BTreeMap<String, String>,
}

impl Existing {
    /// The subnets of a tier, as they are written.
    pub(super) fn written(&self, tier: &str) -> &ExistingSubnets {
        match tier {
            "public" => &self.public,
            "private" => &self.private,
            _ => &self.data,
        }
    }
}

/// Subnets that exist already.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ExistingSubnets {
    /// By their identifiers.
    Named(Vec<String>),
    /// By their tags.
    Tagged(TaggedSubnets),
}

/// All subnets of the network that have some tags.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TaggedSubnets {
    /// The tags, all of which each of them has.
    pub(super) tags: BTreeMap<String, String>,
}

impl Default for ExistingSubnets {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

/// Which services of AWS are reached inside of the network.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum PrivateAccess {
    /// Those that are needed, or none.
    Needed(bool),
    /// These.
    Listed(Vec<String>),
}

impl Default for PrivateAccess {
    fn default() -> Self {
        Self::Needed(false)
    }
}

/// What stands between the tiers besides security groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Acls {
    /// Nothing.
    #[default]
    None,
    /// A network ACL for each tier.
    Tiers,
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
