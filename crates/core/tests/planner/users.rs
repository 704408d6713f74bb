//! Nobody is left without what it uses, whatever order a plan is done in.

use std::collections::BTreeMap;

use deployer_core::{Address, Live, Plan, Reason, Replacement, Stack, Step, references};
use deployer_testkit::stacks;
use proptest::prelude::*;
use serde_json::Value;

use crate::world::{World, targets};

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

/// What each service and each rule has of what it uses, by its address; the newest that works.
fn users(world: &World) -> BTreeMap<Address, Vec<(Value, Has)>> {
    let mut users: BTreeMap<Address, Vec<(Value, Has)>> = BTreeMap::new();
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
        for (address, now) in users(world) {
            let (Some([(_, was)]), Some([(_, will)])) =
                (before.get(&address).map(Vec::as_slice), after.get(&address).map(Vec::as_slice))
            else {
                continue;
            };
            if lost.is_none() && !now.iter().any(|(_, has)| has.covers(*was, *will)) {
                lost = Some(format!(
                    "{address} had {was:?}, will have {will:?}, and after {:?} {} has {now:?}",
                    step.action, step.address
                ));
            }
        }
    });
    lost
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
