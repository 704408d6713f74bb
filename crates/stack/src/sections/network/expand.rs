//! The network becomes a VPC, its subnets, gateways and route tables.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Place, Ref};
use deployer_kinds::{
    Cidr, ElasticIp, ElasticIpSpec, InternetGateway, InternetGatewaySpec, IpRange, NatGateway,
    NatGatewaySpec, RouteTable, RouteTableSpec, RouteTarget, Subnet, SubnetSpec, Vpc, VpcSpec,
};
use ipnet::Ipv4Net;

use super::body::{Nat, Network, Zones};
use super::layout::{Layout, kept, layout};
use super::private_access::Access;
use super::{acls, existing, flow_logs};
use crate::draft::{Draft, Origin, owned};
use crate::mistakes::listed;
use crate::section::Sections;
use crate::zones::{letter, no_zone};

pub(super) fn expand(draft: &mut Draft, network: &Network, all: &Sections) {
    if let Some(existing) = &network.existing {
        return existing::expand(draft, existing, all);
    }
    let zones = zones(draft, network);
    draft.network.zones = zones.iter().map(|(letter, _)| *letter).collect();
    let ranges = [network.cidr].into_iter().chain(network.also.iter().copied());
    draft.network.ranges = ranges.map(|range| IpRange(range.0.into())).collect();
    draft.network.has_nat = network.nat != Nat::None;
    let access = Access::of(network, all);
    draft.network.has_private_access = access.leads_anywhere();
    // A VPC takes /16 to /28, a subnet /28 at least (EC2 API reference).
    if !(16..=26).contains(&network.cidr.0.prefix_len()) {
        draft.error(
            Code::NetworkSize,
            format!("`{}` is not a valid size for a network", network.cidr),
            &["network", "cidr"],
            "three tiers of subnets do not fit, or AWS accepts no network as large",
            "expected a prefix from /16 to /26",
        );
        draft.broken.insert(("network".to_owned(), String::new()));
        return;
    }
    let layout = layout(draft, network, &zones, all);

    let body = &["network"];
    let vpc = Ref::<Vpc>::named("main");
    let spec = VpcSpec {
        cidr: network.cidr,
        secondary_cidrs: network.also.iter().copied().collect(),
        dns_hostnames: true.into(),
    };
    let origin = Origin::new(body, &[("cidr", "cidr"), ("secondary-cidrs", "also")]);
    draft.make::<Vpc>("main", &spec, origin);
    let spec = InternetGatewaySpec { vpc: vpc.clone().into() };
    draft.make::<InternetGateway>("main", &spec, Origin::new(body, &[]));
    subnets(draft, &layout, &zones);
    gateways(draft, network, &zones);
    route_tables(draft, network, &zones);
    access.expand(draft, network, all);
    acls::expand(draft, network, &layout, all);
    flow_logs::expand(draft, network);
}

/// The letters and names of the zones.
fn zones(draft: &mut Draft, network: &Network) -> Vec<(char, String)> {
    match &network.zones {
        Zones::Count(count) => chosen(draft, network, *count as usize),
        Zones::Named(names) => named(draft, names),
    }
}

/// As many zones as that: those that the network is in, of these first those whose ranges are still
/// written, then the first of those that there are.
fn chosen(draft: &mut Draft, network: &Network, count: usize) -> Vec<(char, String)> {
    let region = draft.region.clone();
    let known = draft.zones.clone().unwrap_or_default();
    let mut letters: BTreeSet<char> = BTreeSet::new();
    for letter in kept(draft, network).chain(known.used()).chain(known.letters(&region)) {
        if letters.len() < count {
            letters.insert(letter);
        }
    }
    if known.available(&Place::default()).is_some() && letters.len() < count {
        let there: Vec<String> = letters.iter().map(|letter| format!("{region}{letter}")).collect();
        let there: Vec<&str> = there.iter().map(String::as_str).collect();
        draft.error(
            Code::UnknownZone,
            format!("{region} has fewer than {count} zones for this account"),
            &["network", "zones"],
            format!("there are {}", listed(&there)),
            format!("write `zones: {}`", letters.len()),
        );
    }
    let zones: Vec<(char, String)> =
        letters.into_iter().map(|letter| (letter, format!("{region}{letter}"))).collect();
    if draft.zones.is_none() {
        draft.network.assumed = zones.iter().map(|(_, name)| name.clone()).collect();
    }
    zones
}

