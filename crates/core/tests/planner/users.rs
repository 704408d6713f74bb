//! Nobody is left without what it uses, whatever order a plan is done in.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use deployer_core::{
    Action, Address, Live, Plan, Reason, Replacement, Stack, Step, StepId, references,
};
use deployer_testkit::stacks;
use proptest::prelude::*;
use serde_json::Value;

use crate::world::{World, targets, word};

/// What one service, or one rule, has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Has {
    /// Its revision is there, and the store whose host that names.
    store: bool,
    /// The walls of that store let it in.
    entry: bool,
    /// What it leads to is filled by a service.
    target: bool,
}

impl Has {
    /// Whether it has all that it had and will have.
    fn covers(self, before: Self, after: Self) -> bool {
        (self.store || !(before.store && after.store))
            && (self.entry || !(before.entry && after.entry))
            && (self.target || !(before.target && after.target))
    }
}

/// What each service and each rule has of what it uses, by its address.
type Users = BTreeMap<Address, Vec<(Value, Has)>>;

fn users(world: &World) -> Users {
    let mut users = Users::new();
    for live in &world.lives {
        let has = match live.address.kind.as_str() {
            "service" => service(world, live),
            "rule" => Has { target: is_filled(world, live), ..Has::default() },
            _ => continue,
        };
        users.entry(live.address.clone()).or_default().push((live.spec.clone(), has));
    }
    users
}

fn service(world: &World, service: &Live) -> Has {
    let revision = world.lives.iter().find(|live| service.spec["revision"]["id"] == live.id());
    let url = revision.and_then(|revision| revision.spec["url"].as_str()).unwrap_or_default();
    let host = url.trim_start_matches("store://");
    let store = world
        .lives
        .iter()
        .find(|live| live.address.kind == "store" && live.output["host"].as_str() == Some(host));
    let entry = store.is_some_and(|store| {
        let mine = targets(&service.spec["walls"]);
        targets(&store.spec["walls"]).iter().any(|wall| {
            let wall = world.lives.iter().find(|live| live.id() == wall);
            wall.is_some_and(|wall| !targets(&wall.spec["admits"]).is_disjoint(&mine))
        })
    });
    Has { store: host == "nowhere" || store.is_some(), entry, target: false }
}

fn is_filled(world: &World, rule: &Live) -> bool {
    let gate = targets(&rule.spec["gate"]);
    let services = world.lives.iter().filter(|live| live.address.kind == "service");
    services.into_iter().any(|live| !targets(&live.spec["gates"]).is_disjoint(&gate))
}

/// Whether a plan interrupts something anyway: what goes before its successor can come.
fn interrupts(plan: &Plan) -> bool {
    let is_interruption = |step: &Step| match step.reason {
        Reason::Replaced(how) => how == Replacement::DeleteFirst,
        // What is made once more has no predecessor to lean on.
        _ => false,
    };
    plan.steps.iter().any(is_interruption)
}

/// A stack and what becomes of it, without changes that interrupt by their nature.
fn changes() -> impl Strategy<Value = (Stack, Stack)> {
    let kept = prop::collection::vec(any::<bool>(), 30);
    (stacks(), stacks(), kept).prop_map(|(from, mut to, kept)| {
        // Most changes are small.
        for ((address, desired), _) in from.resources.iter().zip(kept).filter(|(_, kept)| *kept) {
            to.resources.insert(address.clone(), desired.clone());
        }
        for (address, desired) in &mut to.resources {
            let Some(was) = from.resources.get(address) else { continue };
            let fixed: &[&str] = match address.kind.as_str() {
                "network" => &["range"],
                "part" => &["network", "zone"],
                "store" => &["network", "engine"],
                "rule" => &["number"],
                "service" => &["parts"],
                _ => &[],
            };
            for field in fixed {
                desired.spec[*field] = was.spec[*field].clone();
            }
        }
        // What is still referred to stays.
        loop {
            let missing = to.resources.values().flat_map(|desired| references(&desired.spec));
            let missing: Vec<Address> =
                missing.filter(|address| !to.resources.contains_key(address)).collect();
            if missing.is_empty() {
                return (from, to);
            }
            for address in missing {
                let was = from.resources[&address].clone();
                to.resources.insert(address, was);
            }
        }
    })
}

fn picks() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..100_usize, 1..40)
}

/// What was lost on the way, if anything.
fn lost(from: &Stack, to: &Stack, picks: &[usize]) -> Option<String> {
    let mut world = World::with(from);
    let plan = world.plan(to);
    lost_by(&mut world, &plan, picks)
}

fn lost_by(world: &mut World, plan: &Plan, picks: &[usize]) -> Option<String> {
    if interrupts(plan) {
        return None;
    }
    let before = users(world);
    let mut after = world.clone();
    after.perform(plan, &[]);
    let after = users(&after);
    let mut lost = None;
    world.perform_seen(plan, picks, &mut |world, step| {
        if lost.is_none() {
            lost = first_lost(&before, &users(world), &after);
            lost = lost.take().map(|lost| format!("after {}, {lost}", word(step)));
        }
    });
    lost
}

