//! Which availability zones there are, as far as somebody has looked.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Kind, Phase, Place, Snapshot, Span, Stack};
use deployer_kinds::{Cidr, NatGateway, Subnet};

use crate::mistakes::listed;

/// The tiers of a network, each in its own quarter of it; the fourth stays free.
pub(crate) const TIERS: [&str; 3] = ["public", "private", "data"];

/// What is known of the zones that a stack's network is in and could be in.
///
/// Reading a stack asks nobody. Whoever has looked at the account reads it once more with this, and
/// a network that only says how many zones it takes keeps those that it is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    /// The zone of each subnet that exists.
    subnets: BTreeMap<(Place, Address), String>,
    /// The letters of the zones of the network's subnets, by tier and range.
    ranges: BTreeMap<(String, Cidr), char>,
    /// The NAT gateways that exist at home.
    gateways: BTreeSet<Address>,
    /// The zones of each place that was asked for them.
    available: BTreeMap<Place, BTreeSet<String>>,
}

impl Zones {
    /// The zones that an environment is in.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut zones = Self::default();
        for live in snapshot.lives.iter().filter(|live| live.phase != Phase::Leaving) {
            let (place, address) = (live.place.clone(), live.address.clone());
            let field = |field| live.spec.get(field).and_then(|value| value.as_str());
            match field("zone").filter(|_| address.kind == Subnet::NAME) {
                // Of several generations the newest comes first.
                Some(zone) => {
                    let range = field("cidr").and_then(|range| range.parse().ok());
                    let named = address.name.split_once('-').zip(letter_of(&address.name));
                    if let (true, Some(((tier, _), letter)), Some(range)) =
                        (place.is_home(), named, range)
                    {
                        zones.ranges.entry((tier.to_owned(), range)).or_insert(letter);
                    }
                    zones.subnets.entry((place, address)).or_insert_with(|| zone.to_owned());
                }
                None if address.kind == NatGateway::NAME && place.is_home() => {
                    zones.gateways.insert(address);
                }
                None => {}
            }
        }
        zones
    }

    /// The places where a stack has a subnet in a zone that nobody knows to be there.
    pub fn unknown(&self, stack: &Stack) -> BTreeSet<Place> {
        let subnets = stack.resources.iter().filter(|(address, _)| address.kind == Subnet::NAME);
        let unknown = subnets.filter(|(address, desired)| {
            let zone = desired.spec.get("zone").and_then(|zone| zone.as_str());
            zone.is_some_and(|zone| !self.is_known(&desired.place, address, zone))
        });
        unknown.map(|(_, desired)| desired.place.clone()).collect()
    }

    /// The same, and the zones that a place has, by name.
    #[must_use]
    pub fn and(mut self, place: Place, zones: BTreeSet<String>) -> Self {
        self.available.insert(place, zones);
        self
    }

    fn is_known(&self, place: &Place, address: &Address, zone: &str) -> bool {
        self.is_in(place, address, zone) || self.available.contains_key(place)
    }

    /// Whether a subnet is in a zone already.
    pub(crate) fn is_in(&self, place: &Place, address: &Address, zone: &str) -> bool {
        self.subnets.get(&(place.clone(), address.clone())).is_some_and(|it| it == zone)
    }

    /// The zones of a place; none where nobody has asked.
    pub(crate) fn available(&self, place: &Place) -> Option<&BTreeSet<String>> {
        self.available.get(place)
    }

    /// The letters of the zones that the network's subnets are in.
    pub(crate) fn used(&self) -> BTreeSet<char> {
        let home = self.subnets.keys().filter(|(place, _)| place.is_home());
        home.filter_map(|(_, address)| letter_of(&address.name)).collect()
    }

    /// The letters of the zones of a region that something new can be in; all letters where nobody
    /// has asked.
    pub(crate) fn letters(&self, region: &str) -> Vec<char> {
        match self.available(&Place::default()) {
            Some(zones) => zones.iter().filter_map(|zone| letter(region, zone)).collect(),
            None => ('a'..='z').collect(),
        }
    }

    /// The letter of the zone in which a tier of the network has a range already.
    pub(crate) fn zone_of(&self, tier: &str, range: Cidr) -> Option<char> {
        self.ranges.get(&(tier.to_owned(), range)).copied()
    }

    /// Whether there is a NAT gateway of this name.
    pub(crate) fn has_gateway(&self, name: &str) -> bool {
        self.gateways.contains(&Address::new(NatGateway::NAME, name))
    }
}

/// The letter of a zone: what its name has beyond that of its region.
pub(crate) fn letter(region: &str, zone: &str) -> Option<char> {
    let mut letters = zone.strip_prefix(region)?.chars();
    let letter = letters.next().filter(char::is_ascii_lowercase)?;
    letters.next().is_none().then_some(letter)
}

/// Reports that a zone is none of those that there are.
pub(crate) fn no_zone(zone: &str, there: &BTreeSet<String>, span: Span) -> Diagnostic {
    let names: Vec<&str> = there.iter().map(String::as_str).collect();
    Diagnostic::error(Code::UnknownZone, format!("this account has no zone `{zone}`"))
        .at(span, "not an availability zone that can be used")
        .help(format!("there are {}", listed(&names)))
}

/// The letter of the zone that a subnet of the network is named after.
fn letter_of(name: &str) -> Option<char> {
    let (tier, letter) = name.rsplit_once('-')?;
    let mut letters = letter.chars();
    let first = letters.next().filter(|it| TIERS.contains(&tier) && it.is_ascii_lowercase())?;
    letters.next().is_none().then_some(first)
}
