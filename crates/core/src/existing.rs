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

/// A load balancer, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingBalancer {
    /// The VPC that it is in.
    pub vpc: String,
    /// The host name that clients connect to.
    pub dns: String,
    /// The hosted zone of that name.
    pub zone: String,
    /// Whether it leads requests by what they ask for.
    pub is_application: bool,
    /// Whether it is reached from inside its network only.
    pub is_internal: bool,
    /// Its security groups.
    pub groups: BTreeSet<String>,
    /// What listens, by port.
    pub listeners: BTreeMap<u16, ExistingListener>,
}

/// A listener of a load balancer, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingListener {
    /// Its ARN.
    pub id: String,
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub is_secure: bool,
}
