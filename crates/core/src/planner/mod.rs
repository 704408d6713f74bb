//! Decides what to do: a pure function from what should be and what is to a [`Plan`].

mod edges;
mod halves;
mod model;
mod steps;
mod traffic;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::halves::Halves;
use self::uses::Relations;
use crate::live::physical;
use crate::plan::Plan;
use crate::{
    Action, Address, Change, Code, Cycle, Desired, Diagnostic, Difference, Dispute, Graph, Impact,
    KindInfo, Kinds, Live, Outputs, Phase, Replacement, Snapshot, Stack, references, resolve,
};

/// Plans how to make the account match the stack; a stack without resources plans its end.
///
/// A resource with deletion protection is deleted only when it is in `unprotected`.
///
/// # Errors
/// Everything that cannot be planned: cycles, changes AWS cannot make, protected resources that
/// would have to go, resources that another stack of the same name has made.
pub fn plan(
    stack: &Stack,
    snapshot: &Snapshot,
    kinds: &Kinds,
    unprotected: &BTreeSet<Address>,
) -> Result<Plan, Vec<Diagnostic>> {
    if let Some(other) = snapshot.other_origin() {
        return Err(vec![another_stack(stack, other)]);
    }
    let mut planner = Planner { stack, snapshot, kinds, known: Outputs::new(), mistakes: vec![] };
    let decisions = planner.decide();
    let relations = Relations::of(stack, snapshot, kinds);
    let mut steps = planner.steps(&decisions);
    planner.connect(&mut steps, &decisions, &relations);
    let mut plan = planner.whole(steps);
    planner.protect(&plan, unprotected);
    planner.miss(&decisions, unprotected);
    planner.mistakes.extend(snapshot.disputes.iter().map(disputed));
    if let Err(Cycle(ring)) = plan.arrange() {
        planner.mistakes.push(cycle(&ring));
    }
    planner.judge(&mut plan, &relations);
    if planner.mistakes.is_empty() { Ok(plan) } else { Err(planner.mistakes) }
}

fn another_stack(stack: &Stack, other: &str) -> Diagnostic {
    let ours = match &stack.scope.origin {
        Some(origin) => format!("this one is {origin}"),
        None => "where this one is kept is not known: set `origin:`, or run inside a git checkout \
                 that has a remote `origin`"
            .to_owned(),
    };
    let title = format!("{} exists already, made from {other}; {ours}", stack.scope);
    Diagnostic::error(Code::AnotherStack, title).help(format!(
        "if it is another stack, give this one another name; if it is the same and has moved, \
         write `origin: {other}` in it"
    ))
}

fn disputed(dispute: &Dispute) -> Diagnostic {
    let Dispute { address, ids } = dispute;
    let title = match ids.as_slice() {
        [id] => format!("{id} carries the tags of {address} and is not what was made"),
        ids => format!("{} carry the tags of {address}, and only one is ours", ids.join(" and ")),
    };
    Diagnostic::error(Code::Disputed, title).help(format!(
        "say which one with `deployer adopt {address} ID`, or remove the `deployer:` tags from the \
         others"
    ))
}

