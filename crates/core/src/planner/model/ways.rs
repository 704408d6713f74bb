//! Who gets out of its subnets, by which way.

use std::collections::{BTreeMap, BTreeSet};

use super::requests::listed;
use super::state::{State, Who};
use crate::{Impact, Notice};

/// Which way packets for a range go from one that stands in a subnet.
pub(super) type Ways = BTreeMap<(Who, Who, String), Who>;

impl State {
    /// Everyone's way out, as far as what it leads over is there.
    pub(super) fn ways(&self) -> Ways {
        let mut ways = Ways::new();
        let own = self.stands.iter().flat_map(|(who, (subnets, has_address))| {
            subnets.iter().map(move |subnet| (who, subnet, *has_address))
        });
        // Who is in a subnet that is not ours nobody knows, and so it stands for them itself.
        let foreign = self.associations.all().map(|(subnet, _)| subnet);
        let foreign = foreign.filter(|subnet| matches!(subnet, Who::Foreign(_)));
        let foreign = foreign.map(|subnet| (subnet, subnet, true));
        for (who, subnet, has_address) in own.chain(foreign) {
            let table = self.associations.of(subnet).and_then(|table| self.tables.get(table));
            for (range, (over, needs_address)) in table.into_iter().flat_map(|table| &table.over) {
                let is_there = self.there.contains(over) || matches!(over, Who::Foreign(_));
                if is_there && (has_address || !needs_address) {
                    ways.insert((who.clone(), subnet.clone(), range.clone()), over.clone());
                }
            }
        }
        ways
    }

    /// Whether one that was in a subnet and has left it gets there no more from one where it is
    /// now. One that is gone asks for nothing.
    fn is_cut_off(&self, who: &Who, range: &str, after: &Ways) -> bool {
        let now = self.stands.get(who).into_iter().flat_map(|(subnets, _)| subnets);
        now.into_iter()
            .any(|subnet| !after.contains_key(&(who.clone(), subnet.clone(), range.to_owned())))
    }

    /// What those notice who get somewhere no more, or by another way.
    pub(super) fn rerouted(&self, before: &Ways, after: &Ways) -> Vec<Notice> {
        let mut noticed: BTreeMap<(Impact, &str, Option<String>), BTreeSet<String>> =
            BTreeMap::new();
        for (way @ (who, subnet, range), over) in before {
            let stays = match who {
                Who::Foreign(_) => true,
                Who::Ours(..) => {
                    self.stands.get(who).is_some_and(|(subnets, _)| subnets.contains(subnet))
                }
            };
            if !stays && !self.is_cut_off(who, range, after) {
                continue;
            }
            let (impact, instead) = match after.get(way) {
                Some(still) if still == over => continue,
                Some(other) => {
                    let instead = format!("over {} instead of {}", other.word(), over.word());
                    (Impact::Restart, Some(instead))
                }
                None => (Impact::Outage, None),
            };
            noticed.entry((impact, range, instead)).or_default().insert(who.word());
        }
        let found = noticed.into_iter().map(|((impact, range, instead), who)| {
            let who = listed(who);
            let because = match instead {
                Some(over) => {
                    format!("{range} is reached from {who} {over}: open connections end")
                }
                None => format!("{range} is no longer reached from {who}"),
            };
            Notice::new(impact, because)
        });
        found.collect()
    }
}
