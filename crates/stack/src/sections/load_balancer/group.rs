//! The security groups of load balancers.

use deployer_core::Ref;
use deployer_kinds::SecurityGroup;

use crate::draft::Draft;

/// The security groups of a load balancer, whoever made it.
pub(in crate::sections) fn groups(draft: &Draft, name: &str) -> Vec<Ref<SecurityGroup>> {
    let lent = draft.balancers.get(name).map(|balancer| balancer.groups.clone());
    lent.unwrap_or_else(|| vec![group(name)])
}

/// The security group of a load balancer.
pub(super) fn group(name: &str) -> Ref<SecurityGroup> {
    Ref::named(group_name(name))
}

pub(super) fn group_name(name: &str) -> String {
    format!("load-balancer-{name}")
}