/// Somebody who has less than before and after.
fn first_lost(before: &Users, now: &Users, after: &Users) -> Option<String> {
    now.iter().find_map(|(address, now)| {
        let only = |users: &Users| match users.get(address).map(Vec::as_slice) {
            Some([(_, has)]) => Some(*has),
            _ => None,
        };
        let (was, will) = (only(before)?, only(after)?);
        let is_covered = now.iter().any(|(_, has)| has.covers(was, will));
        (!is_covered).then(|| format!("{address} had {was:?}, will have {will:?}, has {now:?}"))
    })
}

/// Whether nobody loses, and nothing is refused, in this order; and whether that is all there was
/// to do.
fn holds(world: &World, plan: &Plan, to: &Stack, order: &[usize]) -> bool {
    let in_this_order = || {
        let before = users(world);
        let mut good = world.clone();
        good.perform(plan, &[]);
        let after = users(&good);
        let (mut world, mut is_lost) = (world.clone(), false);
        world.perform_in(plan, order, &mut |world, _| {
            is_lost |= first_lost(&before, &users(world), &after).is_some();
        });
        !is_lost && world.plan(to).is_empty()
    };
    // The cloud refuses with a panic.
    catch_unwind(AssertUnwindSafe(in_this_order)).unwrap_or(false)
}

/// The two orders that would be allowed without an edge and are most apart: the later step as soon
/// as it can be, and the earlier one as late as it can be.
fn orders_without(plan: &Plan, later: StepId, earlier: StepId) -> [Vec<StepId>; 2] {
    let all = 0..plan.steps.len();
    let waits = |id: StepId, before: StepId| {
        plan.steps[id].after.contains(&before) && (id, before) != (later, earlier)
    };
    let (mut needed, mut behind) = (BTreeSet::from([later]), BTreeSet::from([earlier]));
    for id in all.clone() {
        if behind.iter().any(|before| waits(id, *before)) {
            behind.insert(id);
        }
    }
    for id in all.clone().rev() {
        if needed.iter().any(|after| waits(*after, id)) {
            needed.insert(id);
        }
    }
    let order = |is_first: &dyn Fn(&StepId) -> bool| {
        let (mut first, last): (Vec<_>, Vec<_>) = all.clone().partition(is_first);
        first.extend(last);
        first
    };
    [order(&|id| needed.contains(id)), order(&|id| !behind.contains(id))]
}

/// Whether one refers to the other, directly or not.
fn refers(to: &Stack, from: &Address, other: &Address) -> bool {
    let spec = to.resources.get(from).map(|desired| &desired.spec);
    let used = spec.map(references).unwrap_or_default();
    used.iter().any(|used| used == other || refers(to, used, other))
}

/// Why a step waits for another although this cloud would let it be.
fn reason(to: &Stack, later: &Step, earlier: &Step) -> Option<&'static str> {
    let refers = || refers(to, &later.address, &earlier.address);
    let kind = later.address.kind.as_str();
    match (later.action, earlier.action, kind, earlier.address.kind.as_str()) {
        (Action::Create | Action::Update, Action::Update, ..) if refers() => {
            Some("what is referred to is as it should be first")
        }
        (Action::Create | Action::Update, Action::Create | Action::Update, "service", "rule") => {
            Some("the kind says so")
        }
        (Action::Delete, Action::Create, ..) if later.address == earlier.address => {
            Some("what is superseded stays until its successor is there")
        }
        (Action::Create | Action::Update, Action::Create | Action::Update, "rule", "service") => {
            Some("all that fill it do, not only the first of them")
        }
        (Action::Delete, _, "service", "rule") => Some("nobody is led to what goes"),
        (Action::Delete, Action::Delete, ..) => {
            Some("what is used goes last, even if its user goes too")
        }
        (Action::Update, Action::Delete | Action::Update, "wall" | "service", _) => {
            Some("what is taken away is so last, even if its user does not need it")
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn without_any_edge_somebody_loses_or_the_cloud_refuses((from, to) in changes()) {
        let world = World::with(&from);
        let plan = world.plan(&to);
        if interrupts(&plan) {
            return Ok(());
        }
        for later in &plan.steps {
            for earlier in &later.after {
                let orders = orders_without(&plan, later.id, *earlier);
                let is_idle = orders.iter().all(|order| holds(&world, &plan, &to, order));
                let earlier = &plan.steps[*earlier];
                prop_assert!(
                    !is_idle || reason(&to, later, earlier).is_some(),
                    "{} waits for {} in vain",
                    word(later),
                    word(earlier)
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn nobody_loses_on_the_way_what_it_has_before_and_after(
        (from, to) in changes(),
        picks in picks(),
    ) {
        prop_assert_eq!(lost(&from, &to, &picks), None);
    }
}
