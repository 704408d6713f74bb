//! Who reaches whom.

use std::collections::{BTreeMap, BTreeSet};

use super::requests::listed;
use super::state::{State, Who};
use crate::{Address, Impact, Notice, Peer};

/// Somebody who may connect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    Member(Who),
    Addresses(String),
    /// Whoever is in a group that no resource of ours is in.
    Group(Who),
}

/// Who reaches whom, and by which ports.
pub(super) type Reached = BTreeMap<(Caller, Who), BTreeSet<(u16, u16)>>;

impl State {
    /// Everyone who is let in to something of ours.
    pub(super) fn reached(&self) -> Reached {
        let mut reached = Reached::new();
        for (server, joined) in &self.joins {
            let groups: BTreeSet<&Who> = joined.iter().flat_map(|join| &join.groups).collect();
            let listens = self.listens(server);
            for (peer, admission) in
                groups.iter().filter_map(|group| self.admits.get(group)).flatten()
            {
                let (first, last) = admission.ports;
                let ports: BTreeSet<(u16, u16)> = if listens.is_empty() {
                    [(first, last)].into()
                } else {
                    let open = listens.iter().filter(|port| (first..=last).contains(*port));
                    open.map(|port| (*port, *port)).collect()
                };
                for caller in self.callers(&admission.from, peer.as_ref()) {
                    if caller != Caller::Member(server.clone()) && !ports.is_empty() {
                        let into = reached.entry((caller, server.clone())).or_default();
                        into.extend(ports.iter().copied());
                    }
                }
            }
        }
        reached
    }

    /// The ports that one listens on, as far as that is known.
    fn listens(&self, server: &Who) -> BTreeSet<u16> {
        let joined = self.joins.get(server).into_iter().flatten();
        joined.flat_map(|join| join.fact.ports.clone()).collect()
    }

    fn is_joined(&self, group: &Who) -> bool {
        self.joins.values().flatten().any(|join| join.groups.contains(group))
    }

    fn callers(&self, from: &Peer, group: Option<&Who>) -> Vec<Caller> {
        let members = |is_in: &dyn Fn(&Who) -> bool| -> Vec<Caller> {
            let members = self
                .joins
                .iter()
                .filter(|(_, joined)| joined.iter().flat_map(|join| &join.groups).any(is_in));
            members.map(|(who, _)| Caller::Member(who.clone())).collect()
        };
        match (from, group) {
            (Peer::Everybody, _) => {
                let everybody = Caller::Addresses("the internet".to_owned());
                members(&|_| true).into_iter().chain([everybody]).collect()
            }
            (Peer::Addresses(addresses), _) => vec![Caller::Addresses(addresses.clone())],
            (_, Some(group)) => match members(&|other| other == group) {
                nobody if nobody.is_empty() => vec![Caller::Group(group.clone())],
                members => members,
            },
            (_, None) => Vec::new(),
        }
    }

    fn has_caller(&self, caller: &Caller) -> bool {
        match caller {
            Caller::Member(who) => self.joins.contains_key(who),
            Caller::Group(group) => !self.is_joined(group),
            Caller::Addresses(_) => true,
        }
    }
}

/// What one no longer reaches, though both are still there.
pub(super) struct Lost {
    caller: Caller,
    server: Who,
    ports: BTreeSet<(u16, u16)>,
}

/// Who no longer reaches whom.
pub(super) fn lost(before: &Reached, after: &Reached, state: &State) -> Vec<Lost> {
    let mut lost = Vec::new();
    for ((caller, server), ports) in before {
        if !state.joins.contains_key(server) || !state.has_caller(caller) {
            continue;
        }
        let listens = state.listens(server);
        let still = after.get(&(caller.clone(), server.clone()));
        let is_open = |port: &(u16, u16)| {
            still.is_some_and(|open| open.iter().any(|(a, b)| *a <= port.0 && port.1 <= *b))
        };
        // Where it listens elsewhere now, there is the question.
        let asked = if listens.is_empty() || ports.iter().any(|(port, _)| listens.contains(port)) {
            ports.clone()
        } else {
            listens.iter().map(|port| (*port, *port)).collect()
        };
        let gone: BTreeSet<(u16, u16)> = asked.into_iter().filter(|it| !is_open(it)).collect();
        if !gone.is_empty() {
            lost.push(Lost { caller: caller.clone(), server: server.clone(), ports: gone });
        }
    }
    lost
}

impl Lost {
    /// The two resources, where both are ours.
    pub(super) fn pair(&self) -> Option<(Address, Address)> {
        match (&self.caller, &self.server) {
            (Caller::Member(Who::Ours(caller, _)), Who::Ours(server, _)) => {
                Some((caller.clone(), server.clone()))
            }
            _ => None,
        }
    }

    /// The group that nobody of ours is in, where that is all that is known of the caller.
    pub(super) fn group(&self) -> Option<&Address> {
        match &self.caller {
            Caller::Group(Who::Ours(address, _)) => Some(address),
            _ => None,
        }
    }

    pub(super) fn notice(self) -> Notice {
        let ports = listed(self.ports.into_iter().map(|ports| match ports {
            (0, u16::MAX) => "any port".to_owned(),
            (first, last) if first == last => format!("port {first}"),
            (first, last) => format!("ports {first} to {last}"),
        }));
        let (caller, server) = (self.caller.word(), self.server.word());
        Notice::new(Impact::Outage, format!("{caller} no longer reaches {server} on {ports}"))
    }
}

impl Caller {
    fn word(&self) -> String {
        match self {
            Self::Member(who) => who.word(),
            Self::Addresses(addresses) => addresses.clone(),
            Self::Group(who) => format!("whoever is in {}", who.word()),
        }
    }
}
