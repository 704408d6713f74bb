//! The ports at which new versions are tested before they are given requests.

use std::collections::{BTreeMap, BTreeSet};

use deployer_kinds::IpRange;

use super::body::Service;
use crate::draft::Draft;
use crate::section::Sections;

/// The ports for tests of a load balancer, each with the address ranges that reach it and one of the
/// services that are tested there.
pub(in crate::sections) fn test_ports<'s>(
    draft: &Draft,
    all: &'s Sections,
    balancer: &str,
) -> BTreeMap<u16, (BTreeSet<IpRange>, &'s str)> {
    let mut found = BTreeMap::new();
    for (name, body) in all.of::<Service>().filter(|(_, body)| body.rollout.shifts()) {
        let mut routes = body.ports.values().filter_map(|port| port.route.as_ref());
        let is_led = routes.any(|route| route.load_balancer == balancer);
        let Some(test) = body.rollout.test.as_ref().filter(|_| is_led) else { continue };
        let inside = || draft.network.ranges.iter().copied().collect();
        let (from, _) = found.entry(test.port).or_insert_with(|| (BTreeSet::new(), name));
        from.extend(test.from.clone().unwrap_or_else(inside));
    }
    found
}
