//! What users notice of each step: what all resources do together, before it and after it.

mod connections;
mod requests;
mod state;
mod ways;

use std::collections::BTreeSet;

use serde_json::Value;

use self::connections::Lost;
pub(super) use self::requests::takes_some_of;
use self::state::{Names, State, Who};
use super::Planner;
use super::uses::Relations;
use crate::plan::{Plan, Reason, Step};
use crate::{Action, Address, Fact, Impact, Lead, Notice, references};

impl Planner<'_> {
    /// Says of each step, in their order, what users notice of it.
    pub(super) fn judge(&self, plan: &mut Plan, relations: &Relations<'_>) {
        let names = Names::of(&self.snapshot.lives, plan);
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
            step.notices = self.noticed(step);
            step.notices.extend(self.unreadable(step));
            step.notices.extend(self.vanished(step));
            step.notices.extend(self.lost(step));
            step.notices.extend(self.bounded(step, &names));
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

    /// Who used what, or led to it, and is to do so no more.
    fn released(&self, relations: &Relations<'_>) -> BTreeSet<(Address, Address)> {
        let (lives, kinds) = (&self.snapshot.lives, self.kinds);
        let mut released = BTreeSet::new();
        for (user, live) in lives.iter().enumerate() {
            let was = relations.there.through_history(user, kinds).into_iter();
            let still = relations.wanted.through_history(&live.address, kinds);
            let gone = was.map(|place| &lives[place].address).filter(|it| !still.contains(it));
            released.extend(gone.map(|gone| (live.address.clone(), gone.clone())));
            // Who leads to it is named by what it fills.
            let led = relations.there.filled_by(user).iter();
            let led = led.flat_map(|filled| relations.there.through_history(*filled, kinds));
            let desired = self.stack.resources.get(&live.address);
            let still = desired.map(|it| self.fills(&live.address, &it.spec)).unwrap_or_default();
            let still: BTreeSet<Address> = still
                .iter()
                .flat_map(|filled| relations.wanted.through_history(filled, kinds))
                .collect();
            let gone = led.map(|place| &lives[place].address).filter(|it| !still.contains(it));
            released.extend(gone.map(|gone| (gone.clone(), live.address.clone())));
        }
        released
    }

    /// What the kind says about the new values.
    fn noticed(&self, step: &Step) -> Vec<Notice> {
        let (Action::Update, Some(live), Some(wanted), Some(kind)) =
            (step.action, &step.live, &step.wanted, self.kinds.find(&step.address.kind))
        else {
            return Vec::new();
        };
        let wanted = crate::resolve(wanted, &self.known);
        kind.notices(&live.spec, &kind.leave_delegated(&live.spec, &wanted))
    }

    /// What it does now cannot be read, so neither can what its change means.
    fn unreadable(&self, step: &Step) -> Option<Notice> {
        let (live, kind) = (step.live.as_ref()?, self.kinds.find(&step.address.kind)?);
        let is_known = step.action == Action::Await || kind.facts(&live.spec).is_some();
        (!is_known).then(|| Notice::new(Impact::Unknown, "what it does now cannot be read"))
    }

    /// A part that is to be made, such as an image, was there when something that still is was made
    /// of it: somebody has taken it away.
    fn vanished(&self, step: &Step) -> Option<Notice> {
        let field = self.kinds.find(&step.address.kind)?.part_of?;
        let wanted = step.wanted.as_ref().filter(|_| step.reason == Reason::Missing)?;
        let within = references(wanted.get(field)?).into_iter().next()?;
        // As the digest of an image follows its repository.
        let within = format!("{}@", self.snapshot.current(&within)?.id());
        let user = self.stack.resources.iter().find(|(user, desired)| {
            let is_made_of_it = references(&desired.spec).contains(&step.address);
            let live = self.snapshot.current(user).filter(|_| is_made_of_it);
            live.is_some_and(|live| live.spec.to_string().contains(&within))
        });
        let (user, _) = user?;
        let because = format!("it is there no more, and {user} was made with it");
        Some(Notice::new(Impact::None, because))
    }

    /// What goes with something that is deleted; with a replacement it is said once, where the new
    /// one is made.
    fn lost(&self, step: &Step) -> Option<Notice> {
        let kind = self.kinds.find(&step.address.kind)?;
        let live = match (step.action, step.reason) {
            (Action::Create, Reason::Replaced(_)) => self.snapshot.current(&step.address),
            (Action::Delete, Reason::Replaced(_)) => None,
            (Action::Delete, _) => step.live.as_ref(),
            _ => None,
        };
        kind.loss(live?)
    }

    /// What a step that says how many tasks there may be does to those that there are: some start or
    /// end at once. From then on nobody else says how many there are.
    fn bounded(&self, step: &Step, names: &Names) -> Option<Notice> {
        if !matches!(step.action, Action::Create | Action::Update) {
            return None;
        }
        let wanted = step.wanted.as_ref()?;
        let kind = self.kinds.find(&step.address.kind)?;
        let given = step.live.as_ref().map(|live| kind.leave_delegated(&live.spec, wanted));
        let facts = self.facts(&step.address, given.as_ref().unwrap_or(wanted));
        let bounds = facts.into_iter().find_map(|fact| match fact {
            Fact::Bounds(bounds) => Some(bounds),
            _ => None,
        })?;
        let who = Who::Ours(step.address.clone(), step.generation);
        let Who::Ours(runner, generation) = names.find(&bounds.of, &who) else { return None };
        let live = self.snapshot.lives.iter();
        let mut live = live.filter(|it| it.address == runner && it.generation == generation);
        let facts = live.next().map(|live| self.facts(&runner, &live.spec)).unwrap_or_default();
        let runs = facts.into_iter().find_map(|fact| match fact {
            Fact::Runs(run) => run.tasks,
            _ => None,
        });
        let (least, most) = (bounds.least, bounds.most);
        let because = match runs {
            Some(runs) if runs > most => {
                format!("{runs} tasks run, and at most {most} may: {} end", runs - most)
            }
            Some(runs) if runs < least => {
                let more = least - runs;
                format!("{runs} tasks run, and at least {least} are to: {more} more start")
            }
            _ if step.action == Action::Create => {
                format!("from now on it says how many tasks {runner} has: {least} to {most}")
            }
            _ => return None,
        };
        Some(Notice::new(Impact::None, because))
    }

    fn facts(&self, address: &Address, spec: &Value) -> Vec<Fact> {
        self.kinds.find(&address.kind).and_then(|kind| kind.facts(spec)).unwrap_or_default()
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