/// What is to become of one resource of the stack.
struct Decision<'a> {
    desired: &'a Desired,
    live: Option<&'a Live>,
    verdict: Verdict,
    differences: Vec<Difference>,
    impact: Impact,
    /// What an update gives and takes away, where it is about sets of such.
    halves: Option<Halves>,
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Keep,
    Create,
    Update,
    /// Its tags are written anew.
    Sign,
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
                self.mistakes.push(Diagnostic::error(Code::UnknownKind, title));
                continue;
            };
            let decision = self.decide_one(kind, &address, &resources[&address]);
            if let (Verdict::Keep | Verdict::Update | Verdict::Sign | Verdict::Await, Some(live)) =
                (decision.verdict, decision.live)
            {
                self.known.insert(address.clone(), known(kind, live, &decision.differences));
            }
            decisions.insert(address, decision);
        }
        spread_delete_first(&mut decisions);
        self.reserve(&mut decisions);
        decisions
    }

    fn decide_one(
        &mut self,
        kind: &KindInfo,
        address: &Address,
        desired: &'a Desired,
    ) -> Decision<'a> {
        let live = self.snapshot.current_at(&desired.place, address);
        let mut decision = Decision {
            desired,
            live,
            verdict: Verdict::Create,
            differences: vec![],
            impact: Impact::None,
            halves: None,
        };
        let Some(live) = live else { return decision };
        let wanted = match kind.normalize(resolve(&desired.spec, &self.known)) {
            Ok(wanted) => wanted,
            Err(error) => {
                let title = format!("{address} does not resolve to a {}: {error}", kind.name);
                self.mistakes.push(Diagnostic::error(Code::Unresolvable, title));
                return decision;
            }
        };
        let compared = kind.compare(&live.spec, &wanted);
        let replace = live.phase == Phase::Leaving
            || compared.iter().any(|(_, change)| matches!(change, Change::Replace(_)));
        for (difference, change) in &compared {
            // What is made anew can have any value.
            if let (Change::Never(advice), false) = (change, replace) {
                let Difference { path, before, after, .. } = difference;
                let title = format!("{address}: {path} cannot change from {before} to {after}");
                self.mistakes.push(Diagnostic::error(Code::CannotChange, title).help(*advice));
            }
        }
        let judge = |compared| judged(kind, live.mark.as_deref(), &wanted, compared);
        (decision.differences, decision.impact) = judge(compared);
        let moves = live.place != desired.place;
        if moves {
            decision.impact = decision.impact.max(kind.deletion);
            decision.differences.push(moved(live, desired));
        }
        decision.verdict = if moves {
            // Elsewhere its name is free.
            Verdict::Replace(Replacement::CreateFirst)
        } else if replace {
            Verdict::Replace(kind.replacement(&live.spec, &wanted))
        } else if !decision.differences.is_empty() {
            decision.halves = Halves::of(kind, &live.spec, &wanted, judge);
            decision.differences.extend(self.retagged(kind, live));
            Verdict::Update
        } else if !live.is_signed || !self.retagged(kind, live).is_empty() {
            decision.differences = self.retagged(kind, live);
            Verdict::Sign
        } else if live.phase == Phase::Settling {
            Verdict::Await
        } else {
            Verdict::Keep
        };
        decision
    }

    /// The tags of the user's own that differ. What is part of another resource has none.
    fn retagged(&self, kind: &KindInfo, live: &Live) -> Vec<Difference> {
        if kind.part_of.is_some() {
            return Vec::new();
        }
        let wanted = &self.stack.scope.tags;
        let keys: BTreeSet<&String> = live.tags.keys().chain(wanted.keys()).collect();
        let differing = keys.into_iter().filter(|key| live.tags.get(*key) != wanted.get(*key));
        let value = |tags: &BTreeMap<String, String>, key| {
            tags.get(key).map_or(Value::Null, |value| value.as_str().into())
        };
        let difference = |key| Difference {
            path: format!("tags.{key}"),
            before: value(&live.tags, key),
            after: value(wanted, key),
            unknown: false,
            drift: false,
        };
        differing.map(difference).collect()
    }

    fn protect(&mut self, plan: &Plan, unprotected: &BTreeSet<Address>) {
        for step in plan.steps.iter().filter(|step| step.action == Action::Delete) {
            let field = self.kinds.find(&step.address.kind).and_then(|kind| kind.protection);
            let is_protected = field
                .zip(step.live.as_ref())
                .is_some_and(|(field, live)| live.spec.get(field) == Some(&Value::Bool(true)));
            let address = &step.address;
            if unprotected.contains(address) {
                continue;
            }
            let advice = format!("to delete it all the same, add `--unprotect {address}`");
            if is_protected {
                let title = format!("{address} is protected against deletion");
                self.mistakes.push(Diagnostic::error(Code::Protected, title).help(advice.clone()));
            }
            let attached: Vec<String> =
                step.live.iter().flat_map(|live| self.attached(live)).collect();
            for foreign in attached {
                let title = format!("deleting {address} would also delete {foreign}");
                self.mistakes.push(Diagnostic::error(Code::Attached, title).help(advice.clone()));
            }
        }
    }

    /// What is attached to a resource and not ours.
    fn attached(&self, live: &Live) -> Vec<String> {
        let strays = self.snapshot.strays.iter().filter(|stray| stray.uses.contains(live.id()));
        let strays = strays.map(|stray| format!("{}, which carries copied tags", stray.id));
        live.foreign.iter().cloned().chain(strays).collect()
    }

    /// Finds resources that are to be made although others of ours are in one: somebody has taken
    /// their tags off, and another one would be made beside them.
    fn miss(
        &mut self,
        decisions: &BTreeMap<Address, Decision<'_>>,
        unprotected: &BTreeSet<Address>,
    ) {
        let missing = decisions.iter().filter(|(address, decision)| {
            decision.live.is_none()
                && !unprotected.contains(*address)
                && self.kinds.find(&address.kind).is_some_and(|kind| kind.refused_while_used)
        });
        let known: BTreeSet<&str> = self.snapshot.lives.iter().map(Live::id).collect();
        for (address, _) in missing {
            let found = decisions.iter().find_map(|(user, decision)| {
                let live = decision.live.filter(|live| live.phase != Phase::Leaving)?;
                let ids = ids_behind(address, &decision.desired.spec, &live.spec);
                let id = ids.into_iter().find(|id| !known.contains(id))?;
                Some((user, id))
            });
            let Some((user, id)) = found else { continue };
            let title = format!("{user} uses {id} as {address}, and it does not carry our tags");
            self.mistakes.push(Diagnostic::error(Code::Untagged, title).help(format!(
                "if somebody took them off, `deployer adopt {address} {id}` puts them back; to \
                 make another one beside it, add `--unprotect {address}`"
            )));
        }
    }

    fn foreign(&self) -> BTreeMap<Address, Vec<String>> {
        let lives = self.snapshot.lives.iter().filter(|live| !live.foreign.is_empty());
        lives.map(|live| (live.address.clone(), live.foreign.clone())).collect()
    }
}

