//! What users notice of each step: what all resources do together, before it and after it.

mod connections;
mod glob;
mod requests;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::connections::Lost;
pub(super) use self::requests::takes_some_of;
use self::ways::{Associations, Table};
use super::Planner;
use super::uses::Relations;
use crate::plan::{Action, Plan, Step};
use crate::{
    Address, Admission, Destination, Fact, Impact, Join, Lead, Live, Notice, Pace, Peer, Run, Thing,
};

/// One resource of one generation, or something that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Ours(Address, u32),
    Foreign(String),
}

/// Everything there is at one time, by what it does.
#[derive(Clone, Default)]
pub(super) struct State {
    leads: BTreeMap<Who, Vec<(Who, Lead)>>,
    runs: BTreeMap<Who, Vec<Resolved<Run>>>,
    joins: BTreeMap<Who, Vec<Resolved<Join>>>,
    admits: BTreeMap<Who, Vec<(Option<Who>, Admission)>>,
    paces: BTreeMap<Who, Pace>,
    stands: BTreeMap<Who, BTreeSet<Who>>,
    tables: BTreeMap<Who, Table>,
    associations: Associations,
    /// Everything that is there, whatever it does.
    there: BTreeSet<Who>,
}

/// A fact, and the groups it names.
#[derive(Clone)]
struct Resolved<F> {
    groups: BTreeSet<Who>,
    fact: F,
}

impl Planner<'_> {
    /// Says of each step, in their order, what users notice of it.
    pub(super) fn judge(&self, plan: &mut Plan, relations: &Relations<'_>) {
        let names = Names::of(self, plan);
        let mut state = State::default();
        for live in &self.snapshot.lives {
            let who = Who::Ours(live.address.clone(), live.generation);
            state.set(&names, &who, self.facts(&live.address, &live.spec));
            state.there.insert(who);
        }
        let samples = requests::Samples::of(self.leads(&names)).at(|who| state.there.contains(who));
        let released = self.released(relations);
        let (mut answers, mut reached) = (samples.answers(&state), state.reached());
        let mut ways = state.ways();
        for step in &mut plan.steps {
            step.notices = self.told(step);
            let leaving = state.pace(step).leaving;
            if self.take(&mut state, &names, step) {
                let (then, open) = (samples.answers(&state), state.reached());
                step.notices.extend(samples.notices(&answers, &then));
                let lost = connections::lost(&reached, &open, &state);
                let lost = lost.into_iter().filter(|lost| {
                    let is_released = lost.pair().is_some_and(|pair| released.contains(&pair));
                    !is_released && !self.is_leaving(lost.group())
                });
                step.notices.extend(lost.map(Lost::notice));
                let routed = state.ways();
                step.notices.extend(state.rerouted(&ways, &routed));
                (answers, reached, ways) = (then, open, routed);
            }
            step.typical += match step.action {
                Action::Create => state.pace(step).joining,
                Action::Update if step.impact >= Impact::Rolling => {
                    state.pace(step).joining + leaving
                }
                Action::Delete => leaving,
                Action::Update | Action::Await => 0,
            };
            step.notices.extend(idle(step, &self.facts_before(step)));
            step.notices.sort_by(|a, b| b.impact.cmp(&a.impact).then(a.because.cmp(&b.because)));
            step.notices.dedup();
            let noticed = step.notices.iter().map(|notice| notice.impact).max();
            step.impact = step.impact.max(noticed.unwrap_or_default());
        }
    }

    /// Whether a group goes, so that nobody can be in it.
    fn is_leaving(&self, group: Option<&Address>) -> bool {
        group.is_some_and(|group| !self.stack.resources.contains_key(group))
    }

    /// Who used what, and is to use it no more.
    fn released(&self, relations: &Relations<'_>) -> BTreeSet<(Address, Address)> {
        let (lives, kinds) = (&self.snapshot.lives, self.kinds);
        let mut released = BTreeSet::new();
        for (user, live) in lives.iter().enumerate() {
            let was = relations.there.through_history(user, kinds).into_iter();
            let still = relations.wanted.through_history(&live.address, kinds);
            let gone = was.map(|place| &lives[place].address).filter(|it| !still.contains(it));
            released.extend(gone.map(|gone| (live.address.clone(), gone.clone())));
        }
        released
    }

    /// What the kind says of a change's values.
    fn told(&self, step: &Step) -> Vec<Notice> {
        let (Action::Update, Some(live), Some(wanted), Some(kind)) =
            (step.action, &step.live, &step.wanted, self.kinds.find(&step.address.kind))
        else {
            return Vec::new();
        };
        let wanted = crate::resolve(wanted, &self.known);
        kind.notices(&live.spec, &kind.leave_delegated(&live.spec, &wanted))
    }

    fn facts(&self, address: &Address, spec: &Value) -> Vec<Fact> {
        self.kinds.find(&address.kind).map(|kind| kind.facts(spec)).unwrap_or_default()
    }

    fn facts_before(&self, step: &Step) -> Vec<Fact> {
        let live = step.live.as_ref().filter(|_| step.action == Action::Delete);
        live.map(|live| self.facts(&live.address, &live.spec)).unwrap_or_default()
    }

    /// Does what a step does. Whether that changes what anything does.
    fn take(&self, state: &mut State, names: &Names, step: &Step) -> bool {
        let who = Who::Ours(step.address.clone(), step.generation);
        let facts = match (step.action, &step.wanted) {
            (Action::Create | Action::Update, Some(wanted)) => {
                let kind = self.kinds.find(&step.address.kind);
                let given = kind.zip(step.live.as_ref());
                let wanted = given.map_or_else(
                    || wanted.clone(),
                    |(kind, live)| kind.leave_delegated(&live.spec, wanted),
                );
                self.facts(&step.address, &wanted)
            }
            (Action::Delete, _) => Vec::new(),
            _ => return false,
        };
        let was_there = match step.action {
            Action::Delete => state.there.remove(&who),
            _ => !state.there.insert(who.clone()),
        };
        let changes = was_there || !facts.is_empty();
        state.set(names, &who, facts);
        changes
    }

    /// Everything that leads requests, as it is and as it is to be.
    fn leads(&self, names: &Names) -> Vec<(Who, Lead)> {
        let live = self.snapshot.lives.iter().map(|live| {
            (Who::Ours(live.address.clone(), live.generation), &live.address, &live.spec)
        });
        let wanted = self
            .stack
            .resources
            .iter()
            .map(|(address, desired)| (names.named(address), address, &desired.spec));
        let leads = live.chain(wanted).flat_map(|(who, address, spec)| {
            let facts = self.facts(address, spec).into_iter();
            facts.filter_map(move |fact| match fact {
                Fact::Leads(lead) => Some((names.find(&lead.at, &who), lead)),
                _ => None,
            })
        });
        leads.collect()
    }
}

