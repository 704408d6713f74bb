//! Whether what is put into a network of others has room there, and names of its own.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Kind, references};
use deployer_kinds::{LoadBalancer, Service, Subnet};
use serde_json::Value;

use crate::draft::{Draft, Made};
use crate::guest::LentSubnet;

/// How many free addresses a subnet of a load balancer has (ELB user guide, "Subnets for your load
/// balancer").
const OF_BALANCER: u32 = 8;

/// Reports what cannot be put where it is to be.
pub(super) fn guests(draft: &mut Draft) {
    namesakes(draft);
    balancers(draft);
    services(draft);
}

/// What is made under a name that stands for something of others.
fn namesakes(draft: &mut Draft) {
    let made: Vec<(Address, Vec<String>)> = draft
        .made
        .iter()
        .filter(|(address, _)| draft.existing.contains_key(address))
        .map(|(address, made)| {
            let path = made.origin.overrides.as_ref().map_or(&made.origin.body, |(path, _)| path);
            (address.clone(), path.clone())
        })
        .collect();
    for (address, path) in made {
        let title = format!("{address} exists already and is not changed");
        let mistake = Diagnostic::error(Code::NameTaken, title)
            .at(draft.key_place(&path), "would be another one")
            .help("give this one another name");
        draft.mistakes.push(mistake);
    }
}

/// The subnets of others that something is to be in and is not yet, by the kind of that.
fn newcomers(draft: &Draft, kind: &str) -> Vec<(String, u32, Vec<LentSubnet>)> {
    let known: BTreeMap<&str, &LentSubnet> = draft
        .network
        .lent
        .iter()
        .flat_map(|lent| lent.values().flatten().map(|subnet| (subnet.name.as_str(), subnet)))
        .collect();
    let subnets = |made: &Made| -> Vec<LentSubnet> {
        let named = references(&made.spec["subnets"]).into_iter();
        let named = named.filter(|address| address.kind == Subnet::NAME);
        named.filter_map(|address| known.get(address.name.as_str()).copied().cloned()).collect()
    };
    // What there is already has its addresses, and nobody knows what there is.
    if draft.zones.is_none() {
        return Vec::new();
    }
    let new = draft.made.iter().filter(|(address, made)| {
        address.kind == kind && made.place.is_home() && draft.found.own(address).is_none()
    });
    new.map(|(address, made)| (address.name.clone(), tasks(&made.spec), subnets(made))).collect()
}

/// How many tasks a service begins with.
fn tasks(spec: &Value) -> u32 {
    let count = spec["count"].as_u64().or_else(|| spec["initial-count"].as_u64());
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
}

fn balancers(draft: &mut Draft) {
    for (name, _, subnets) in newcomers(draft, LoadBalancer::NAME) {
        for LentSubnet { path, id, found, .. } in subnets {
            let (Some(id), Some(found)) = (id, found) else { continue };
            if found.free >= OF_BALANCER {
                continue;
            }
            let title = format!("{id} has no room for a load balancer");
            let label = format!("{} free addresses; `{name}` takes {OF_BALANCER}", found.free);
            let help =
                format!("free some of its addresses, or name another subnet of {}", found.zone);
            let mistake = Diagnostic::error(Code::NetworkSize, title);
            draft.mistakes.push(mistake.at(draft.place(&path), label).help(help));
        }
    }
}

fn services(draft: &mut Draft) {
    let mut free: BTreeMap<String, u32> = BTreeMap::new();
    let balancers = newcomers(draft, LoadBalancer::NAME);
    let taken = |id: &str| {
        let there = balancers.iter().filter(|(_, _, subnets)| {
            subnets.iter().any(|subnet| subnet.id.as_deref() == Some(id))
        });
        u32::try_from(there.count()).unwrap_or(u32::MAX).saturating_mul(OF_BALANCER)
    };
    let mut reported: BTreeSet<Vec<String>> = BTreeSet::new();
    for (name, tasks, subnets) in newcomers(draft, Service::NAME) {
        let mut left = tasks;
        let mut is_known = !subnets.is_empty();
        for subnet in &subnets {
            let (Some(id), Some(found)) = (&subnet.id, &subnet.found) else {
                is_known = false;
                continue;
            };
            let free =
                free.entry(id.clone()).or_insert_with(|| found.free.saturating_sub(taken(id)));
            let here = left.min(*free);
            *free -= here;
            left -= here;
        }
        let path = subnets.first().map(|subnet| subnet.path.clone()).unwrap_or_default();
        if left == 0 || !is_known || !reported.insert(path.clone()) {
            continue;
        }
        let title = format!("the subnets of `{name}` have no room for its tasks");
        let label = format!("addresses for {} of {tasks} tasks", tasks - left);
        let mistake = Diagnostic::error(Code::NetworkSize, title)
            .at(draft.place(&path), label)
            .help("each task takes an address: name more subnets, or larger ones");
        draft.mistakes.push(mistake);
    }
}