/// The differences as a plan shows them, and the worst that users notice of them.
fn judged(
    kind: &KindInfo,
    mark: Option<&str>,
    wanted: &Value,
    compared: Vec<(Difference, Change)>,
) -> (Vec<Difference>, Impact) {
    let impact = compared.iter().map(|(_, change)| change.impact()).max().unwrap_or_default();
    let differences = compared.into_iter().map(|(difference, _)| {
        let field = difference.field();
        let given = wanted.get(field).unwrap_or(&Value::Null);
        let drift = mark.is_some_and(|mark| kind.is_marked(mark, field, given) == Some(true));
        Difference { drift, ..difference }
    });
    (differences.collect(), impact)
}

/// What is known of a resource's outputs before its differences are gone.
fn known(kind: &KindInfo, live: &Live, differences: &[Difference]) -> Value {
    let mut output = live.output.clone();
    for (field, moved) in kind.moves {
        let moves = differences.iter().any(|difference| difference.field() == *field);
        if let Some(output) = output.get_mut(*moved).filter(|_| moves) {
            *output = Value::Null;
        }
    }
    output
}

/// That a resource is elsewhere than it is to be.
fn moved(live: &Live, desired: &Desired) -> Difference {
    Difference {
        path: "at".to_owned(),
        before: live.place.to_string().into(),
        after: desired.place.to_string().into(),
        unknown: false,
        drift: false,
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

/// The physical identifiers that stand in a live spec where a wanted one refers to `address`.
fn ids_behind<'a>(address: &Address, wanted: &Value, live: &'a Value) -> BTreeSet<&'a str> {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(_)) if is_reference(wanted, address) => {
            physical(live)
        }
        (Value::Object(wanted), Value::Object(live)) => wanted
            .iter()
            .filter_map(|(key, wanted)| Some(ids_behind(address, wanted, live.get(key)?)))
            .flatten()
            .collect(),
        // The order of a set of references says nothing, so each may be the one.
        (Value::Array(items), Value::Array(_)) if references(wanted).contains(address) => {
            let written: BTreeSet<&str> = items.iter().flat_map(physical).collect();
            physical(live).into_iter().filter(|id| !written.contains(id)).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn is_reference(object: &serde_json::Map<String, Value>, address: &Address) -> bool {
    object.len() == 1 && object.get("ref").and_then(Value::as_str) == Some(&address.to_string())
}

fn cycle(ring: &[Address]) -> Diagnostic {
    let names: Vec<String> = ring.iter().chain(ring.first()).map(Address::to_string).collect();
    Diagnostic::error(Code::Cycle, format!("resources wait for each other: {}", names.join(" → ")))
}
