//! Turns decisions into steps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::halves::Halves;
use super::{Decision, Planner, Verdict};
use crate::plan::{Half, Plan, Reason, Refused, Stays, Step, StepId};
use crate::{
    Action, Address, Difference, Impact, KindInfo, Live, Phase, Removal, Replacement, Roles,
    Standing, resolve,
};

/// The steps that make, change or wait for one resource; one and the same where the change is
/// made in one.
#[derive(Clone, Copy)]
pub(super) struct Make {
    pub(super) first: StepId,
    pub(super) last: StepId,
    /// Whether the first gives anything, so that others may have to wait for it.
    pub(super) gives: bool,
}

/// The steps as they are collected, and which resource each is about.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) list: Vec<Step>,
    pub(super) makes: BTreeMap<Address, Make>,
    /// Those that make the predecessor of a replacement suit what fills both.
    pub(super) softened: BTreeMap<Address, StepId>,
    /// Those that delete, with the place in the snapshot of what they delete.
    pub(super) removals: BTreeMap<usize, StepId>,
    /// What is to go and stays.
    pub(super) stays: Vec<Stays>,
}

impl Steps {
    fn add(&mut self, mut step: Step) -> StepId {
        step.id = self.list.len();
        self.list.push(step);
        self.list.len() - 1
    }
}

impl<'a> Planner<'a> {
    /// Turns decisions into steps; nothing says yet what each waits for.
    pub(super) fn steps(&self, decisions: &BTreeMap<Address, Decision<'a>>) -> Steps {
        let mut steps = Steps::default();
        for (address, decision) in decisions {
            self.make(&mut steps, address, decision);
        }
        for (place, live) in self.snapshot.lives.iter().enumerate() {
            self.remove(&mut steps, place, live, decisions.get(&live.address));
        }
        steps
    }

    /// The plan that takes these steps.
    pub(super) fn whole(&self, steps: Steps) -> Plan {
        Plan {
            scope: self.stack.scope.clone(),
            account: self.snapshot.account.clone(),
            region: self.snapshot.region.clone(),
            role: self.stack.home.role.clone(),
            roles: self.roles(),
            fingerprint: self.snapshot.fingerprint(),
            steps: steps.list,
            refused: self.refused(),
            known: self.known.clone(),
            outputs: self.stack.outputs.clone(),
            foreign: self.foreign(),
            failed: self.snapshot.failed(),
            images: Vec::new(),
            strays: self.snapshot.strays.clone(),
            left_behind: Vec::new(),
            stays: steps.stays,
            unseen: self.snapshot.unseen.clone(),
            unrecorded: self.snapshot.unrecorded(),
        }
    }

    /// The step that makes, changes or waits for a resource of the stack.
    fn make(&self, steps: &mut Steps, address: &Address, decision: &Decision<'a>) {
        let generation = decision.live.map_or(0, |live| live.generation);
        let (action, reason, generation) = match decision.verdict {
            Verdict::Keep => return,
            Verdict::Create => (Action::Create, Reason::Missing, 1),
            Verdict::Update => (Action::Update, Reason::Differs, generation),
            Verdict::Sign => (Action::Update, Reason::Unsigned, generation),
            Verdict::Await => (Action::Await, Reason::Unfinished, generation),
            Verdict::Replace(how) => (
                Action::Create,
                Reason::Replaced(how),
                self.snapshot.newest(address).saturating_add(1),
            ),
        };
        let place = match (action, decision.live) {
            (Action::Update | Action::Await | Action::Delete, Some(live)) => &live.place,
            _ => &decision.desired.place,
        };
        let live = decision.live.filter(|_| action != Action::Create);
        let typical = self.kinds.find(&address.kind).map_or(0, |kind| {
            let wanted = resolve(&decision.desired.spec, &self.known);
            kind.time(action, live.map(|live| &live.spec), Some(&wanted)).typical
        });
        let whole = Step {
            id: 0,
            address: address.clone(),
            place: place.clone(),
            action,
            reason,
            half: None,
            generation,
            impact: decision.impact,
            notices: Vec::new(),
            differences: decision.differences.clone(),
            wanted: Some(decision.desired.spec.clone()),
            live: live.cloned(),
            after: BTreeSet::new(),
            typical,
        };
        if let (Some(softened), Some(live)) = (&decision.softened, decision.live) {
            let step = steps.add(Step {
                place: live.place.clone(),
                action: Action::Update,
                reason: Reason::Differs,
                generation: live.generation,
                impact: softened.impact,
                differences: softened.differences.clone(),
                wanted: Some(softened.spec.clone()),
                live: Some(live.clone()),
                ..whole.clone()
            });
            steps.softened.insert(address.clone(), step);
        }
        let make = match &decision.halves {
            Some(halves) if halves.is_apart() => {
                let (mut first, mut second) = (whole.clone(), whole);
                first.half = Some(Half::First);
                (first.differences, first.impact) = halves.first.clone();
                decision.say_what_drifted(&mut first.differences);
                first.wanted = Some(halves.between.clone());
                second.half = Some(Half::Second);
                second.action = Action::Update;
                (second.differences, second.impact) = halves.second.clone();
                decision.say_what_drifted(&mut second.differences);
                second.live = Some(after_first(&first, halves));
                let (first, last) = (steps.add(first), steps.add(second));
                Make { first, last, gives: true }
            }
            halves => {
                let gives = halves.as_ref().is_none_or(|halves| !halves.only_takes());
                let only = steps.add(whole);
                Make { first: only, last: only, gives }
            }
        };
        steps.makes.insert(address.clone(), make);
    }

