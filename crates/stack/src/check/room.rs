//! Whether the subnets of the stack's own network have room for what is put into them.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Kind, references};
use deployer_kinds::{
    InterfaceEndpoint, LoadBalancer, NatGateway, ScalableTarget, Service, Subnet,
};
use ipnet::Ipv4Net;
use serde_json::Value;

use super::guests::OF_BALANCER;
use crate::draft::{Draft, Made};

/// The addresses of each subnet that AWS keeps for itself ("Subnet sizing" in the VPC user guide).
const OF_AWS: u32 = 5;

/// Warns of subnets that are too small for the tasks there may be while services are rolled out.
/// What else is in them takes its addresses first.
pub(super) fn room(draft: &mut Draft) {
    let mut room = subnets(draft);
    for (kind, each) in
        [(LoadBalancer::NAME, OF_BALANCER), (InterfaceEndpoint::NAME, 1), (NatGateway::NAME, 1)]
    {
        for made in of(draft, kind).map(|(_, made)| made) {
            for subnet in references(&made.spec["subnets"]).union(&references(&made.spec["subnet"]))
            {
                if let Some(free) = room.get_mut(subnet) {
                    *free = free.saturating_sub(each);
                }
            }
        }
    }
    let mut wanted: BTreeMap<BTreeSet<Address>, (u32, Vec<String>)> = BTreeMap::new();
    for (address, made) in of(draft, Service::NAME) {
        let (tasks, names) = wanted.entry(references(&made.spec["subnets"])).or_default();
        *tasks = tasks.saturating_add(most(draft, address, &made.spec));
        names.push(format!("`{}`", address.name));
    }
    for (subnets, (tasks, names)) in wanted {
        let Some(free) = subnets.iter().map(|it| room.get(it)).sum::<Option<u32>>() else {
            continue;
        };
        let Some(first) = subnets.first().filter(|_| tasks > free) else { continue };
        let path = draft.made[first].origin.path("cidr");
        let title = format!("the subnets of {} may run out of addresses", names.join(" and "));
        let label = format!("room for {free} tasks; there may be {tasks} in a rollout");
        let warning = Diagnostic::warning(Code::NetworkSize, title)
            .at(draft.place(&path), label)
            .help("each task takes an address: write larger ranges, or lower `max` or `rollout`");
        draft.mistakes.push(warning);
    }
}

/// The subnets that the stack makes, each with its addresses that are for use.
fn subnets(draft: &Draft) -> BTreeMap<Address, u32> {
    let free = |(address, made): (&Address, &Made)| {
        let range: Ipv4Net = made.spec["cidr"].as_str()?.parse().ok()?;
        let addresses = 1u32.checked_shl(u32::from(32 - range.prefix_len()))?;
        Some((address.clone(), addresses.saturating_sub(OF_AWS)))
    };
    of(draft, Subnet::NAME).filter_map(free).collect()
}

fn of<'d>(draft: &'d Draft, kind: &str) -> impl Iterator<Item = (&'d Address, &'d Made)> {
    draft.made.iter().filter(move |(address, made)| address.kind == kind && made.place.is_home())
}

/// How many tasks of a service there may be at once: the most that it has, and as many more as a
/// rollout starts before it stops the old ones.
fn most(draft: &Draft, service: &Address, spec: &Value) -> u32 {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let target = draft.made.get(&Address::new(ScalableTarget::NAME, &service.name));
    let by_clock = target.and_then(|target| target.spec["schedules"].as_object());
    let counts = by_clock.into_iter().flatten().flat_map(|(_, it)| [&it["min"], &it["max"]]);
    let bound = target.map(|target| &target.spec["max"]);
    let tasks = bound.into_iter().chain(counts).chain([&spec["count"], &spec["initial-count"]]);
    let tasks = tasks.filter_map(number).max().unwrap_or_default();
    // All new tasks come beside the old ones where requests are shifted to them.
    let shifts = spec["strategy"].is_object();
    let percent = number(&spec["maximum-percent"]).unwrap_or(100);
    let percent = if shifts { percent.max(200) } else { percent };
    tasks.saturating_mul(percent) / 100
}
