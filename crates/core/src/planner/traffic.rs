//! Who leads requests where, and who fills what they are led to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::halves::Halves;
use super::{Decision, Planner, Softened, Verdict, judged};
use crate::live::physical;
use crate::{Address, KindInfo, Live, Replacement, references, resolve};

impl Planner<'_> {
    /// Where requests are to be led to what is filled only in this plan, that is bound first and
    /// they are led there later; the same where they may be those of one that goes. Where nobody asks yet, such as at a new listener, it is one step.
    pub(super) fn reserve(&self, decisions: &mut BTreeMap<Address, Decision<'_>>) {
        let filled: BTreeSet<Address> = decisions
            .iter()
            .filter(|(_, decision)| decision.verdict != Verdict::Keep)
            .flat_map(|(address, decision)| self.newly_filled(address, decision))
            .collect();
        let moving = self.moving(decisions);
        let gone: BTreeSet<&str> = self.gone().map(|live| live.address.kind.as_str()).collect();
        for (address, decision) in decisions {
            let Some(kind) = self.kinds.find(&address.kind) else { continue };
            let is_successor = gone.contains(address.kind.as_str());
            let halves = self.reserved(kind, decision, &filled, is_successor);
            let halves = halves.or_else(|| self.lenient(kind, decision, moving.contains(address)));
            decision.halves = halves.or_else(|| decision.halves.take());
            decision.softened = self.softened(kind, decision, moving.contains(address));
        }
    }

    fn reserved(
        &self,
        kind: &KindInfo,
        decision: &Decision<'_>,
        filled: &BTreeSet<Address>,
        is_successor: bool,
    ) -> Option<Halves> {
        let field = kind.leads?;
        let live = match decision.verdict {
            Verdict::Create | Verdict::Replace(Replacement::CreateFirst) => None,
            Verdict::Update => Some(decision.live?),
            _ => return None,
        };
        let led = references(decision.desired.spec.get(field)?);
        let was = live.and_then(|live| live.spec.get(field)).map(physical).unwrap_or_default();
        let takes_over = is_successor && live.is_none();
        let fills = |group| filled.contains(group) && !self.has_id(group, &was);
        if !takes_over && !led.iter().any(fills) {
            return None;
        }
        let wanted = kind.normalize(resolve(&decision.desired.spec, &self.known)).ok()?;
        let stands = |(name, value): (&String, _)| name == field || references(value).is_empty();
        if live.is_none() && !wanted.as_object()?.iter().all(stands) {
            return None;
        }
        let between = kind.reserve(live.map(|live| &live.spec), &wanted)?;
        let mut between = kind.normalize(between).ok()?;
        if let Some(live) = live {
            between = kind.leave_delegated(&live.spec, &between);
        }
        let mark = live.and_then(|live| live.mark.as_deref());
        let first = live.map(|live| kind.compare(&live.spec, &between)).unwrap_or_default();
        let (first, _) = judged(kind, mark, &between, first);
        // What was bound on the way is no difference that somebody else made.
        let second = judged(kind, None, &wanted, kind.compare(&between, &wanted));
        Some(Halves::reserving(between, second, first))
    }

    /// What is there and no longer wanted.
    pub(super) fn gone(&self) -> impl Iterator<Item = &Live> {
        let lives = self.snapshot.lives.iter();
        lives.filter(|live| !self.stack.resources.contains_key(&live.address))
    }

    /// What is filled, before and after, by something that changes in this plan.
    fn moving(&self, decisions: &BTreeMap<Address, Decision<'_>>) -> BTreeSet<Address> {
        let changed = decisions.iter().filter(|(_, it)| it.verdict == Verdict::Update);
        changed.flat_map(|(address, decision)| self.filled(address, decision)).collect()
    }

    /// While what fills it changes, old and new are both to be found well.
    fn lenient(&self, kind: &KindInfo, decision: &Decision<'_>, is_moving: bool) -> Option<Halves> {
        let live = decision.live.filter(|_| is_moving && decision.verdict == Verdict::Update)?;
        let wanted = kind.normalize(resolve(&decision.desired.spec, &self.known)).ok()?;
        let between = kind.normalize(kind.lenient(&live.spec, &wanted)?).ok()?;
        let between = kind.leave_delegated(&live.spec, &between);
        let half = |from, to| judged(kind, live.mark.as_deref(), to, kind.compare(from, to));
        let (first, second) = (half(&live.spec, &between), half(&between, &wanted));
        Some(Halves::around(between, first, second))
    }

    /// While what fills it moves to its successor, it is in both: the one that goes is to find well
    /// what the other asks for.
    fn softened(
        &self,
        kind: &KindInfo,
        decision: &Decision<'_>,
        is_moving: bool,
    ) -> Option<Softened> {
        let replaced = Verdict::Replace(Replacement::CreateFirst);
        let live = decision.live.filter(|_| is_moving && decision.verdict == replaced)?;
        let wanted = kind.normalize(resolve(&decision.desired.spec, &self.known)).ok()?;
        let spec = kind.normalize(kind.lenient(&wanted, &live.spec)?).ok()?;
        let spec = kind.leave_delegated(&live.spec, &spec);
        let compared = kind.compare(&live.spec, &spec);
        let (differences, impact) = judged(kind, live.mark.as_deref(), &spec, compared);
        (!differences.is_empty()).then_some(Softened { spec, differences, impact })
    }

    /// What a resource is to fill.
    pub(super) fn filled(&self, address: &Address, decision: &Decision<'_>) -> BTreeSet<Address> {
        self.fills(address, &decision.desired.spec)
    }

    /// What a resource of this spec fills.
    pub(super) fn fills(&self, address: &Address, spec: &Value) -> BTreeSet<Address> {
        let kind = self.kinds.find(&address.kind);
        let filled = kind.and_then(|kind| spec.get(kind.fills?));
        filled.map(references).unwrap_or_default()
    }

    /// What a resource is to fill and does not yet.
    pub(super) fn newly_filled(
        &self,
        address: &Address,
        decision: &Decision<'_>,
    ) -> BTreeSet<Address> {
        let kind = self.kinds.find(&address.kind);
        let Some(field) = kind.and_then(|kind| kind.fills) else { return BTreeSet::new() };
        let stays = !matches!(decision.verdict, Verdict::Replace(_));
        let live = decision.live.filter(|_| stays).and_then(|live| live.spec.get(field));
        let was = live.map(physical).unwrap_or_default();
        let filled = self.filled(address, decision).into_iter();
        filled.filter(|address| !self.has_id(address, &was)).collect()
    }

    /// Whether one of these identifiers is that of a resource as it is to stay.
    pub(super) fn has_id(&self, address: &Address, ids: &BTreeSet<&str>) -> bool {
        let output = self.known.get(address);
        let id = output.and_then(|output| output.get("id")).and_then(|id| id.as_str());
        id.is_some_and(|id| ids.contains(id))
    }
}