    /// The step that deletes a live resource, if it is to go.
    fn remove(
        &self,
        steps: &mut Steps,
        place: usize,
        live: &Live,
        decision: Option<&Decision<'a>>,
    ) {
        let kind = self.kinds.find(&live.address.kind);
        if kind.is_none_or(|kind| kind.removal == Removal::WithParent) {
            return;
        }
        let is_current = decision.and_then(|decision| decision.live).is_some_and(|current| {
            (current.generation, current.id(), &current.place)
                == (live.generation, live.id(), &live.place)
        });
        let reason = match decision.map(|decision| decision.verdict) {
            // What deletes the failed one deletes its history.
            None if self.newest(live).is_some_and(|it| it.phase == Phase::Failed)
                && self.is_superseded(live) =>
            {
                return;
            }
            None => Reason::Unwanted,
            Some(_) if !is_current && self.is_superseded(live) => return,
            // It is history as well, although it is the newest.
            Some(_) if !is_current && live.phase == Phase::Failed => return,
            Some(_) if !is_current => superseded(live, self.snapshot.current(&live.address)),
            Some(Verdict::Replace(Replacement::Supersede)) => return,
            Some(Verdict::Replace(how)) => Reason::Replaced(how),
            Some(_) => return,
        };
        if let Some(stays) = self.stays(kind, live) {
            steps.stays.push(stays);
            return;
        }
        let deletion = kind.map_or(Impact::Unknown, |kind| kind.deletion(live));
        let id = steps.add(Step {
            id: 0,
            address: live.address.clone(),
            place: live.place.clone(),
            action: Action::Delete,
            reason,
            half: None,
            generation: live.generation,
            impact: if reason == Reason::Unwanted { deletion } else { Impact::None },
            notices: Vec::new(),
            differences: vec![],
            wanted: None,
            live: Some(live.clone()),
            after: BTreeSet::new(),
            typical: kind
                .map_or(0, |kind| kind.time(Action::Delete, Some(&live.spec), None).typical),
        });
        steps.removals.insert(place, id);
    }

    /// What is left as it is although it is to go, for what is in it.
    fn stays(&self, kind: Option<&KindInfo>, live: &Live) -> Option<Stays> {
        let because = kind?.stays(&live.spec)?;
        let holds = self.snapshot.parts_of(self.kinds, live).next().is_some();
        holds.then(|| Stays {
            address: live.address.clone(),
            place: live.place.clone(),
            id: live.id().to_owned(),
            because: because.to_owned(),
        })
    }

    /// What is refused, in the order of the addresses.
    fn refused(&self) -> Vec<Refused> {
        let mut refused = self.refused.clone();
        refused.sort_by(|a, b| a.address.cmp(&b.address));
        refused
    }

    /// The roles that lead to other accounts: the stack's where it has one.
    fn roles(&self) -> Roles {
        let known = self.snapshot.roles.iter().chain(&self.stack.roles);
        known.map(|(account, role)| (account.clone(), role.clone())).collect()
    }

    /// Whether a resource is an older generation of a kind whose old generations stay as history.
    fn is_superseded(&self, live: &Live) -> bool {
        let kind = self.kinds.find(&live.address.kind);
        kind.zip(self.newest(live)).is_some_and(|(kind, newest)| {
            live.generation < newest.generation
                && kind.replacement(&live.spec, &newest.spec) == Replacement::Supersede
        })
    }

    /// The newest generation of a resource where that is.
    fn newest(&self, live: &Live) -> Option<&'a Live> {
        let same = |it: &&Live| (&it.address, &it.place) == (&live.address, &live.place);
        let found = self.snapshot.lives.iter().filter(same);
        found.max_by_key(|it| (it.phase != Phase::Leaving, it.generation))
    }
}

impl Decision<'_> {
    /// Of the differences of a half, those were made outside that the whole change puts back: what
    /// lies between was given by nobody.
    fn say_what_drifted(&self, differences: &mut [Difference]) {
        for difference in differences {
            let is_same = |whole: &&Difference| whole.path == difference.path;
            difference.drift = self.differences.iter().find(is_same).is_some_and(|it| it.drift);
        }
    }
}

/// A resource as the first half of its change, or its create, leaves it.
fn after_first(first: &Step, halves: &Halves) -> Live {
    let spec = halves.between.clone();
    match &first.live {
        Some(live) => Live { spec, ..live.clone() },
        None => Live {
            address: first.address.clone(),
            place: first.place.clone(),
            generation: first.generation,
            mark: None,
            serial: None,
            standing: Standing::default(),
            is_signed: true,
            tags: BTreeMap::new(),
            spec,
            output: Value::Null,
            phase: Phase::Ready,
            state: String::new(),
            foreign: Vec::new(),
        },
    }
}

/// Why a resource that is not the one to keep goes.
fn superseded(live: &Live, current: Option<&Live>) -> Reason {
    match current {
        Some(current) if current.generation == live.generation => Reason::Twin,
        _ => Reason::Superseded,
    }
}
