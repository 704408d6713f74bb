//! What a stack uses and did not make.

use std::collections::BTreeMap;

use deployer_core::{ExistingSubnet, Ref};
use deployer_kinds::SecurityGroup;

/// The subnets of a network that the stack did not make, by tier.
pub(crate) type Lent = BTreeMap<&'static str, Vec<LentSubnet>>;

/// A subnet that the stack did not make.
#[derive(Clone, Debug)]
pub(crate) struct LentSubnet {
    /// The name by which the stack refers to it.
    pub(crate) name: String,
    /// Where it is written.
    pub(crate) path: Vec<String>,
    /// Its identifier, where that is known.
    pub(crate) id: Option<String>,
    /// What it is like, where somebody has looked.
    pub(crate) found: Option<ExistingSubnet>,
}

/// A load balancer that the stack did not make.
#[derive(Clone, Debug)]
pub(crate) struct LentBalancer {
    /// Its security groups.
    pub(crate) groups: Vec<Ref<SecurityGroup>>,
    /// Whether its listener speaks TLS, where somebody has looked.
    pub(crate) is_secure: Option<bool>,
}
