//! Turns decisions into steps, and says what each step waits for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Decision, Planner, Verdict};
use crate::plan::{Action, Plan, Reason, Step, StepId};
use crate::snapshot::physical;
use crate::{Address, Impact, Live, Removal, Replacement, Roles, references};

impl<'a> Planner<'a> {
    /// Turns decisions into steps, and says what each waits for.
    pub(super) fn steps(&self, decisions: &BTreeMap<Address, Decision<'a>>) -> Plan {
        let mut steps = Steps::default();
        for (address, decision) in decisions {
            self.make(&mut steps, address, decision);
        }
        for live in &self.snapshot.lives {
            self.remove(&mut steps, live, decisions.get(&live.address));
        }
        self.connect_makes(&mut steps, decisions);
        self.connect_removals(&mut steps, decisions);
        steps.connect_superseded();
        Plan {
            scope: self.stack.scope.clone(),
            account: self.snapshot.account.clone(),
            region: self.snapshot.region.clone(),
            roles: self.roles(),
            fingerprint: self.snapshot.fingerprint(),
            steps: steps.list,
            known: self.known.clone(),
            outputs: self.stack.outputs.clone(),
            foreign: self.foreign(),
            strays: self.snapshot.strays.clone(),
            unrecorded: self.snapshot.unrecorded(),
        }
    }

    /// The step that makes, changes or waits for a resource of the stack.
    fn make(&self, steps: &mut Steps<'a>, address: &Address, decision: &Decision<'a>) {
        let generation = decision.live.map_or(0, |live| live.generation);
        let (action, reason, generation) = match decision.verdict {
            Verdict::Keep => return,
            Verdict::Create => (Action::Create, Reason::Missing, 1),
            Verdict::Update => (Action::Update, Reason::Differs, generation),
            Verdict::Sign => (Action::Update, Reason::Unsigned, generation),
            Verdict::Await => (Action::Await, Reason::Unfinished, generation),
            Verdict::Replace(how) => {
                (Action::Create, Reason::Replaced(how), self.snapshot.newest(address) + 1)
            }
        };
        let place = match (action, decision.live) {
            (Action::Update | Action::Await | Action::Delete, Some(live)) => &live.place,
            _ => &decision.desired.place,
        };
        let typical = self.kinds.find(&address.kind).map_or(0, |kind| match action {
            Action::Update => kind.typical.update,
            _ => kind.typical.create,
        });
        let id = steps.add(Step {
            id: 0,
            address: address.clone(),
            place: place.clone(),
            action,
            reason,
            generation,
            impact: decision.impact,
            differences: decision.differences.clone(),
            wanted: Some(decision.desired.spec.clone()),
            live: decision.live.filter(|_| action != Action::Create).cloned(),
            after: BTreeSet::new(),
            typical,
        });
        steps.makes.insert(address.clone(), id);
    }

    /// The step that deletes a live resource, if it is to go.
    fn remove(&self, steps: &mut Steps<'a>, live: &'a Live, decision: Option<&Decision<'a>>) {
        let kind = self.kinds.find(&live.address.kind);
        if kind.is_none_or(|kind| kind.removal == Removal::WithParent) {
            return;
        }
        let is_current = decision.and_then(|decision| decision.live).is_some_and(|current| {
            (current.generation, current.id(), &current.place)
                == (live.generation, live.id(), &live.place)
        });
        let reason = match decision.map(|decision| decision.verdict) {
            None => Reason::Unwanted,
            Some(_) if !is_current && self.is_history(live) => return,
            Some(_) if !is_current => superseded(live, self.snapshot.current(&live.address)),
            Some(Verdict::Replace(Replacement::Supersede)) => return,
            Some(Verdict::Replace(how)) => Reason::Replaced(how),
            Some(_) => return,
        };
        let deletion = kind.map_or(Impact::Unknown, |kind| kind.deletion);
        let id = steps.add(Step {
            id: 0,
            address: live.address.clone(),
            place: live.place.clone(),
            action: Action::Delete,
            reason,
            generation: live.generation,
            impact: if reason == Reason::Unwanted { deletion } else { Impact::None },
            differences: vec![],
            wanted: None,
            live: Some(live.clone()),
            after: BTreeSet::new(),
            typical: kind.map_or(0, |kind| kind.typical.delete),
        });
        steps.removals.push((id, live));
    }

    /// The roles that lead to other accounts: the stack's where it has one.
    fn roles(&self) -> Roles {
        let known = self.snapshot.roles.iter().chain(&self.stack.roles);
        known.map(|(account, role)| (account.clone(), role.clone())).collect()
    }

