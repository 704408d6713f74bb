//! Decides what to do: a pure function from what should be and what is to a [`Plan`].

mod edges;
mod halves;
mod model;
mod steps;
mod traffic;
mod uses;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::halves::Halves;
use self::uses::Relations;
use crate::live::physical;
use crate::plan::{Plan, Refused};
use crate::{
    Action, Address, Change, Code, Cycle, Desired, Diagnostic, Difference, Dispute, Graph, Impact,
    KindInfo, Kinds, Live, Outputs, Phase, Replacement, Snapshot, Stack, references, resolve,
};

/// Plans how to make the account match the stack; a stack without resources plans its end.
///
/// A resource with deletion protection is deleted only when it is in `unprotected`.
///
/// A change that AWS cannot make is refused, and everything else is planned.
///
/// # Errors
/// Everything that cannot be planned: cycles, protected resources that would have to go, resources
/// that another stack of the same name has made.
pub fn plan(
    stack: &Stack,
    snapshot: &Snapshot,
    kinds: &Kinds,
    unprotected: &BTreeSet<Address>,
) -> Result<Plan, Vec<Diagnostic>> {
    if let Some(other) = snapshot.other_origin() {
        return Err(vec![another_stack(stack, other)]);
    }
    let (known, refused, mistakes) = (Outputs::new(), vec![], vec![]);
    let mut planner = Planner { stack, snapshot, kinds, known, refused, mistakes };
    let decisions = planner.decide();
    let relations = Relations::of(stack, snapshot, kinds);
    let mut steps = planner.steps(&decisions);
    planner.connect(&mut steps, &decisions, &relations);
    let mut plan = planner.whole(steps);
    planner.protect(&plan, unprotected);
    planner.refuse_phantoms(&decisions, unprotected);
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
    Diagnostic::error(Code::Disputed, title).about(address).help(format!(
        "say which one with `deployer adopt {address} ID`, or remove the `deployer:` tags from the \
         others"
    ))
}

/// What is to become of one resource of the stack.
struct Decision<'a> {
    /// What is wanted of it, but for what is refused, which is as it is.
    desired: Cow<'a, Desired>,
    live: Option<&'a Live>,
    verdict: Verdict,
    differences: Vec<Difference>,
    impact: Impact,
    /// What an update gives and takes away, where it is about sets of such.
    halves: Option<Halves>,
    /// What alone it would be replaced for, although it was given just that.
    phantoms: Vec<Difference>,
    /// What the predecessor of a replacement becomes first, so that it suits what fills both.
    softened: Option<Softened>,
}

