//! Network ACLs between the tiers. They know no connections: answers are packets like all others, to
//! the ports that those who ask have for it.

use std::collections::BTreeMap;

use deployer_core::Ref;
use deployer_kinds::{
    AclAction, AclRule, Cidr, IpRange, NetworkAcl, NetworkAclSpec, Ports, Protocol,
};
use ipnet::Ipv4Net;

use super::body::{Acls, Network};
use super::ranges::tier;
use crate::draft::{Draft, Origin};
use crate::section::Sections;
use crate::sections::service;

type Rules = BTreeMap<String, AclRule>;

/// The ports that answers come to, of whatever asks (VPC user guide, "Ephemeral ports").
const ANSWERS: Ports = Ports::Range(1024, u16::MAX);

pub(super) fn expand(draft: &mut Draft, network: &Network, all: &Sections) {
    if network.acls == Acls::None {
        return;
    }
    let tiers = [0, 1, 2].map(|index| tier(network.cidr, index));
    let [Some(public), Some(private), Some(data)] = tiers else { return };
    let (everywhere, inside) = (range(Ipv4Net::default()), range(network.cidr.0));
    let [public, private, data] = [public, private, data].map(|Cidr(net)| range(net));
    // Where nothing leads out of the private subnets, services are in the public ones; and where one
    // says so.
    let has_way = draft.network.has_nat || draft.network.has_private_access;
    let are_services_public = !has_way || service::is_any_public(all);

    let mut open = rules([(100, allow(everywhere))]);
    if !are_services_public {
        open.insert(90.to_string(), AclRule { action: AclAction::Deny, ..allow(data) });
    }
    make(draft, "public", open.clone(), open);

    let answers = |protocol| AclRule { protocol, port: ANSWERS, ..allow(everywhere) };
    let ingress =
        [(100, allow(inside)), (110, answers(Protocol::Tcp)), (120, answers(Protocol::Udp))];
    make(draft, "private", rules(ingress), rules([(100, allow(everywhere))]));

    let mut near = rules([(100, allow(private)), (110, allow(data))]);
    if are_services_public {
        near.insert(120.to_string(), allow(public));
    }
    make(draft, "data", near.clone(), near);
}

fn make(draft: &mut Draft, tier: &str, ingress: Rules, egress: Rules) {
    let subnets = draft.subnets(tier);
    let spec = NetworkAclSpec { vpc: Ref::named("main"), subnets, ingress, egress };
    draft.make::<NetworkAcl>(tier, &spec, Origin::new(&["network"], &[("", "acls")]));
}

/// Rules by their turns.
fn rules<const N: usize>(rules: [(u16, AclRule); N]) -> Rules {
    rules.into_iter().map(|(number, rule)| (number.to_string(), rule)).collect()
}

fn allow(range: IpRange) -> AclRule {
    AclRule { action: AclAction::Allow, range, protocol: Protocol::All, port: Ports::All }
}

fn range(net: Ipv4Net) -> IpRange {
    IpRange(net.into())
}
