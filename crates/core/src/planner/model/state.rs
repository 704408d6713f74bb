//! Who there is at one time, what each does, and who is meant by a reference.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Plan, Step};
use crate::{Address, Admission, Destination, Fact, Join, Lead, Live, Pace, Peer, Run, Thing};

/// One resource of one generation, or something that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Ours(Address, u32),
    Foreign(String),
}

/// Everything there is at one time, by what it does.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) leads: BTreeMap<Who, Vec<(Who, Lead)>>,
    pub(super) runs: BTreeMap<Who, Vec<Resolved<Run>>>,
    pub(super) joins: BTreeMap<Who, Vec<Resolved<Join>>>,
    pub(super) admits: BTreeMap<Who, Vec<(Option<Who>, Admission)>>,
    paces: BTreeMap<Who, Pace>,
    pub(super) stands: BTreeMap<Who, (BTreeSet<Who>, bool)>,
    pub(super) tables: BTreeMap<Who, Table>,
    pub(super) associations: Associations,
    /// Everything that is there, whatever it does.
    pub(super) there: BTreeSet<Who>,
}

/// A fact, and the groups it names.
#[derive(Clone)]
pub(super) struct Resolved<F> {
    pub(super) groups: BTreeSet<Who>,
    pub(super) fact: F,
}

/// The subnets that a table says the way for, and over what each range is reached: by all, or by
/// those alone who have a public address.
#[derive(Clone, Default)]
pub(super) struct Table {
    pub(super) subnets: BTreeSet<Who>,
    pub(super) over: BTreeMap<String, (Who, bool)>,
}

/// Which table says where packets of a subnet go. A subnet is associated with one at a time, so
/// the last that takes it has it.
#[derive(Clone, Default)]
pub(super) struct Associations(BTreeMap<Who, Who>);

impl Associations {
    /// Each subnet, and the table that says where its packets go.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Who, &Who)> {
        self.0.iter()
    }

    /// The table that says where packets of a subnet go.
    pub(super) fn of(&self, subnet: &Who) -> Option<&Who> {
        self.0.get(subnet)
    }

    /// A table takes the subnets that are new to it and lets go of those that are no longer its.
    fn change(&mut self, table: &Who, had: &BTreeSet<Who>, has: &BTreeSet<Who>) {
        for left in had.difference(has) {
            if self.0.get(left) == Some(table) {
                self.0.remove(left);
            }
        }
        for taken in has.difference(had) {
            self.0.insert(taken.clone(), table.clone());
        }
    }
}

/// Who is meant by a reference, at the end of a plan.
pub(super) struct Names {
    by_id: BTreeMap<String, Who>,
    newest: BTreeMap<Address, u32>,
}

impl Names {
    pub(super) fn of(lives: &[Live], plan: &Plan) -> Self {
        let ours = |live: &Live| Who::Ours(live.address.clone(), live.generation);
        let by_id = lives.iter().map(|live| (live.id().to_owned(), ours(live))).collect();
        let mut newest = BTreeMap::new();
        for (address, generation) in lives
            .iter()
            .map(|live| (&live.address, live.generation))
            .chain(plan.steps.iter().map(|step| (&step.address, step.generation)))
        {
            let newest = newest.entry(address.clone()).or_insert(generation);
            *newest = generation.max(*newest);
        }
        Self { by_id, newest }
    }

    pub(super) fn named(&self, address: &Address) -> Who {
        Who::Ours(address.clone(), self.newest.get(address).copied().unwrap_or(1))
    }

    pub(super) fn find(&self, thing: &Thing, itself: &Who) -> Who {
        match thing {
            Thing::Itself => itself.clone(),
            Thing::Named(address) => self.named(address),
            Thing::Physical(id) => {
                self.by_id.get(id).cloned().unwrap_or_else(|| Who::Foreign(id.clone()))
            }
        }
    }
}

impl State {
    /// How long the tasks of a step's resource take with what they fill.
    pub(super) fn pace(&self, step: &Step) -> Pace {
        let who = Who::Ours(step.address.clone(), step.generation);
        let groups = self.runs.get(&who).into_iter().flatten().flat_map(|run| &run.groups);
        let paces = groups.filter_map(|group| self.paces.get(group));
        paces.fold(Pace::default(), |longest, pace| Pace {
            joining: longest.joining.max(pace.joining),
            leaving: longest.leaving.max(pace.leaving),
        })
    }

    pub(super) fn set(&mut self, names: &Names, who: &Who, facts: Vec<Fact>) {
        self.leads.remove(who);
        self.runs.remove(who);
        self.joins.remove(who);
        self.admits.remove(who);
        self.paces.remove(who);
        self.stands.remove(who);
        let had = self.tables.remove(who).unwrap_or_default().subnets;
        let find = |thing: &Thing| names.find(thing, who);
        let all = |things: &BTreeSet<Thing>| -> BTreeSet<Who> { things.iter().map(find).collect() };
        let mut has = BTreeSet::new();
        for fact in facts {
            match fact {
                Fact::Stands(stand) => {
                    let stands = (all(&stand.subnets), stand.has_address);
                    self.stands.insert(who.clone(), stands);
                }
                Fact::Routes(routes) => {
                    has = all(&routes.subnets);
                    let over = routes
                        .over
                        .iter()
                        .map(|(range, way)| (range.clone(), (find(&way.over), way.needs_address)));
                    let table = Table { subnets: has.clone(), over: over.collect() };
                    self.tables.insert(who.clone(), table);
                }
                Fact::Leads(mut lead) => {
                    let at = find(&lead.at);
                    if let Some(Destination::Groups(groups)) = &mut lead.to {
                        *groups = groups.iter().map(|group| pinned(&find(group))).collect();
                    }
                    self.leads.entry(who.clone()).or_default().push((at, lead));
                }
                Fact::Runs(run) => {
                    let run = Resolved { groups: all(&run.groups), fact: run };
                    self.runs.entry(who.clone()).or_default().push(run);
                }
                Fact::Joins(join) => {
                    let join = Resolved { groups: all(&join.groups), fact: join };
                    self.joins.entry(who.clone()).or_default().push(join);
                }
                // What they do to the number there is shows when they come: see `bounded`.
                Fact::Bounds(_) => {}
                Fact::Takes(pace) => {
                    self.paces.insert(who.clone(), pace);
                }
                Fact::Admits(admission) => {
                    let peer = match &admission.from {
                        Peer::Group(group) => Some(find(group)),
                        Peer::Addresses(_) | Peer::Everybody => None,
                    };
                    self.admits.entry(who.clone()).or_default().push((peer, admission));
                }
            }
        }
        self.associations.change(who, &had, &has);
    }
}

/// A resource in a form that no later step changes.
pub(super) fn pinned(who: &Who) -> Thing {
    match who {
        Who::Ours(address, generation) => Thing::Physical(format!("{address} {generation}")),
        Who::Foreign(id) => Thing::Physical(id.clone()),
    }
}

impl Who {
    /// As a person knows it.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Ours(address, _) => address.to_string(),
            Self::Foreign(id) => id.clone(),
        }
    }
}