/// A spec that suits old and new, how it differs from the present one, and who notices.
struct Softened {
    spec: Value,
    differences: Vec<Difference>,
    impact: Impact,
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
    refused: Vec<Refused>,
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
            desired: Cow::Borrowed(desired),
            live,
            verdict: Verdict::Create,
            differences: vec![],
            impact: Impact::None,
            halves: None,
            phantoms: vec![],
            softened: None,
        };
        let Some(live) = live else { return decision };
        let mut wanted = match kind.normalize(resolve(&desired.spec, &self.known)) {
            Ok(wanted) => wanted,
            Err(error) => {
                let title = format!("{address} does not resolve to a {}: {error}", kind.name);
                self.mistakes.push(Diagnostic::error(Code::Unresolvable, title).about(address));
                return decision;
            }
        };
        for (field, kept) in self.let_go(&live.spec, &wanted) {
            put(&mut wanted, &field, &kept);
            put(&mut decision.desired.to_mut().spec, &field, &kept);
        }
        let mut compared = kind.compare(&live.spec, &wanted);
        let moves = live.place != desired.place;
        // A release that never came up is made again.
        let replace = matches!(live.phase, Phase::Leaving | Phase::Failed)
            || compared.iter().any(|(_, change)| matches!(change, Change::Replace(_)));
        // What is made anew can have any value.
        if !replace && !moves {
            let refused = self.refuse(kind, address, live, &wanted, &mut compared);
            for difference in &refused {
                put(&mut wanted, &difference.path, &difference.before);
                let desired = decision.desired.to_mut();
                put(&mut desired.spec, &difference.path, &difference.before);
            }
        }
        let is_fixed = |(_, change): &&(Difference, Change)| matches!(change, Change::Replace(_));
        let fixed: BTreeSet<String> = compared
            .iter()
            .filter(is_fixed)
            .map(|(difference, _)| difference.path.clone())
            .collect();
        let judge = |compared| judged(kind, live.mark.as_deref(), &wanted, compared);
        (decision.differences, decision.impact) = judge(compared);
        let fixed = decision.differences.iter().filter(|it| fixed.contains(&it.path));
        let is_there = !matches!(live.phase, Phase::Leaving | Phase::Failed);
        if is_there && fixed.clone().all(|difference| difference.drift) {
            decision.phantoms = fixed.cloned().collect();
        }
        if moves {
            decision.impact = decision.impact.max(kind.deletion(live));
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

    /// What is left of the lists that the stack says nothing of, where something goes that is in one:
    /// it could not be deleted before it is let go of.
    fn let_go(&self, live: &Value, wanted: &Value) -> Vec<(String, Value)> {
        let silent = wanted.as_object().into_iter().flatten().filter(|(_, value)| value.is_null());
        let left = silent.filter_map(|(field, _)| {
            let items = live.get(field)?.as_array()?;
            let is_kept = |item: &&Value| {
                let ids = physical(item);
                self.gone().all(|gone| !ids.contains(gone.id()))
            };
            let kept: Vec<Value> = items.iter().filter(is_kept).cloned().collect();
            (kept.len() < items.len()).then(|| (field.clone(), kept.into()))
        });
        left.collect()
    }

    /// Takes out of the differences those that AWS cannot make, and notes them.
    fn refuse(
        &mut self,
        kind: &KindInfo,
        address: &Address,
        live: &Live,
        wanted: &Value,
        compared: &mut Vec<(Difference, Change)>,
    ) -> Vec<Difference> {
        let is_never = |(_, change): &mut (_, Change)| matches!(change, Change::Never(_));
        let never: Vec<_> = compared.extract_if(.., is_never).collect();
        let advice: Vec<_> = never.iter().map(|(_, change)| *change).collect();
        let (refused, _) = judged(kind, live.mark.as_deref(), wanted, never);
        for (difference, change) in refused.iter().zip(advice) {
            if let Change::Never(advice) = change {
                let (address, difference) = (address.clone(), difference.clone());
                self.refused.push(Refused { address, difference, advice: advice.to_owned() });
            }
        }
        refused
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
                let mistake = Diagnostic::error(Code::Protected, title).about(address);
                self.mistakes.push(mistake.help(advice.clone()));
            }
            let attached: Vec<String> =
                step.live.iter().flat_map(|live| self.attached(live)).collect();
            for foreign in attached {
                let title = format!("deleting {address} would also delete {foreign}");
                let mistake = Diagnostic::error(Code::Attached, title).about(address);
                self.mistakes.push(mistake.help(advice.clone()));
            }
        }
    }

    /// Refuses to replace what AWS shows otherwise than it was given, where nothing but a new one
    /// could change that: a new one may be shown alike, and would be made again and again.
    fn refuse_phantoms(
        &mut self,
        decisions: &BTreeMap<Address, Decision<'_>>,
        unprotected: &BTreeSet<Address>,
    ) {
        let refused = decisions.iter().filter(|(address, _)| !unprotected.contains(*address));
        for (address, decision) in refused {
            for Difference { path, before, after, .. } in &decision.phantoms {
                let title =
                    format!("{address}: AWS shows {path} as {before}, and it was given {after}");
                self.mistakes.push(Diagnostic::error(Code::ShownOtherwise, title).help(format!(
                    "only a new one could change that, and may be shown the same: to make one, add \
                     `--unprotect {address}`; to keep this one, write what AWS shows"
                )));
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
            let mistake = Diagnostic::error(Code::Untagged, title).about(user);
            let name = self.kinds.find(&address.kind).filter(|kind| kind.naming.is_some());
            let name = name.map(|kind| kind.physical_name(&self.stack.scope, address, 1));
            let is_called = name.is_none_or(|name| id.contains(&name));
            let help = if is_called {
                format!("if somebody took them off, `deployer adopt {address} {id}` puts them back")
            } else {
                format!(
                    "to go on with it, write `{{ id: {id} }}` in the place of {address} under \
                     `resources.{}.{}`",
                    user.kind, user.name
                )
            };
            self.mistakes.push(mistake.help(format!(
                "{help}; to make another one beside it, add `--unprotect {address}`"
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
        let is_marked = mark.is_some_and(|mark| kind.is_marked(mark, field, given) == Some(true));
        let drift = is_marked && !kind.undone.contains(&field);
        Difference { drift, ..difference }
    });
    (differences.collect(), impact)
}

/// Puts a value where a path leads to, as far as there is such a place.
fn put(spec: &mut Value, path: &str, value: &Value) {
    let place = path.split('.').try_fold(spec, |spec, key| match spec {
        Value::Object(fields) => Some(fields.entry(key).or_insert(Value::Null)),
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    });
    if let Some(place) = place {
        *place = value.clone();
    }
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
