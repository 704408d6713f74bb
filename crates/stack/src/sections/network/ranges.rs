//! The addresses of a network: how they are divided, and what may be sent to them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use deployer_kinds::{Cidr, Egress, IpRange, Peer, Ports, Protocol};
use ipnet::Ipv4Net;

use crate::draft::Draft;

/// The prefix of each subnet: a quarter of the network is a tier's, and in it each zone has a slot.
pub(super) fn subnet_length(cidr: Cidr) -> u8 {
    cidr.0.prefix_len() + 2 + slot_bits(cidr)
}

/// How many bits of a tier's addresses name the zone: eight zones, or as many as there is room for
/// in a small network, whose subnets are /28.
pub(super) fn slot_bits(cidr: Cidr) -> u8 {
    26u8.saturating_sub(cidr.0.prefix_len()).min(3)
}

/// The addresses of a tier, a quarter of the network.
pub(super) fn tier(network: Cidr, tier: u32) -> Option<Cidr> {
    part(network, network.0.prefix_len() + 2, tier)
}

/// The `index`-th part of so many bits of a range.
pub(super) fn part(whole: Cidr, length: u8, index: u32) -> Option<Cidr> {
    let first =
        u32::from(whole.0.network()).checked_add(index.checked_shl(32 - u32::from(length))?)?;
    Ipv4Net::new(Ipv4Addr::from(first), length).ok().map(Cidr)
}

/// The rules that let everything out that goes to the network itself; where its ranges are not known,
/// everything.
pub(in crate::sections) fn inside(draft: &Draft) -> BTreeSet<Egress> {
    if draft.network.ranges.is_empty() {
        return everything();
    }
    draft.network.ranges.iter().copied().map(to).collect()
}

/// The rule that lets everything out.
pub(in crate::sections) fn everything() -> BTreeSet<Egress> {
    [to(IpRange(Ipv4Net::default().into()))].into()
}

/// The rule that lets everything out to a range.
fn to(range: IpRange) -> Egress {
    Egress {
        to: Peer::IpRange(range),
        port: Ports::All,
        protocol: Protocol::All,
        description: String::new(),
    }
}
