//! Decides what to do: a pure function from what should be and what is to a [`Plan`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::plan::{Action, Plan, Reason, Step, StepId};
use crate::{
    Address, Change, Cycle, Desired, Diagnostic, Difference, Graph, Impact, KindInfo, Kinds, Live,
    Outputs, Phase, Removal, Replacement, Snapshot, Stack, differences, references, resolve,
};

/// Plans how to make what is there what the stack says; a stack without resources plans its end.
///
/// A resource with deletion protection is deleted only when it is in `unprotected`.
///
/// # Errors
/// Everything that cannot be planned: cycles, changes AWS cannot make, protected resources that
/// would have to go.
pub fn plan(
    stack: &Stack,
    snapshot: &Snapshot,
    kinds: &Kinds,
    unprotected: &BTreeSet<Address>,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut planner = Planner { stack, snapshot, kinds, known: Outputs::new(), mistakes: vec![] };
    let decisions = planner.decide();
    let mut plan = planner.steps(&decisions);
    planner.protect(&plan, unprotected);
    if let Err(Cycle(ring)) = plan.arrange() {
        planner.mistakes.push(cycle(&ring));
    }
    if planner.mistakes.is_empty() { Ok(plan) } else { Err(planner.mistakes) }
}

/// What is to become of one resource of the stack.
struct Decision<'a> {
    desired: &'a Desired,
    live: Option<&'a Live>,
    verdict: Verdict,
    differences: Vec<Difference>,
    impact: Impact,
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Keep,
    Create,
    Update,
    Await,
    Replace(Replacement),
}

struct Planner<'a> {
    stack: &'a Stack,
    snapshot: &'a Snapshot,
    kinds: &'a Kinds,
    known: Outputs,
    mistakes: Vec<Diagnostic>,
}

