//! Network ACLs between the tiers. They know no connections: answers are packets like all others, to
//! the ports that those who ask have for it.

use std::collections::BTreeMap;

use deployer_core::Ref;
use deployer_kinds::{
    AclAction, AclRule, Cidr, IpRange, NetworkAcl, NetworkAclSpec, Ports, Protocol,
};
use ipnet::Ipv4Net;

use super::body::{Acls, Network};
use super::layout::Layout;
use super::ranges::tier;
use crate::draft::{Draft, Origin};
use crate::section::Sections;
use crate::sections::service;
use crate::zones::TIERS;

type Rules = BTreeMap<String, AclRule>;

/// The ports that answers come to, of whatever asks (VPC user guide, "Ephemeral ports").
const ANSWERS: Ports = Ports::Range(1024, u16::MAX);

pub(super) fn expand(draft: &mut Draft, network: &Network, layout: &Layout, all: &Sections) {
    if network.acls == Acls::None {
        return;
    }
    let of = |index: u32| ranges(network, layout, index);
    let (public, private, data) = (of(0), of(1), of(2));
    let everywhere = [IpRange(Ipv4Net::default().into())];
    let inside: Vec<IpRange> = draft.network.ranges.iter().copied().collect();
    // Where nothing leads out of the private subnets, services are in the public ones; and where one
    // says so.
    let has_way = draft.network.has_nat || draft.network.has_private_access;
    let are_services_public = !has_way || service::is_any_public(all);

    let mut open = allow(100, &everywhere);
    if !are_services_public {
        let deny = |(number, rule)| (number, AclRule { action: AclAction::Deny, ..rule });
        open.extend(allow(90, &data).into_iter().map(deny));
    }
    make(draft, "public", open.clone(), open);

    let answers = |number: u16, protocol| {
        let of = move |(number, rule)| (number, AclRule { protocol, port: ANSWERS, ..rule });
        allow(number, &everywhere).into_iter().map(of)
    };
    let mut ingress = allow(100, &inside);
    ingress.extend(answers(110, Protocol::Tcp));
    ingress.extend(answers(120, Protocol::Udp));
    make(draft, "private", ingress, allow(100, &everywhere));

    let mut near = allow(100, &private);
    near.extend(allow(110, &data));
    if are_services_public {
        near.extend(allow(120, &public));
    }
    make(draft, "data", near.clone(), near);
}

/// The addresses of a tier: those of its subnets where they are written, or else its quarter.
fn ranges(network: &Network, layout: &Layout, index: u32) -> Vec<IpRange> {
    let name = TIERS[index as usize];
    let ranges: Vec<Cidr> = match network.subnets.of(name) {
        Some(_) => layout[name].values().map(|laid| laid.cidr).collect(),
        None => tier(network.cidr, index).into_iter().collect(),
    };
    ranges.into_iter().map(|range| IpRange(range.0.into())).collect()
}

fn make(draft: &mut Draft, tier: &str, ingress: Rules, egress: Rules) {
    let subnets = draft.subnets(tier);
    let spec = NetworkAclSpec { vpc: Ref::named("main"), subnets, ingress, egress };
    draft.make::<NetworkAcl>(tier, &spec, Origin::new(&["network"], &[("", "acls")]));
}

/// Rules that let these ranges through, by their turns. There are fewer than ten of each, so the
/// next ones can begin ten later.
fn allow(first: u16, ranges: &[IpRange]) -> Rules {
    let rule = |(number, range): (u16, &IpRange)| {
        let (protocol, port) = (Protocol::All, Ports::All);
        let rule = AclRule { action: AclAction::Allow, range: *range, protocol, port };
        (number.to_string(), rule)
    };
    (first..).zip(ranges).map(rule).collect()
}
