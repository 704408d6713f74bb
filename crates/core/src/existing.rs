//! What a stack names and did not make, as it was found.

use std::collections::{BTreeMap, BTreeSet};

/// A VPC, whoever made it, with those of its subnets that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingNetwork {
    /// The ranges of its addresses: `10.0.0.0/16`.
    pub ranges: BTreeSet<String>,
    /// Whether names are resolved in it.
    pub has_dns: bool,
    /// The subnets that are there, by identifier.
    pub subnets: BTreeMap<String, ExistingSubnet>,
    /// The services of AWS that have an endpoint in it, by what comes behind the region in their
    /// names: `ecr.api`. Looked for only where a subnet has no way out.
    pub endpoints: BTreeSet<String>,
}

/// A subnet, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingSubnet {
    /// The VPC that it is in.
    pub vpc: String,
    /// Its availability zone, by name.
    pub zone: String,
    /// How many of its addresses nobody has.
    pub free: u32,
    /// Where it leads what goes to the internet.
    pub way: WayOut,
}

/// Where a subnet leads what goes to the internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// To an internet gateway, which carries what has a public address.
    Gateway,
    /// To a NAT gateway, or to anything else that may lead on.
    Elsewhere,
    /// Nowhere.
    None,
}
