//! Which subnet has which addresses.

use std::collections::BTreeMap;

use deployer_core::Code;
use deployer_kinds::Cidr;

use super::body::{Network, Zones};
use super::ranges::{part, slot_bits, subnet_length};
use crate::draft::Draft;
use crate::mistakes::listed;
use crate::section::{Section, Sections};
use crate::sections::load_balancer::LoadBalancer;
use crate::zones::{TIERS, letter};

/// The longest prefix of a subnet that takes a load balancer (ELB user guide, "Subnets for your load
/// balancer").
const OF_BALANCER: u8 = 27;

/// The addresses of a subnet.
pub(super) struct Laid {
    pub(super) cidr: Cidr,
    /// Where they are written, below the network.
    pub(super) at: String,
}

/// The addresses of the subnets of each tier, by the letters of their zones.
pub(super) type Layout = BTreeMap<&'static str, BTreeMap<char, Laid>>;

/// Lays the subnets out: as it is written, or else each tier in its quarter of the network, where
/// each letter has a fixed slot. So no subnet moves when zones come or go.
pub(super) fn layout(
    draft: &mut Draft,
    network: &Network,
    zones: &[(char, String)],
    all: &Sections,
) -> Layout {
    let slots = 1 << slot_bits(network.cidr);
    if TIERS.iter().any(|tier| network.subnets.of(tier).is_none()) {
        for (_, zone) in zones.iter().filter(|(letter, _)| slot(*letter) >= slots) {
            let title = format!("`{}` has no room for zone `{zone}`", network.cidr);
            let label = format!("a network of this size has room for {slots} zones");
            let help = "use fewer zones, or a prefix from /16 to /23, or write `subnets:`";
            draft.error(Code::NetworkSize, title, &["network", "zones"], label, help);
        }
    }
    let mut layout = Layout::new();
    for (index, tier) in (0..).zip(TIERS) {
        let subnets = if let Some(ranges) = network.subnets.of(tier) {
            written(draft, network, zones, tier, ranges)
        } else {
            let (bits, length) = (slot_bits(network.cidr), subnet_length(network.cidr));
            let there = zones.iter().filter(|(letter, _)| slot(*letter) < slots);
            let laid = there.filter_map(|(letter, _)| {
                let cidr = part(network.cidr, length, (index << bits) | slot(*letter))?;
                Some((*letter, Laid { cidr, at: "cidr".to_owned() }))
            });
            laid.collect()
        };
        layout.insert(tier, subnets);
    }
    must_take_balancers(draft, network, &layout, all);
    layout
}

/// The letters of the zones in which ranges are that are written, where there are such subnets.
pub(super) fn kept<'n>(draft: &Draft, network: &'n Network) -> impl Iterator<Item = char> + 'n {
    let known = draft.zones.clone().unwrap_or_default();
    let ranges = TIERS.into_iter().flat_map(|tier| {
        network.subnets.of(tier).unwrap_or_default().iter().map(move |range| (tier, *range))
    });
    ranges.filter_map(move |(tier, range)| known.zone_of(tier, range))
}

fn slot(letter: char) -> u32 {
    u32::from(letter) - u32::from('a')
}

/// The ranges that are written of a tier, one for each zone.
fn written(
    draft: &mut Draft,
    network: &Network,
    zones: &[(char, String)],
    tier: &str,
    ranges: &[Cidr],
) -> BTreeMap<char, Laid> {
    if ranges.len() != zones.len() {
        let names: Vec<&str> = zones.iter().map(|(_, name)| name.as_str()).collect();
        let title =
            format!("`{tier}` has {} for {}", counted(ranges, "range"), counted(zones, "zone"));
        let label = "each zone has a subnet of this tier";
        let help = format!("write one range for each of {}, or change `zones`", listed(&names));
        let path = ["network", "subnets", tier];
        draft.error(Code::NetworkSize, title, &path, label, help);
    }
    // Zones that are named have the ranges in the order in which they are written.
    let (letters, known) = match &network.zones {
        Zones::Named(names) => {
            let letters = names.iter().filter_map(|name| letter(&draft.region, name));
            (letters.collect(), None)
        }
        Zones::Count(_) => {
            (zones.iter().map(|(letter, _)| *letter).collect::<Vec<_>>(), draft.zones.as_ref())
        }
    };
    let there = |range| known.and_then(|known| known.zone_of(tier, range));
    let laid = assigned(ranges, &letters, there).into_iter().map(|(letter, index)| {
        (letter, Laid { cidr: ranges[index], at: format!("subnets.{tier}.{index}") })
    });
    laid.collect()
}

