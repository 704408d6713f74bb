//! What is ours, and what only says so.

use std::collections::BTreeSet;

use deployer_core::{Code, Deeds, Keys, Place, Record, Signer, Stack, Standing, plan};
use deployer_testkit::{StackBuilder, everything, registry};
use serde_json::{Value, json};

use crate::world::{World, words};

fn range() -> Value {
    json!({ "range": "10.0.0.0/16", "labels": { "team": "a" } })
}

fn networks() -> StackBuilder {
    StackBuilder::default().with("network/main", range())
}

/// The codes of the mistakes that a plan by these deeds has.
fn refused(world: &World, stack: &Stack, deeds: &Deeds) -> Vec<String> {
    let planned = plan(stack, &world.judged(deeds), &registry().kinds(), &BTreeSet::new());
    planned.unwrap_err().into_iter().map(|mistake| mistake.code.to_string()).collect()
}

#[test]
fn a_copy_of_what_is_recorded_is_named_and_left_alone() {
    let mut world = World::with(&networks().build());
    let copied = world.copy("network/main");
    // What was made is known by its identifier, so the copy is distinguished from it however alike
    // they are.
    let mut deeds = world.deeds();
    let live = &world.lives[0];
    let serial = live.serial.clone().unwrap();
    deeds.record.made(&Place::default(), &live.address, 1, &serial, live.id());
    for stack in [networks().build(), StackBuilder::default().build()] {
        let snapshot = world.judged(&deeds);
        let plan = plan(&stack, &snapshot, &registry().kinds(), &BTreeSet::new()).unwrap();
        let touched = plan.steps.iter().filter_map(|step| Some(step.live.as_ref()?.id()));
        assert!(touched.into_iter().all(|id| id != copied), "{:?}", words(&plan));
        assert_eq!(plan.strays.len(), 1);
        assert_eq!(plan.strays[0].id, copied);
    }
}

#[test]
fn what_nobody_signed_is_a_stray_whatever_its_tags_say() {
    let mut world = World::with(&networks().build());
    let forged = world.copy("network/main");
    let serial = world.lives[0].serial.clone().unwrap();
    let mut deeds = Deeds { record: Record::new(None), keys: stranger() };
    deeds.record.begin(&Place::default(), &world.lives[0].address, 1, &serial);
    let snapshot = world.judged(&deeds);
    assert!(snapshot.lives.is_empty());
    let named: Vec<&str> = snapshot.strays.iter().map(|stray| stray.id.as_str()).collect();
    assert_eq!(named, ["network-1", &forged]);
    assert!(snapshot.strays[0].because.contains("signed"), "{:?}", snapshot.strays);
}

fn stranger() -> Keys {
    let signer = Signer::read(&Signer::write(&[9; 32])).unwrap();
    Keys::read(&signer.public().to_string())
}

#[test]
fn what_a_dead_run_made_is_ours_before_anybody_wrote_it_down() {
    let mut world = World::with(&everything().build());
    world.unrecorded = world.lives.iter().map(|live| live.id().to_owned()).collect();
    let plan = world.plan(&everything().build());
    assert!(plan.is_empty(), "{:?}", words(&plan));
    assert_eq!(plan.unrecorded.len(), world.lives.len());
    assert!(world.snapshot().lives.iter().all(|live| live.standing == Standing::Begun));
    assert_eq!(world.snapshot().unconfirmed().count(), 0, "nobody has to be asked");
}

#[test]
fn of_two_that_carry_the_proof_of_one_create_neither_is_touched_and_both_are_named() {
    let mut world = World::with(&networks().build());
    let original = world.lives[0].id().to_owned();
    let copied = world.copy("network/main");
    world.unrecorded.insert(original.clone());
    let deeds = world.deeds();
    for stack in [networks().build(), StackBuilder::default().build()] {
        assert!(refused(&world, &stack, &deeds).contains(&"disputed".to_owned()));
    }
    let snapshot = world.judged(&deeds);
    assert_eq!(snapshot.disputes[0].ids, [original.clone(), copied]);
    assert!(snapshot.lives.is_empty() && snapshot.strays.len() == 2);

    // Where they differ in what can never change, the copy gives itself away.
    world.lives[1].spec["range"] = json!("192.168.0.0/16");
    let snapshot = world.judged(&deeds);
    assert_eq!(snapshot.lives[0].id(), original);
    assert!(snapshot.disputes.is_empty() && snapshot.strays.len() == 1);
}

#[test]
fn what_is_proven_and_looks_different_is_refused_and_never_made_again() {
    let mut world = World::with(&networks().build());
    world.unrecorded.insert(world.lives[0].id().to_owned());
    world.lives[0].spec["range"] = json!("192.168.0.0/16");
    assert_eq!(refused(&world, &networks().build(), &world.deeds()), ["disputed"]);
}

#[test]
fn what_is_recorded_and_looks_different_is_refused_and_never_made_again() {
    let mut world = World::with(&networks().build());
    world.lives[0].spec["range"] = json!("192.168.0.0/16");
    assert_eq!(refused(&world, &networks().build(), &world.deeds()), ["shown-otherwise"]);
    // Whoever says so has it made anew.
    let named = BTreeSet::from(["network/main".parse().unwrap()]);
    let snapshot = world.judged(&world.deeds());
    let planned = plan(&networks().build(), &snapshot, &registry().kinds(), &named).unwrap();
    assert_eq!(planned.steps.len(), 2, "{:?}", words(&planned));
    // What the file changes is replaced without a word.
    let moved = networks().with("network/main", json!({ "range": "10.9.0.0/16" })).build();
    let planned = plan(&moved, &snapshot, &registry().kinds(), &BTreeSet::new()).unwrap();
    assert_eq!(planned.steps.len(), 2, "{:?}", words(&planned));
}

