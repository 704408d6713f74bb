//! What waits for what.
//!
//! Some of it AWS demands: a reference needs what it refers to, and what is referred to cannot be
//! deleted. The rest is for those who use it: what they need is given before they need it, and
//! taken away when they have moved. Where the two cannot both be, AWS has its way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::halves::Halves;
use super::model::takes_some_of;
use super::steps::{Make, Steps};
use super::uses::Relations;
use super::{Decision, Planner, Verdict, ids_behind};
use crate::live::physical;
use crate::plan::{Reason, StepId};
use crate::{Address, Fact, Graph, Lead, Live, Phase, Replacement, Thing, references};

impl Planner<'_> {
    /// Says which steps each waits for; none that another of them waits for already.
    pub(super) fn connect(
        &self,
        steps: &mut Steps,
        decisions: &BTreeMap<Address, Decision<'_>>,
        relations: &Relations<'_>,
    ) {
        let after = Edges::of(self, steps, decisions, relations);
        for (step, after) in steps.list.iter_mut().zip(after) {
            step.after = after;
        }
    }
}

struct Edges<'a> {
    planner: &'a Planner<'a>,
    steps: &'a Steps,
    decisions: &'a BTreeMap<Address, Decision<'a>>,
    relations: &'a Relations<'a>,
    after: Vec<BTreeSet<StepId>>,
}

impl<'a> Edges<'a> {
    fn of(
        planner: &'a Planner<'a>,
        steps: &'a Steps,
        decisions: &'a BTreeMap<Address, Decision<'a>>,
        relations: &'a Relations<'a>,
    ) -> Vec<BTreeSet<StepId>> {
        let after = vec![BTreeSet::new(); steps.list.len()];
        let mut edges = Self { planner, steps, decisions, relations, after };
        edges.make_what_is_needed_first();
        for (live, step) in &steps.removals {
            edges.remove_what_is_used_last(*live, *step);
        }
        edges.keep_what_is_superseded();
        edges.give_first();
        edges.fill_first();
        edges.lead_away_first();
        edges.move_callers_first();
        edges.lead_elsewhere_first();
        edges.turn_the_rest_between();
        edges.keep_turns();
        edges.take_away_last();
        edges.reduced()
    }