/// Which zone has which of some ranges: one that is there stays in its zone, and the others take the
/// zones that are left, in their order.
fn assigned(
    ranges: &[Cidr],
    zones: &[char],
    there: impl Fn(Cidr) -> Option<char>,
) -> BTreeMap<char, usize> {
    let in_place = ranges.iter().enumerate().filter_map(|(index, range)| {
        Some((there(*range).filter(|letter| zones.contains(letter))?, index))
    });
    let mut assigned: BTreeMap<char, usize> = in_place.collect();
    let left = zones.iter().copied().filter(|letter| !assigned.contains_key(letter));
    let new = (0..ranges.len()).filter(|index| !assigned.values().any(|other| other == index));
    let new: Vec<(char, usize)> = left.zip(new).collect();
    assigned.extend(new);
    assigned
}

fn counted<T>(items: &[T], word: &str) -> String {
    format!("{} {word}{}", items.len(), if items.len() == 1 { "" } else { "s" })
}

/// Reports subnets of load balancers that are too small for them.
fn must_take_balancers(draft: &mut Draft, network: &Network, layout: &Layout, all: &Sections) {
    let made = all.of::<LoadBalancer>().filter(|(_, body)| body.existing.is_none());
    let internal: Vec<bool> = made.map(|(_, body)| body.internal).collect();
    let mut small: BTreeMap<&str, Cidr> = BTreeMap::new();
    for (tier, is_internal) in [("public", false), ("private", true)] {
        let subnets = layout[tier].values().filter(|it| it.cidr.0.prefix_len() > OF_BALANCER);
        small.extend(
            subnets.filter(|_| internal.contains(&is_internal)).map(|it| (&*it.at, it.cidr)),
        );
    }
    for (at, range) in small {
        let path: Vec<&str> = [Network::KEY].into_iter().chain(at.split('.')).collect();
        let (of, label, help) = if at == "cidr" {
            (
                network.cidr,
                format!("its subnets have the size /{}", range.0.prefix_len()),
                "write a prefix from /16 to /22, or larger subnets by `subnets:`: load balancers \
                 want /27 or larger",
            )
        } else {
            let label = "load balancers are put into it".to_owned();
            (range, label, "write a range of /27 or larger")
        };
        let title = format!("`{of}` is too small for load balancers");
        draft.error(Code::NetworkSize, title, &path, label, help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stays_in_its_zone_wherever_it_stands() {
        let [first, second, third] =
            ["10.0.0.0/27", "10.0.0.32/27", "10.0.0.64/27"].map(|it| it.parse().expect("a range"));
        let there = |range: Cidr| match range {
            it if it == first => Some('a'),
            it if it == second => Some('c'),
            _ => None,
        };
        let of = |ranges: &[Cidr], zones: &[char]| -> Vec<(char, usize)> {
            assigned(ranges, zones, there).into_iter().collect()
        };
        assert_eq!(of(&[first, second], &['a', 'c']), [('a', 0), ('c', 1)]);
        assert_eq!(of(&[first, second, third], &['a', 'b', 'c']), [('a', 0), ('b', 2), ('c', 1)]);
        assert_eq!(of(&[third, second], &['a', 'c']), [('a', 0), ('c', 1)]);
        assert_eq!(of(&[second, first], &['a', 'c']), [('a', 1), ('c', 0)]);
    }
}
