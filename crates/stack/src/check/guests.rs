//! Whether what is put into a network of others has room there, and names of its own.

use std::collections::BTreeMap;

use deployer_core::{Address, Code, Diagnostic, Kind, references};
use deployer_kinds::{LoadBalancer, NetworkAcl, RouteTable, Service};
use serde_json::Value;

use crate::draft::{Draft, Made};
use crate::guest::LentSubnet;

/// How many free addresses a subnet of a load balancer has (ELB user guide, "Subnets for your load
/// balancer").
pub(super) const OF_BALANCER: u32 = 8;

/// Reports what cannot be put where it is to be.
pub(super) fn guests(draft: &mut Draft) {
    namesakes(draft);
    moved(draft);
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

/// What would move subnets of others: a table or an ACL of ours takes them from theirs.
fn moved(draft: &mut Draft) {
    let mut moving = Vec::new();
    for (address, made) in &draft.made {
        if ![RouteTable::NAME, NetworkAcl::NAME].contains(&address.kind.as_str()) {
            continue;
        }
        let subnets = references(&made.spec["subnets"]).into_iter();
        let theirs = subnets.filter(|subnet| draft.existing.contains_key(subnet));
        moving.extend(theirs.map(|subnet| (made.origin.path("subnets"), address.clone(), subnet)));
    }
    for (path, address, subnet) in moving {
        let title = format!("{address} would take {subnet} from the network it is in");
        let mistake = Diagnostic::error(Code::NameTaken, title)
            .at(draft.place(&path), "it exists already and is not changed")
            .help("leave it out");
        draft.mistakes.push(mistake);
    }
}

/// Something that is to be in subnets of others, and is in none of them yet.
struct Newcomer {
    name: String,
    /// Whether it is there already and moves from others: it works where it is, and room may come.
    moves: bool,
    /// How many tasks it begins with.
    tasks: u32,
    subnets: Vec<LentSubnet>,
}

/// What is to come of a kind. What is in a subnet already has its addresses, and where nobody has
/// looked nobody knows what there is.
fn newcomers(draft: &Draft, kind: &str) -> Vec<Newcomer> {
    let lent = draft.network.lent.iter().flat_map(|lent| lent.values().flatten());
    let known: BTreeMap<&str, &LentSubnet> = lent.map(|it| (it.name.as_str(), it)).collect();
    let newcomer = |(address, made): (&Address, &Made)| {
        let subnets = references(&made.spec["subnets"]).into_iter();
        let subnets: Vec<LentSubnet> =
            subnets.filter_map(|it| known.get(it.name.as_str()).copied().cloned()).collect();
        let there = draft.found.subnets_of(address);
        let mut ids = subnets.iter().filter_map(|subnet| subnet.id.as_ref());
        if ids.any(|id| there.is_some_and(|there| there.contains(id))) {
            return None;
        }
        let (name, tasks) = (address.name.clone(), tasks(&made.spec));
        Some(Newcomer { name, moves: there.is_some(), tasks, subnets })
    };
    let is_of_kind =
        |(address, made): &(&Address, &Made)| address.kind == kind && made.place.is_home();
    let made = draft.made.iter().filter(|_| draft.zones.is_some());
    made.filter(is_of_kind).filter_map(newcomer).collect()
}

/// What is wrong with a place for something that is to come, or is worth knowing of one for something
/// that is to move there.
fn too_small(moves: bool, title: String) -> Diagnostic {
    if moves {
        Diagnostic::warning(Code::NetworkSize, title)
    } else {
        Diagnostic::error(Code::NetworkSize, title)
    }
}

fn tasks(spec: &Value) -> u32 {
    let count = spec["count"].as_u64().or_else(|| spec["initial-count"].as_u64());
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
}

fn balancers(draft: &mut Draft) {
    for Newcomer { name, moves, subnets, .. } in newcomers(draft, LoadBalancer::NAME) {
        for LentSubnet { path, id, found, .. } in subnets {
            let (Some(id), Some(found)) = (id, found) else { continue };
            if found.free >= OF_BALANCER {
                continue;
            }
            let title = format!("{id} has no room for a load balancer");
            let label = format!("{} free addresses; `{name}` takes {OF_BALANCER}", found.free);
            let zone = found.zone;
            let help = format!("free some of its addresses, or name another subnet of {zone}");
            let mistake = too_small(moves, title);
            draft.mistakes.push(mistake.at(draft.place(&path), label).help(help));
        }
    }
}

/// Services take what load balancers leave, one after another.
fn services(draft: &mut Draft) {
    let mut free: BTreeMap<String, u32> = BTreeMap::new();
    for subnet in draft.network.lent.iter().flat_map(|lent| lent.values().flatten()) {
        free.extend(subnet.id.clone().zip(subnet.found.as_ref().map(|found| found.free)));
    }
    for subnet in newcomers(draft, LoadBalancer::NAME).into_iter().flat_map(|it| it.subnets) {
        if let Some(free) = subnet.id.and_then(|id| free.get_mut(&id)) {
            *free = free.saturating_sub(OF_BALANCER);
        }
    }
    for Newcomer { name, moves, tasks, subnets } in newcomers(draft, Service::NAME) {
        let Some(first) = subnets.first().filter(|_| subnets.iter().all(|it| it.found.is_some()))
        else {
            continue;
        };
        let mut left = tasks;
        for id in subnets.iter().filter_map(|subnet| subnet.id.as_ref()) {
            let Some(free) = free.get_mut(id) else { continue };
            let here = left.min(*free);
            *free -= here;
            left -= here;
        }
        if left > 0 {
            let title = format!("the subnets of `{name}` have no room for its tasks");
            let label = format!("addresses for {} of {tasks} tasks", tasks - left);
            let mistake = too_small(moves, title)
                .at(draft.place(&first.path), label)
                .help("each task takes an address: name more subnets, or larger ones");
            draft.mistakes.push(mistake);
        }
    }
}