/// A proof is of one mark: where that tag is taken off, it proves nothing any more.
#[test]
fn a_proof_without_its_mark_proves_nothing() {
    let mut world = World::with(&networks().build());
    world.unrecorded.insert(world.lives[0].id().to_owned());
    let deeds = world.deeds();
    let mut seen = crate::world::seen(&world.lives[0]);
    seen.live.mark = None;
    let snapshot = crate::world::judged(vec![seen], &deeds);
    assert!(snapshot.lives.is_empty());
    assert!(snapshot.strays[0].because.contains("signed"), "{:?}", snapshot.strays);
}

#[test]
fn tags_of_something_that_is_gone_are_worth_nothing_on_something_else() {
    let mut world = World::with(&networks().build());
    let deeds = Deeds { record: Record::new(None), ..world.deeds() };
    world.lives[0].output["id"] = json!("network-of-another");
    let snapshot = world.judged(&deeds);
    assert!(snapshot.lives.is_empty());
    assert!(snapshot.strays[0].because.contains("gone"), "{:?}", snapshot.strays);
}

#[test]
fn a_copy_under_another_name_is_known_by_it() {
    let mut world = World::with(&everything().build());
    let gate = world.at("gate/edge").clone();
    world.unrecorded.insert(gate.id().to_owned());
    let deeds = world.deeds();
    let mut seen: Vec<_> = world.lives.iter().map(crate::world::seen).collect();
    let mut copy = seen.iter().find(|it| it.live.address == gate.address).unwrap().clone();
    copy.live.output["id"] = json!("gate-copied");
    copy.called = Some("somebody-elses".to_owned());
    seen.push(copy);
    let snapshot = crate::world::judged(seen, &deeds);
    assert_eq!(snapshot.current(&gate.address).unwrap().id(), gate.id());
    assert_eq!(snapshot.strays[0].id, "gate-copied");
    assert!(snapshot.disputes.is_empty());
}

#[test]
fn a_lost_record_leaves_what_is_signed_to_be_confirmed_and_a_copy_to_be_sorted_out() {
    let mut world = World::with(&everything().build());
    let deeds = Deeds { record: Record::default(), ..world.deeds() };
    let snapshot = world.judged(&deeds);
    assert_eq!(snapshot.unconfirmed().count(), world.lives.len());
    let again = plan(&everything().build(), &snapshot, &registry().kinds(), &BTreeSet::new());
    assert!(again.unwrap().is_empty(), "nothing is made twice");

    world.copy("network/main");
    assert!(refused(&world, &everything().build(), &deeds).contains(&"disputed".to_owned()));
}

#[test]
fn a_lost_key_costs_new_tags_and_nothing_else() {
    let mut world = World::with(&everything().build());
    let deeds = Deeds { keys: Keys::default(), ..world.deeds() };
    let snapshot = world.judged(&deeds);
    assert_eq!(snapshot.lives.len(), world.lives.len());
    assert!(snapshot.lives.iter().all(|live| !live.is_signed && live.mark.is_none()));
    let plan = plan(&everything().build(), &snapshot, &registry().kinds(), &BTreeSet::new());
    let plan = plan.unwrap();
    assert!(plan.steps.iter().all(|it| it.reason == deployer_core::Reason::Unsigned));
    world.perform(&plan, &[]);
}

#[test]
fn tags_that_somebody_changed_do_not_change_whose_it_is() {
    let mut world = World::with(&everything().build());
    let deeds = world.deeds();
    let part = world.at("part/a");
    (part.address.name, part.generation) = ("b".to_owned(), 7);
    let snapshot = world.judged(&deeds);
    let part = snapshot.current(&"part/a".parse().unwrap()).unwrap();
    assert_eq!((part.generation, part.is_signed), (1, false));
}

#[test]
fn what_tags_say_of_a_deletion_is_believed_of_signed_tags_alone() {
    let stack = everything().with("store/main", crate::world::store(true)).build();
    let world = World::with(&stack);
    let wipes = |world: &World, deeds: &Deeds| {
        let snapshot = world.judged(deeds);
        snapshot.current(&"store/main".parse().unwrap()).unwrap().spec["wipe"].clone()
    };
    let deeds = world.deeds();
    assert_eq!(wipes(&world, &deeds), json!(true), "we have signed for it");
    assert_eq!(wipes(&world, &Deeds { keys: Keys::default(), ..deeds }), json!(false));

    let mut world = World::with(&everything().build());
    world.at("store/main").spec["wipe"] = json!(true);
    let deeds = world.deeds();
    assert_eq!(wipes(&world, &deeds), json!(false), "it is not what the mark says");
    world.at("store/main").spec["wipe"] = json!({ "unread": true });
    let deeds = world.deeds();
    assert_eq!(wipes(&world, &deeds), json!(false), "the tag is gone");
}

#[test]
fn what_hangs_on_ours_with_copied_tags_holds_it() {
    let mut world = World::with(&everything().build());
    let mut hanging = world.at("rule/web").clone();
    hanging.output["id"] = json!("rule-hanging");
    world.lives.push(hanging);
    let mut deeds = world.deeds();
    let rule = world.lives.iter().find(|live| live.address.kind == "rule").unwrap();
    deeds.record.made(
        &Place::default(),
        &rule.address,
        1,
        rule.serial.as_ref().unwrap(),
        rule.id(),
    );
    let end = StackBuilder::default().build();
    let mistakes = plan(&end, &world.judged(&deeds), &registry().kinds(), &BTreeSet::new());
    let mistakes = mistakes.unwrap_err();
    assert_eq!(mistakes[0].code, Code::Attached);
    assert!(mistakes[0].title.contains("rule-hanging"), "{mistakes:?}");
}
