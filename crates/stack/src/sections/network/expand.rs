//! The network becomes a VPC, its subnets, gateways and route tables.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Place, Ref};
use deployer_kinds::{
    Cidr, ElasticIp, ElasticIpSpec, InternetGateway, InternetGatewaySpec, IpRange, NatGateway,
    NatGatewaySpec, RouteTable, RouteTableSpec, RouteTarget, Subnet, SubnetSpec, Vpc, VpcSpec,
};
use ipnet::Ipv4Net;

use super::body::{Nat, Network, Zones};
use super::private_access::Access;
use super::ranges::{part, slot_bits, subnet_length};
use super::{acls, existing, flow_logs};
use crate::draft::{Draft, Origin, owned};
use crate::mistakes::listed;
use crate::section::Sections;
use crate::zones::{TIERS, letter, no_zone};

pub(super) fn expand(draft: &mut Draft, network: &Network, all: &Sections) {
    if let Some(existing) = &network.existing {
        return existing::expand(draft, existing, all);
    }
    let zones = zones(draft, network);
    draft.network.zones = zones.iter().map(|(letter, _)| *letter).collect();
    draft.network.ranges = [IpRange(network.cidr.0.into())].into();
    draft.network.has_nat = network.nat != Nat::None;
    let access = Access::of(network, all);
    draft.network.has_private_access = access.leads_anywhere();
    // A VPC takes /16 to /28, a subnet /28 at least (EC2 API reference).
    if !(16..=24).contains(&network.cidr.0.prefix_len()) {
        draft.error(
            Code::NetworkSize,
            format!("`{}` is not a valid size for a network", network.cidr),
            &["network", "cidr"],
            "three tiers of subnets do not fit, or AWS accepts no network as large",
            "expected a prefix from /16 to /24",
        );
        draft.broken.insert(("network".to_owned(), String::new()));
        return;
    }

    // ELB takes subnets of /27 or larger (user guide, "Subnets for your load balancer").
    let has_balancers = draft.declared.get("load-balancers").is_some_and(|it| !it.is_empty());
    if has_balancers && subnet_length(network.cidr) > 27 {
        draft.error(
            Code::NetworkSize,
            format!("`{}` is too small for load balancers", network.cidr),
            &["network", "cidr"],
            format!("its subnets have the size /{}", subnet_length(network.cidr)),
            "write a prefix from /16 to /22: load balancers want subnets of /27 or larger",
        );
    }

    let body = &["network"];
    let vpc = Ref::<Vpc>::named("main");
    let spec = VpcSpec { cidr: network.cidr, dns_hostnames: true.into() };
    draft.make::<Vpc>("main", &spec, Origin::new(body, &[("cidr", "cidr")]));
    let spec = InternetGatewaySpec { vpc: vpc.clone().into() };
    draft.make::<InternetGateway>("main", &spec, Origin::new(body, &[]));
    subnets(draft, network, &zones);
    gateways(draft, network, &zones);
    route_tables(draft, network, &zones);
    access.expand(draft, network, all);
    acls::expand(draft, network, all);
    flow_logs::expand(draft, network);
}

/// The letters and names of the zones.
fn zones(draft: &mut Draft, network: &Network) -> Vec<(char, String)> {
    match &network.zones {
        Zones::Count(count) => chosen(draft, *count as usize),
        Zones::Named(names) => named(draft, names),
    }
}

/// As many zones as that: those that the network is in, then the first of those that there are.
fn chosen(draft: &mut Draft, count: usize) -> Vec<(char, String)> {
    let region = draft.region.clone();
    let known = draft.zones.clone().unwrap_or_default();
    let used = known.used();
    let others = known.letters(&region).into_iter().filter(|letter| !used.contains(letter));
    let mut letters: Vec<char> = used.iter().copied().chain(others).take(count).collect();
    letters.sort_unstable();
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

/// A quarter of the network for each tier, and in it a fixed slot for each letter: so no subnet
/// moves when zones come or go.
fn subnets(draft: &mut Draft, network: &Network, zones: &[(char, String)]) {
    let slot_bits = slot_bits(network.cidr);
    let length = subnet_length(network.cidr);
    for (letter, zone) in zones {
        let slot = u32::from(*letter) - u32::from('a');
        if slot >= 1 << slot_bits {
            draft.error(
                Code::NetworkSize,
                format!("`{}` has no room for zone `{zone}`", network.cidr),
                &["network", "zones"],
                format!("a network of this size has room for {} zones", 1 << slot_bits),
                "use fewer zones, or a prefix from /16 to /23",
            );
            continue;
        }
        for (tier, name) in (0..).zip(TIERS) {
            let Some(cidr) = part(network.cidr, length, (tier << slot_bits) | slot) else {
                continue;
            };
            let spec = SubnetSpec {
                vpc: Ref::named("main"),
                cidr,
                zone: zone.clone(),
                public_addresses: false.into(),
            };
            let origin = Origin::new(&["network"], &[("cidr", "cidr"), ("zone", "zones")]);
            draft.make::<Subnet>(&format!("{name}-{letter}"), &spec, origin);
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