    fn lives(&self) -> &'a [Live] {
        &self.planner.snapshot.lives
    }

    /// AWS demands it.
    fn must(&mut self, later: StepId, earlier: StepId) {
        if later != earlier {
            self.after[later].insert(earlier);
        }
    }

    /// Users need it, wherever AWS lets it be.
    fn should(&mut self, later: StepId, earlier: StepId) {
        if !self.is_before(later, earlier) {
            self.must(later, earlier);
        }
    }

    /// Whether `later` is `first` or waits for it, directly or not.
    fn is_before(&self, first: StepId, later: StepId) -> bool {
        let (mut seen, mut next) = (BTreeSet::new(), vec![later]);
        while let Some(id) = next.pop() {
            if id == first {
                return true;
            }
            if seen.insert(id) {
                next.extend(&self.after[id]);
            }
        }
        false
    }

    /// A resource is made after what it uses is, directly or through what stays as it is.
    fn make_what_is_needed_first(&mut self) {
        for (address, make) in &self.steps.makes {
            for before in self.needed_by(address) {
                self.must(make.first, before);
            }
            if make.first != make.last {
                self.must(make.last, make.first);
            }
            if let Some(softened) = self.steps.softened.get(address) {
                self.must(make.first, *softened);
            }
        }
    }

    /// The steps that give what a resource needs.
    fn needed_by(&self, address: &Address) -> BTreeSet<StepId> {
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::from([address]));
        let mut next: Vec<&Address> = self.relations.wanted.uses(address).collect();
        while let Some(used) = next.pop() {
            if !seen.insert(used) {
                continue;
            }
            match self.steps.makes.get(used) {
                Some(_) if self.is_bound(used, address) || self.leads_beside(used, address) => {}
                Some(make) if make.gives => {
                    found.insert(make.first);
                }
                _ => next.extend(self.relations.wanted.uses(used)),
            }
        }
        found
    }

    /// Whether one is bound already to all that it is to lead to and that the other fills, so that its
    /// step can wait for that.
    fn is_bound(&self, leads: &Address, fills: &Address) -> bool {
        let find = |address: &Address| {
            let kind = self.planner.kinds.find(&address.kind)?;
            Some((kind, self.decisions.get(address)?))
        };
        let (Some((leader, leads)), Some((filler, fills))) = (find(leads), find(fills)) else {
            return false;
        };
        let (Some(leading), Some(filling)) = (leader.leads, filler.fills) else { return false };
        let of = |spec: &Value, field: &str| spec.get(field).map(references).unwrap_or_default();
        let mut shared = of(&leads.desired.spec, leading);
        shared.retain(|address| of(&fills.desired.spec, filling).contains(address));
        let ids = leads.live.map(|live| physical(&live.spec)).unwrap_or_default();
        !shared.is_empty() && shared.iter().all(|address| self.planner.has_id(address, &ids))
    }

    /// Whether one only changes where it leads, and the other leads some of its requests: whichever
    /// is first, both are there.
    fn leads_beside(&self, used: &Address, by: &Address) -> bool {
        let leads = |address: &Address| self.planner.kinds.find(&address.kind)?.leads;
        leads(by).is_some() && self.turns_elsewhere(used)
    }

    /// Whether something that is there changes where it leads.
    fn turns_elsewhere(&self, address: &Address) -> bool {
        let field = self.planner.kinds.find(&address.kind).and_then(|kind| kind.leads);
        let (Some(field), Some(decision)) = (field, self.decisions.get(address)) else {
            return false;
        };
        let live = decision.live.and_then(|live| live.spec.get(field));
        decision.verdict == Verdict::Update && live != decision.desired.spec.get(field)
    }

    /// A resource is deleted after all that refers to it is deleted or has moved away.
    fn remove_what_is_used_last(&mut self, gone: usize, step: StepId) {
        let live = &self.lives()[gone];
        let reason = self.steps.list[step].reason;
        // What only comes after it stays while it is made anew, replaced or not.
        let is_back_soon = reason == Reason::Replaced(Replacement::DeleteFirst);
        let history = self.history_of(gone);
        for (other, other_step) in &self.steps.removals {
            let leans = !is_back_soon
                && self.relations.there.leans(*other, gone)
                && !self.is_led_away(gone, *other);
            // What goes with its history is used by who runs on any of it.
            let refers = history.iter().any(|live| self.relations.there.refers(*other, *live));
            if *other != gone && (refers || leans) {
                self.must(step, *other_step);
            }
        }
        let successor = self.steps.makes.get(&live.address).copied();
        if is_back_soon {
            if let Some(successor) = successor {
                self.must(successor.first, step);
            }
            return;
        }
        if let (Some(successor), false) =
            (successor, matches!(reason, Reason::Superseded | Reason::Twin))
        {
            self.must(step, successor.last);
        }
        let users = history.iter().flat_map(|live| self.relations.there.referring_to(*live));
        for user in users.collect::<Vec<_>>() {
            for moved in self.lets_go(user, &mut BTreeSet::from([gone])) {
                self.must(step, moved);
            }
        }
    }

    /// All generations that go with the deletion of one: itself, and what it has superseded.
    fn history_of(&self, gone: usize) -> Vec<usize> {
        let lives = self.lives();
        let live = &lives[gone];
        let is_kept = self.is_passive(gone);
        let is_one = |other: usize| {
            other == gone
                || is_kept
                    && (&lives[other].address, &lives[other].place) == (&live.address, &live.place)
        };
        (0..lives.len()).filter(|other| is_one(*other)).collect()
    }

    /// What is superseded stays until the newest generation is as it should be, unless that has
    /// to wait for it to go.
    fn keep_what_is_superseded(&mut self) {
        for (live, step) in &self.steps.removals {
            let is_left =
                matches!(self.steps.list[*step].reason, Reason::Superseded | Reason::Twin);
            let newest = self.steps.makes.get(&self.lives()[*live].address);
            if let (true, Some(newest)) = (is_left, newest) {
                self.should(*step, newest.last);
            }
        }
    }

    /// The step with which a resource of what is there no longer uses what it does; several where
    /// it is used itself and only its users go on to its successor.
    fn lets_go(&self, user: usize, seen: &mut BTreeSet<usize>) -> BTreeSet<StepId> {
        if !seen.insert(user) {
            return BTreeSet::new();
        }
        if let Some(step) = self.steps.removals.get(&user) {
            return BTreeSet::from([*step]);
        }
        if self.is_passive(user) {
            let users: Vec<usize> = self.relations.there.referring_to(user).collect();
            return users.into_iter().flat_map(|user| self.lets_go(user, seen)).collect();
        }
        self.moves(user).into_iter().collect()
    }

    /// The step that changes what is there.
    fn moves(&self, user: usize) -> Option<StepId> {
        let live = &self.lives()[user];
        let current = self.decisions.get(&live.address)?.live?;
        let make = self.steps.makes.get(&live.address)?;
        std::ptr::eq(current, live).then_some(make.last)
    }

    fn is_passive(&self, live: usize) -> bool {
        self.planner.kinds.is_passive(&self.lives()[live].address.kind)
    }

    /// The steps with which all that uses something lets go of it, however far away.
    fn let_go_of(&self, used: impl IntoIterator<Item = usize>) -> BTreeSet<StepId> {
        let mut found = BTreeSet::new();
        let mut seen: BTreeSet<usize> = used.into_iter().collect();
        let mut next: Vec<usize> = seen.iter().copied().collect();
        while let Some(used) = next.pop() {
            for user in
                self.relations.there.referring_to(used).chain(self.relations.there.leaning_on(used))
            {
                if seen.insert(user) {
                    next.push(user);
                    found.extend(self.steps.removals.get(&user).copied());
                    if !self.is_passive(user) {
                        found.extend(self.moves(user));
                    }
                }
            }
        }
        found
    }

    /// What is newly allowed is so before anybody moves who uses what it is allowed to.
    fn give_first(&mut self) {
        for (address, make, halves, _) in self.halved() {
            let mut peers: BTreeSet<Address> = halves.given.iter().flat_map(references).collect();
            let ids: BTreeSet<&str> = halves.given.iter().flat_map(physical).collect();
            let lives = self.lives();
            peers.extend(
                self.relations.there.named(&ids).iter().map(|live| lives[*live].address.clone()),
            );
            for peer in peers {
                for user in self.relations.wanted.movers_of(&peer, self.planner.kinds) {
                    if let Some(moves) = self.steps.makes.get(&user).filter(|_| user != *address) {
                        self.should(moves.first, make.first);
                    }
                }
            }
        }
    }

    /// Who leads to what something newly fills goes there only then; and so does who does not lead
    /// there yet, since a run before this one ended in between. Whom it replaces stays until then.
    fn fill_first(&mut self) {
        for (address, make) in &self.steps.makes {
            let Some(decision) = self.decisions.get(address) else { continue };
            let newly = self.planner.newly_filled(address, decision);
            for filled in self.planner.filled(address, decision) {
                for user in self.relations.wanted.movers_of(&filled, self.planner.kinds) {
                    let goes_there = newly.contains(&filled) || !self.leads_to(&user, &filled);
                    let is_led = goes_there && !self.is_filler(&user);
                    if let Some(moves) = self.steps.makes.get(&user).filter(|_| is_led) {
                        self.should(moves.last, make.first);
                    }
                    if let Some(gone) = self.predecessor(&user).filter(|_| is_led) {
                        self.should(gone, make.first);
                    }
                }
            }
        }
    }

    /// The step that deletes what something takes the place of, once that is there.
    fn predecessor(&self, address: &Address) -> Option<StepId> {
        let replaced = Reason::Replaced(Replacement::CreateFirst);
        let mut gone = self.steps.removals.iter().filter(|(live, step)| {
            self.lives()[**live].address == *address && self.steps.list[**step].reason == replaced
        });
        gone.next().map(|(_, step)| *step)
    }

    /// Whether something leads requests to what can be filled, as it is.
    fn leads_to(&self, leads: &Address, filled: &Address) -> bool {
        let kind = self.planner.kinds.find(&leads.kind);
        let live = self.decisions.get(leads).and_then(|decision| decision.live);
        let (Some(kind), Some(live)) = (kind, live) else { return false };
        let led = kind.leads.and_then(|field| live.spec.get(field));
        !kind.is_reserved(&live.spec)
            && led.is_some_and(|led| self.planner.has_id(filled, &physical(led)))
    }

    /// Whether something fills what others lead to, and so leads nobody there itself.
    fn is_filler(&self, address: &Address) -> bool {
        self.planner.kinds.find(&address.kind).is_some_and(|kind| kind.fills.is_some())
    }

    /// Before something that fills others goes, whoever leads there is led away.
    fn lead_away_first(&mut self) {
        for (live, step) in &self.steps.removals {
            for filled in self.relations.there.filled_by(*live).clone() {
                for user in self.relations.there.referring_to(filled).collect::<Vec<_>>() {
                    if self.is_filler(&self.lives()[user].address) {
                        continue;
                    }
                    for moved in self.lets_go(user, &mut BTreeSet::from([*live])) {
                        self.should(*step, moved);
                    }
                }
            }
        }
    }

    /// Who is called is changed, or goes, after those that are to call it no more: until then they
    /// do.
    fn move_callers_first(&mut self) {
        let lives = self.lives();
        for (called, live) in lives.iter().enumerate() {
            let goes = self.steps.removals.get(&called).copied();
            let make = self.steps.makes.get(&live.address).filter(|_| self.moves(called).is_some());
            for caller in self.relations.there.calling(called).collect::<Vec<_>>() {
                if self.relations.wanted.refers(&lives[caller].address, &live.address) {
                    continue;
                }
                let moved = self.lets_go(caller, &mut BTreeSet::from([called]));
                for step in goes.into_iter().chain(make.map(|make| make.first)) {
                    for moved in &moved {
                        self.should(step, *moved);
                    }
                }
            }
        }
    }

    /// Who leads requests goes after those of its kind that are to lead them in its stead.
    fn lead_elsewhere_first(&mut self) {
        let planner = self.planner;
        for (live, step) in &self.steps.removals {
            let gone = &self.lives()[*live].address.kind;
            let is_unwanted = self.steps.list[*step].reason == Reason::Unwanted;
            let kind = planner.kinds.find(gone).filter(|kind| kind.leads.is_some() && is_unwanted);
            let Some(kind) = kind else { continue };
            for (address, make) in &self.steps.makes {
                // What needs the very place that is left cannot be waited for.
                let waits = self.decisions.get(address).is_some_and(|decision| {
                    let reserves = || kind.reserve(None, &decision.desired.spec).is_some();
                    match decision.verdict {
                        Verdict::Create => decision.halves.as_ref().is_some_and(Halves::is_apart),
                        Verdict::Update => reserves(),
                        _ => false,
                    }
                });
                if address.kind == *gone && waits {
                    self.should(*step, make.last);
                }
            }
        }
    }

    /// Who leads the requests that nobody else takes, such as a listener beside its rules, turns
    /// them elsewhere after what comes at its load balancer, which may be to take some of them or
    /// be where they are sent, and before what goes there.
    fn turn_the_rest_between(&mut self) {
        let planner = self.planner;
        let leads = |kind: &str| planner.kinds.find(kind).is_some_and(|kind| kind.leads.is_some());
        let takes_the_rest = |address: &Address| {
            let live = self.lives().iter().position(|live| live.address == *address);
            let there = live.into_iter().flat_map(|live| self.relations.there.referring_to(live));
            let mut there = there.map(|user| &self.lives()[user].address);
            let wanted = self.relations.wanted.movers_of(address, planner.kinds);
            wanted.iter().any(|user| leads(&user.kind)) || there.any(|user| leads(&user.kind))
        };
        let turned = self
            .steps
            .makes
            .iter()
            .filter(|(address, _)| self.turns_elsewhere(address) && takes_the_rest(address));
        let turned: Vec<_> = turned.collect();
        let (lives, decisions) = (self.lives(), self.decisions);
        for (address, turn) in turned {
            let Some(Decision { desired, live: Some(there), .. }) = decisions.get(address) else {
                continue;
            };
            // The listeners of the same load balancer share it, and their rules name them.
            let shared = references(&desired.spec);
            let of_wanted = |spec: &Value| {
                let used = references(spec);
                let at = used.iter().find(|used| leads(&used.kind));
                let used = at.and_then(|at| decisions.get(at)).map(|at| &at.desired.spec);
                at == Some(address) || !references(used.unwrap_or(spec)).is_disjoint(&shared)
            };
            let shared_ids = physical(&there.spec);
            let of_live = |live: &Live| {
                let ids = physical(&live.spec);
                let at = lives.iter().find(|at| leads(&at.address.kind) && ids.contains(at.id()));
                !physical(&at.unwrap_or(live).spec).is_disjoint(&shared_ids)
            };
            for (other, make) in self.steps.makes.iter().filter(|(it, _)| leads(&it.kind)) {
                let Some(decision) = decisions.get(other) else { continue };
                let is_new = matches!(decision.verdict, Verdict::Create | Verdict::Replace(_));
                if is_new && of_wanted(&decision.desired.spec) {
                    self.should(turn.last, make.last);
                }
            }
            for (live, step) in &self.steps.removals {
                let is_unwanted = self.steps.list[*step].reason == Reason::Unwanted;
                let live = &lives[*live];
                if is_unwanted && leads(&live.address.kind) && of_live(live) {
                    self.should(*step, turn.last);
                }
            }
        }
    }

    /// Where several come or go, one takes no requests that are another's: the first in turn comes
    /// first and goes last. At a listener that is new, or goes too, nobody asks.
    fn keep_turns(&mut self) {
        let makes = self.steps.makes.iter().filter_map(|(address, make)| {
            let decision = self.decisions.get(address)?;
            let lead = self.lead(address, &decision.desired.spec)?;
            let Thing::Named(at) = &lead.at else { return None };
            let stays = self.decisions.get(at).is_some_and(|at| at.live.is_some());
            (decision.verdict == Verdict::Create && stays).then_some((make.last, lead))
        });
        let removals = self.steps.removals.iter().filter_map(|(live, step)| {
            let live = &self.lives()[*live];
            let lead = self.lead(&live.address, &live.spec)?;
            let Thing::Physical(at) = &lead.at else { return None };
            let goes = self.steps.removals.keys().any(|live| self.lives()[*live].id() == at);
            let is_unwanted = self.steps.list[*step].reason == Reason::Unwanted;
            (is_unwanted && !goes).then_some((*step, lead))
        });
        let (makes, removals): (Vec<_>, Vec<_>) = (makes.collect(), removals.collect());
        let overlaps = |first: &Lead, second: &Lead| {
            first.at == second.at && first.turn < second.turn && takes_some_of(second, first)
        };
        for (first, lead) in &makes {
            for (second, _) in makes.iter().filter(|(_, other)| overlaps(lead, other)) {
                self.should(*second, *first);
            }
        }
        for (first, lead) in &removals {
            for (second, _) in removals.iter().filter(|(_, other)| overlaps(lead, other)) {
                self.should(*first, *second);
            }
        }
    }

    /// Which requests something takes in its turn.
    fn lead(&self, address: &Address, spec: &Value) -> Option<Lead> {
        let facts = self.planner.kinds.find(&address.kind)?.facts(spec)?;
        facts.into_iter().find_map(|fact| match fact {
            Fact::Leads(lead) if lead.turn.is_some() => Some(lead),
            _ => None,
        })
    }

    /// Whether one leads to what the other fills.
    fn is_led_away(&self, leads: usize, fills: usize) -> bool {
        self.relations
            .there
            .filled_by(fills)
            .iter()
            .any(|filled| self.relations.there.refers(leads, *filled))
    }

    /// What is taken away is so after all that relies on it has moved or gone.
    fn take_away_last(&mut self) {
        let taking: Vec<_> =
            self.halved().into_iter().filter(|(_, _, halves, _)| halves.takes()).collect();
        // Where two take the same away, the one that the other relies on is the later one.
        for (_, make, _, live) in &taking {
            self.take_last(*make, &[live.id()].into());
        }
        for (_, make, halves, _) in &taking {
            self.take_last(*make, &halves.taken.iter().flat_map(physical).collect());
        }
        let opaque = self.opaque();
        for (address, make, ..) in &taking {
            for user in &opaque {
                if self.lives()[*user].address == **address {
                    continue;
                }
                for moved in self.lets_go(*user, &mut BTreeSet::new()) {
                    self.should(make.last, moved);
                }
            }
        }
        for (live, step) in &self.steps.removals {
            if self.steps.list[*step].reason == Reason::Replaced(Replacement::DeleteFirst) {
                continue;
            }
            let leaning = self
                .relations
                .there
                .leaning_on(*live)
                .filter(|user| !self.is_led_away(*live, *user));
            for user in leaning.chain(opaque.iter().copied()).collect::<Vec<_>>() {
                for moved in self.lets_go(user, &mut BTreeSet::from([*live])) {
                    self.should(*step, moved);
                }
            }
        }
    }

    /// The second half of a change comes after all who use any of these have moved or gone.
    fn take_last(&mut self, make: Make, used: &BTreeSet<&str>) {
        for moved in self.let_go_of(self.relations.there.named(used)) {
            if moved != make.first {
                self.should(make.last, moved);
            }
        }
    }

    /// Those that run on a piece of history nobody has read, such as a service whose last rollout
    /// was taken back, and those that have not got through a change of a run before this one: they
    /// may use anything, and what they used until then.
    fn opaque(&self) -> Vec<usize> {
        let lives = self.lives();
        let known: BTreeSet<&str> = lives.iter().map(Live::id).collect();
        let is_opaque = |(place, live): (usize, &Live)| {
            let Some(decision) = self.decisions.get(&live.address) else {
                // What goes and names something that nobody has read may run on it.
                return self.is_filler(&live.address)
                    && self.steps.removals.contains_key(&place)
                    && !physical(&live.spec).is_subset(&known);
            };
            if self.is_filler(&live.address) && live.phase == Phase::Settling {
                return true;
            }
            let history = references(&decision.desired.spec);
            history.iter().any(|used| {
                self.planner.kinds.is_passive(&used.kind)
                    && !ids_behind(used, &decision.desired.spec, &live.spec).is_subset(&known)
            })
        };
        let opaque = lives.iter().enumerate().filter(|live| is_opaque(*live));
        opaque.map(|(place, _)| place).collect()
    }

    /// The changes that are about sets of what is allowed.
    fn halved(&self) -> Vec<(&'a Address, Make, &'a Halves, &'a Live)> {
        let halved = self.decisions.iter().filter_map(|(address, decision)| {
            let make = self.steps.makes.get(address)?;
            Some((address, *make, decision.halves.as_ref()?, decision.live?))
        });
        halved.collect()
    }

    /// What waits for what, without what follows from the rest.
    fn reduced(self) -> Vec<BTreeSet<StepId>> {
        let steps = self.after.len();
        let graph = Graph::new(self.after.iter().cloned().enumerate());
        // The ring is reported where the steps are put in order.
        let Ok(order) = graph.order() else { return self.after };
        let mut before: Vec<Vec<bool>> = vec![Vec::new(); steps];
        let mut reduced = vec![BTreeSet::new(); steps];
        for step in order {
            let direct = &self.after[step];
            let mut all = vec![false; steps];
            for earlier in direct {
                for (place, is_before) in before[*earlier].iter().enumerate() {
                    all[place] |= is_before;
                }
            }
            reduced[step] = direct.iter().copied().filter(|earlier| !all[*earlier]).collect();
            for earlier in direct {
                all[*earlier] = true;
            }
            before[step] = all;
        }
        reduced
    }
}