impl<'a> Planner<'a> {
    /// Decides on every resource of the stack, each after those it refers to.
    fn decide(&mut self) -> BTreeMap<Address, Decision<'a>> {
        let resources = &self.stack.resources;
        let edges =
            resources.iter().map(|(address, desired)| (address.clone(), references(&desired.spec)));
        let order = Graph::new(edges).order().unwrap_or_else(|Cycle(ring)| {
            self.mistakes.push(cycle(&ring));
            Vec::new()
        });
        let mut decisions = BTreeMap::new();
        for address in order {
            let Some(kind) = self.kinds.find(&address.kind) else {
                let title = format!("there is no kind `{}`", address.kind);
                self.mistakes.push(Diagnostic::error("unknown-kind", title));
                continue;
            };
            let decision = self.decide_one(kind, &address, &resources[&address]);
            if let (Verdict::Keep | Verdict::Update | Verdict::Await, Some(live)) =
                (decision.verdict, decision.live)
            {
                self.known.insert(address.clone(), live.output.clone());
            }
            decisions.insert(address, decision);
        }
        spread_delete_first(&mut decisions);
        decisions
    }

    fn decide_one(
        &mut self,
        kind: &KindInfo,
        address: &Address,
        desired: &'a Desired,
    ) -> Decision<'a> {
        let live = self.snapshot.current(address);
        let mut decision = Decision {
            desired,
            live,
            verdict: Verdict::Create,
            differences: vec![],
            impact: Impact::None,
        };
        let Some(live) = live else { return decision };
        let wanted = match kind.normalize(resolve(&desired.spec, &self.known)) {
            Ok(wanted) => wanted,
            Err(error) => {
                let title = format!("{address} does not resolve to a {}: {error}", kind.name);
                self.mistakes.push(Diagnostic::error("unresolvable", title));
                return decision;
            }
        };
        let mut replace = live.phase == Phase::Leaving;
        for difference in differences(&live.spec, &wanted) {
            let field = difference.field().to_owned();
            let of = |spec: &Value| spec.get(&field).cloned().unwrap_or_default();
            match kind.change(&field, &of(&live.spec), &of(&wanted)) {
                Change::Delegated => continue,
                Change::InPlace(impact) => decision.impact = decision.impact.max(impact),
                Change::Replace(impact) => {
                    decision.impact = decision.impact.max(impact);
                    replace = true;
                }
                Change::Never(advice) => self.mistakes.push(
                    Diagnostic::error(
                        "cannot-change",
                        format!(
                            "{address}: {} cannot change from {} to {}",
                            difference.path, difference.before, difference.after
                        ),
                    )
                    .help(advice),
                ),
            }
            decision.differences.push(difference);
        }
        decision.verdict = if replace {
            Verdict::Replace(kind.replacement(&live.spec, &wanted))
        } else if !decision.differences.is_empty() {
            Verdict::Update
        } else if live.phase == Phase::Settling {
            Verdict::Await
        } else {
            Verdict::Keep
        };
        decision
    }

    /// Turns decisions into steps, and says what each waits for.
    fn steps(&self, decisions: &BTreeMap<Address, Decision<'a>>) -> Plan {
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
            fingerprint: self.snapshot.fingerprint(),
            steps: steps.list,
            known: self.known.clone(),
            outputs: self.stack.outputs.clone(),
            foreign: self.foreign(),
        }
    }

    /// The step that makes, changes or waits for a resource of the stack.
    fn make(&self, steps: &mut Steps<'a>, address: &Address, decision: &Decision<'a>) {
        let generation = decision.live.map_or(0, |live| live.generation);
        let (action, reason, generation) = match decision.verdict {
            Verdict::Keep => return,
            Verdict::Create => (Action::Create, Reason::Missing, 1),
            Verdict::Update => (Action::Update, Reason::Differs, generation),
            Verdict::Await => (Action::Await, Reason::Unfinished, generation),
            Verdict::Replace(how) => {
                (Action::Create, Reason::Replaced(how), self.snapshot.newest(address) + 1)
            }
        };
        let typical = self.kinds.find(&address.kind).map_or(0, |kind| match action {
            Action::Update => kind.typical.update,
            _ => kind.typical.create,
        });
        let id = steps.add(Step {
            id: 0,
            address: address.clone(),
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
            (current.generation, current.id()) == (live.generation, live.id())
        });
        let reason = match decision.map(|decision| decision.verdict) {
            None => Reason::Unwanted,
            Some(_) if !is_current && self.is_history(live) => return,
            Some(_) if !is_current => Reason::Superseded,
            Some(Verdict::Replace(Replacement::Supersede)) => return,
            Some(Verdict::Replace(how)) => Reason::Replaced(how),
            Some(_) => return,
        };
        let deletion = kind.map_or(Impact::Unknown, |kind| kind.deletion);
        let id = steps.add(Step {
            id: 0,
            address: live.address.clone(),
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

    /// Whether a resource is an older generation of a kind whose old generations stay as history.
    fn is_history(&self, live: &Live) -> bool {
        let kind = self.kinds.find(&live.address.kind);
        kind.zip(self.snapshot.current(&live.address)).is_some_and(|(kind, current)| {
            live.generation < current.generation
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
            if steps.list[id].reason != Reason::Superseded {
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

    fn protect(&mut self, plan: &Plan, unprotected: &BTreeSet<Address>) {
        for step in plan.steps.iter().filter(|step| step.action == Action::Delete) {
            let field = self.kinds.find(&step.address.kind).and_then(|kind| kind.protection);
            let is_protected = field
                .zip(step.live.as_ref())
                .is_some_and(|(field, live)| live.spec.get(field) == Some(&Value::Bool(true)));
            if is_protected && !unprotected.contains(&step.address) {
                let address = &step.address;
                self.mistakes.push(
                    Diagnostic::error(
                        "protected",
                        format!("{address} is protected against deletion"),
                    )
                    .help(format!("to delete it all the same, add `--unprotect {address}`")),
                );
            }
        }
    }

    fn foreign(&self) -> BTreeMap<Address, Vec<String>> {
        let lives = self.snapshot.lives.iter().filter(|live| !live.foreign.is_empty());
        lives.map(|live| (live.address.clone(), live.foreign.clone())).collect()
    }
}

/// Where a resource must go before its successor can come, so must what is made anew and
/// refers to it.
fn spread_delete_first(decisions: &mut BTreeMap<Address, Decision<'_>>) {
    loop {
        let going: BTreeSet<&str> = decisions
            .values()
            .filter(|decision| decision.verdict == Verdict::Replace(Replacement::DeleteFirst))
            .filter_map(|decision| decision.live.map(Live::id))
            .collect();
        let spread: Vec<Address> = decisions
            .iter()
            .filter(|(_, decision)| {
                decision.verdict == Verdict::Replace(Replacement::CreateFirst)
                    && decision.live.is_some_and(|live| !physical(&live.spec).is_disjoint(&going))
            })
            .map(|(address, _)| address.clone())
            .collect();
        if spread.is_empty() {
            return;
        }
        for address in spread {
            if let Some(decision) = decisions.get_mut(&address) {
                decision.verdict = Verdict::Replace(Replacement::DeleteFirst);
            }
        }
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
            if let (Reason::Superseded, Some(newest)) =
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

/// The physical identifiers a live spec refers to.
fn physical(spec: &Value) -> BTreeSet<&str> {
    match spec {
        Value::Object(fields) => match (fields.len(), fields.get("id").and_then(Value::as_str)) {
            (1, Some(id)) => BTreeSet::from([id]),
            _ => fields.values().flat_map(physical).collect(),
        },
        Value::Array(items) => items.iter().flat_map(physical).collect(),
        _ => BTreeSet::new(),
    }
}

fn cycle(ring: &[Address]) -> Diagnostic {
    let names: Vec<String> = ring.iter().chain(ring.first()).map(Address::to_string).collect();
    Diagnostic::error("cycle", format!("resources wait for each other: {}", names.join(" → ")))
}