/// Tasks that end and that nobody asks for anything: a worker.
fn idle(step: &Step, facts: &[Fact]) -> Option<Notice> {
    let ends = facts.iter().any(|fact| matches!(fact, Fact::Runs(run) if run.groups.is_empty()));
    let is_wanted = !matches!(step.reason, crate::Reason::Replaced(_));
    (ends && is_wanted).then(|| Notice::new(Impact::Outage, "its tasks end"))
}

/// Who is meant by a reference, at the end of a plan.
struct Names {
    by_id: BTreeMap<String, Who>,
    newest: BTreeMap<Address, u32>,
}

impl Names {
    fn of(planner: &Planner<'_>, plan: &Plan) -> Self {
        let lives = &planner.snapshot.lives;
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

    fn named(&self, address: &Address) -> Who {
        Who::Ours(address.clone(), self.newest.get(address).copied().unwrap_or(1))
    }

    fn find(&self, thing: &Thing, itself: &Who) -> Who {
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
    fn pace(&self, step: &Step) -> Pace {
        let who = Who::Ours(step.address.clone(), step.generation);
        let groups = self.runs.get(&who).into_iter().flatten().flat_map(|run| &run.groups);
        let paces = groups.filter_map(|group| self.paces.get(group));
        paces.fold(Pace::default(), |longest, pace| Pace {
            joining: longest.joining.max(pace.joining),
            leaving: longest.leaving.max(pace.leaving),
        })
    }

    fn set(&mut self, names: &Names, who: &Who, facts: Vec<Fact>) {
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
                Fact::Stands(subnets) => drop(self.stands.insert(who.clone(), all(&subnets))),
                Fact::Routes(routes) => {
                    has = all(&routes.subnets);
                    let over = routes.over.iter().map(|(range, by)| (range.clone(), find(by)));
                    let table = Table { subnets: has.clone(), over: over.collect() };
                    self.tables.insert(who.clone(), table);
                }
                Fact::Leads(mut lead) => {
                    let at = find(&lead.at);
                    if let Some(Destination::Group(group)) = &mut lead.to {
                        *group = pinned(&find(group));
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
fn pinned(who: &Who) -> Thing {
    match who {
        Who::Ours(address, generation) => Thing::Physical(format!("{address} {generation}")),
        Who::Foreign(id) => Thing::Physical(id.clone()),
    }
}

impl Who {
    /// As a person knows it.
    fn word(&self) -> String {
        match self {
            Self::Ours(address, _) => address.to_string(),
            Self::Foreign(id) => id.clone(),
        }
    }
}
