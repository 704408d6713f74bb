//! Where the tasks of a service may send to.

use std::collections::BTreeSet;

use deployer_core::Code;
use deployer_kinds::{Egress, Peer, Ports, Protocol};

use super::body::Service;
use super::forms::EgressRules;
use super::owner::Owner;
use super::users;
use crate::draft::Draft;
use crate::section::Sections;
use crate::sections::network;

/// Tasks fetch their image, read their secrets and write their logs over it.
const HTTPS: u16 = 443;

/// The rules of its group: everything, or what is listed and what it uses.
///
/// What it uses is let in by addresses: a group that named the other's, and the other its, could not
/// be made one after the other.
pub(super) fn egress(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    body: &Service,
) -> BTreeSet<Egress> {
    let Some(EgressRules::Only(listed)) = &body.egress else { return network::everything() };
    if !listed.iter().any(carries_https) {
        draft.error(
            Code::NoWayOut,
            format!("`{}` could not fetch its image: nothing lets its tasks out on port 443", owner.name),
            &owner.path(&["egress"]),
            "no rule for TCP on port 443",
            "add `{ to: 0.0.0.0/0, port: 443 }`, or the range that the network's VPC endpoints are in",
        );
    }
    let mut rules = listed.clone();
    for used in &body.uses {
        let Some((section, entry)) = users::usable(all, &used.target) else { continue };
        let Some(offer) = (section.offer)(all, entry) else { continue };
        let to = if offer.is_outside { network::everything() } else { network::inside(draft) };
        for rule in to {
            let at = |port, protocol| Egress {
                port: Ports::Range(port, port),
                protocol,
                ..rule.clone()
            };
            rules.extend(offer.ports.iter().map(|port| at(*port, Protocol::Tcp)));
            rules.extend(offer.udp_ports.iter().map(|port| at(*port, Protocol::Udp)));
        }
    }
    rules
}

/// Whether a rule lets HTTPS out, to whomever it may be.
fn carries_https(rule: &Egress) -> bool {
    let is_tcp = matches!(rule.protocol, Protocol::Tcp | Protocol::All);
    let has_port = match rule.port {
        Ports::All => true,
        Ports::Range(first, last) => (first..=last).contains(&HTTPS),
    };
    is_tcp && has_port && rule.to != Peer::Itself
}