    /// Whether a resource is an older generation of a kind whose old generations stay as history.
    fn is_history(&self, live: &Live) -> bool {
        let kind = self.kinds.find(&live.address.kind);
        kind.zip(self.snapshot.current(&live.address)).is_some_and(|(kind, current)| {
            live.place == current.place
                && live.generation < current.generation
                && kind.replacement(&live.spec, &current.spec) == Replacement::Supersede
        })
    }

    /// A resource is made after what it refers to and what its kind comes after.
    fn connect_makes(&self, steps: &mut Steps<'a>, decisions: &BTreeMap<Address, Decision<'a>>) {
        let targets: BTreeMap<&Address, BTreeSet<Address>> = decisions
            .iter()
            .map(|(address, decision)| (address, references(&decision.desired.spec)))
            .collect();
        for (address, id) in steps.makes.clone() {
            let mut before: BTreeSet<Address> = targets[&address].clone();
            for (other, theirs) in &targets {
                if self.comes_after(&address.kind, &other.kind, |sharing| {
                    targets[&address].intersection(theirs).any(|shared| shared.kind == sharing)
                }) {
                    before.insert((*other).clone());
                }
            }
            let before: Vec<StepId> =
                before.iter().filter_map(|address| steps.makes.get(address).copied()).collect();
            steps.list[id].after.extend(before);
        }
    }

    /// A resource is deleted after all that refers to it is deleted or has moved away.
    fn connect_removals(&self, steps: &mut Steps<'a>, decisions: &BTreeMap<Address, Decision<'a>>) {
        let kind_of: BTreeMap<&str, &str> = self
            .snapshot
            .lives
            .iter()
            .map(|live| (live.id(), live.address.kind.as_str()))
            .collect();
        for (id, live) in steps.removals.clone() {
            let mine = physical(&live.spec);
            // What only comes after it stays while it is made anew, replaced or not.
            let is_back_soon = steps.list[id].reason == Reason::Replaced(Replacement::DeleteFirst);
            for (other_id, other) in &steps.removals {
                let theirs = physical(&other.spec);
                let shares = |sharing: &str| {
                    mine.intersection(&theirs).any(|id| kind_of.get(id) == Some(&sharing))
                };
                if *other_id != id
                    && (theirs.contains(live.id())
                        || (!is_back_soon
                            && self.comes_after(&other.address.kind, &live.address.kind, shares)))
                {
                    steps.list[id].after.insert(*other_id);
                }
            }
            let successor = steps.makes.get(&live.address).copied();
            if is_back_soon {
                if let Some(successor) = successor {
                    steps.list[successor].after.insert(id);
                }
                continue;
            }
            if !matches!(steps.list[id].reason, Reason::Superseded | Reason::Twin) {
                steps.list[id].after.extend(successor);
            }
            for (address, decision) in decisions {
                let refers =
                    decision.live.is_some_and(|other| physical(&other.spec).contains(live.id()));
                if let (true, Some(mover)) = (refers, steps.makes.get(address)) {
                    steps.list[id].after.insert(*mover);
                }
            }
        }
    }

    /// Whether resources of `kind` come after those of `other`; `shares` says whether two of them
    /// have a reference to a resource of some kind in common.
    fn comes_after(&self, kind: &str, other: &str, shares: impl Fn(&str) -> bool) -> bool {
        self.kinds.find(kind).is_some_and(|kind| {
            kind.after.iter().any(|after| after.kind == other && after.sharing.is_none_or(&shares))
        })
    }
}

/// Why a resource that is not the one to keep goes.
fn superseded(live: &Live, current: Option<&Live>) -> Reason {
    match current {
        Some(current) if current.generation == live.generation => Reason::Twin,
        _ => Reason::Superseded,
    }
}

/// The steps as they are collected, and which resource each is about.
#[derive(Default)]
struct Steps<'a> {
    list: Vec<Step>,
    makes: BTreeMap<Address, StepId>,
    removals: Vec<(StepId, &'a Live)>,
}

impl Steps<'_> {
    fn add(&mut self, mut step: Step) -> StepId {
        step.id = self.list.len();
        self.list.push(step);
        self.list.len() - 1
    }

    /// What is superseded stays until the newest generation is as it should be, unless that has
    /// to wait for it to go.
    fn connect_superseded(&mut self) {
        for (id, live) in &self.removals {
            if let (Reason::Superseded | Reason::Twin, Some(newest)) =
                (self.list[*id].reason, self.makes.get(&live.address))
                && !self.is_before(*id, *newest)
            {
                self.list[*id].after.insert(*newest);
            }
        }
    }

    /// Whether `later` waits for `first`, directly or not.
    fn is_before(&self, first: StepId, later: StepId) -> bool {
        let (mut seen, mut next) = (BTreeSet::new(), vec![later]);
        while let Some(id) = next.pop() {
            if seen.insert(id) {
                next.extend(&self.list[id].after);
            }
        }
        seen.contains(&first)
    }
}