/// The zones of these names.
fn named(draft: &mut Draft, names: &[String]) -> Vec<(char, String)> {
    let region = draft.region.clone();
    let known = draft.zones.clone().unwrap_or_default();
    let used = known.used();
    let mut zones: BTreeMap<char, String> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        let index = index.to_string();
        let path = ["network", "zones", &index];
        let there = known.available(&Place::default());
        match letter(&region, name) {
            None => draft.error(
                Code::UnknownZone,
                format!("`{name}` is not a zone of {region}"),
                &path,
                "not an availability zone of the stack's region",
                format!("write the region and a letter: `{region}a`"),
            ),
            Some(letter) if zones.contains_key(&letter) => draft.error(
                Code::DuplicateZone,
                format!("`{name}` is written twice"),
                &path,
                "the second time",
                "keep one of the two",
            ),
            Some(letter) => {
                zones.insert(letter, name.clone());
                let there = there.filter(|there| !there.contains(name) && !used.contains(&letter));
                if let Some(there) = there {
                    let mistake = no_zone(name, there, draft.place(&owned(&path)));
                    draft.report(&path, mistake);
                }
            }
        }
    }
    zones.into_iter().collect()
}

fn subnets(draft: &mut Draft, layout: &Layout, zones: &[(char, String)]) {
    for (tier, subnets) in layout {
        for (letter, zone) in zones {
            let Some(laid) = subnets.get(letter) else { continue };
            let spec = SubnetSpec {
                vpc: Ref::named("main"),
                cidr: laid.cidr,
                zone: zone.clone(),
                public_addresses: false.into(),
            };
            let origin = Origin::new(&["network"], &[("cidr", &laid.at), ("zone", "zones")]);
            draft.make::<Subnet>(&format!("{tier}-{letter}"), &spec, origin);
        }
    }
}

fn gateways(draft: &mut Draft, network: &Network, zones: &[(char, String)]) {
    let letters: Vec<char> = match network.nat {
        Nat::None => Vec::new(),
        Nat::Single => single(draft, zones).into_iter().collect(),
        Nat::PerZone => zones.iter().map(|(letter, _)| *letter).collect(),
    };
    for letter in letters {
        let name = format!("nat-{letter}");
        let origin = Origin::new(&["network"], &[("", "nat")]);
        draft.make::<ElasticIp>(&name, &ElasticIpSpec {}, origin.clone());
        let spec = NatGatewaySpec {
            subnet: Ref::named(format!("public-{letter}")),
            address: Ref::named(&name).into(),
        };
        draft.make::<NatGateway>(&name, &spec, origin);
    }
}

/// The zone of the only NAT gateway: where there is one already, or else the first.
fn single(draft: &Draft, zones: &[(char, String)]) -> Option<char> {
    let mut letters = zones.iter().map(|(letter, _)| *letter);
    let first = letters.clone().next();
    let known = draft.zones.as_ref();
    letters
        .find(|letter| known.is_some_and(|known| known.has_gateway(&format!("nat-{letter}"))))
        .or(first)
}

/// One table for the public tier, one for each private subnet, and one without a way out for data.
fn route_tables(draft: &mut Draft, network: &Network, zones: &[(char, String)]) {
    let single = single(draft, zones);
    let mut table = |name: &str, target: Option<RouteTarget>, subnets: BTreeSet<Ref<Subnet>>| {
        let everywhere = Cidr(Ipv4Net::default());
        let routes = target.map(|target| (everywhere, target)).into_iter().collect();
        let spec = RouteTableSpec { vpc: Ref::named("main"), routes, subnets };
        draft.make::<RouteTable>(name, &spec, Origin::new(&["network"], &[]));
    };
    let tier = |tier: &str| -> BTreeSet<Ref<Subnet>> {
        zones.iter().map(|(letter, _)| Ref::named(format!("{tier}-{letter}"))).collect()
    };
    let internet = RouteTarget::InternetGateway(Ref::named("main"));
    table("public", Some(internet), tier("public"));
    table("data", None, tier("data"));
    for (letter, _) in zones {
        let gateway = match network.nat {
            Nat::None => None,
            Nat::Single => single.map(|letter| format!("nat-{letter}")),
            Nat::PerZone => Some(format!("nat-{letter}")),
        };
        let target = gateway.map(|gateway| RouteTarget::NatGateway(Ref::named(gateway)));
        let name = format!("private-{letter}");
        table(&name, target, [Ref::named(&name)].into());
    }
}
