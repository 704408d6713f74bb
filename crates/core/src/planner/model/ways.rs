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
        for (who, subnets) in &self.stands {
            for subnet in subnets {
                let table = self.associations.of(subnet);
                let table = table.and_then(|table| self.tables.get(table));
                for (range, over) in table.into_iter().flat_map(|table| &table.over) {
                    if self.there.contains(over) || matches!(over, Who::Foreign(_)) {
                        ways.insert((who.clone(), subnet.clone(), range.clone()), over.clone());
                    }
                }
            }
        }
        ways
    }

    /// What those notice who are still where they were.
    pub(super) fn rerouted(&self, before: &Ways, after: &Ways) -> Vec<Notice> {
        let mut noticed: BTreeMap<(Impact, &str, Option<String>), BTreeSet<String>> =
            BTreeMap::new();
        for (way @ (who, subnet, range), over) in before {
            if !self.stands.get(who).is_some_and(|subnets| subnets.contains(subnet)) {
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
