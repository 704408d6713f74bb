//! What cannot be planned.

use std::collections::BTreeSet;

use deployer_core::{Code, Desired, Diagnostic, Place, Stack, plan};
use deployer_testkit::{StackBuilder, everything, registry};
use serde_json::{Value, json};

use crate::world::{World, address};

fn mistake(world: &World, stack: &Stack) -> Diagnostic {
    let mistakes = world.try_plan(stack).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes.into_iter().next().unwrap()
}

fn store(engine: &str, size: u32, protected: bool) -> Value {
    json!({ "network": "main", "engine": engine, "size": size, "protected": protected })
}

#[test]
fn a_change_that_cannot_be_made_says_what_to_do_instead() {
    let world = World::with(&everything().build());
    let smaller = everything().with("store/main", store("pg", 10, false)).build();
    let mistake = mistake(&world, &smaller);
    assert_eq!(mistake.title, "store/main: size cannot change from 20 to 10");
    assert_eq!(mistake.help.as_deref(), Some("keep the size, or copy it to a smaller store"));
}

#[test]
fn a_protected_resource_is_neither_removed_nor_made_anew_unless_named() {
    let safe = everything().with("store/main", store("pg", 20, true)).build();
    let world = World::with(&safe);
    let other = everything().with("store/main", store("my", 20, true)).build();
    for stack in [StackBuilder::default().build(), other] {
        let mistake = mistake(&world, &stack);
        assert_eq!(mistake.code, Code::Protected);
        assert!(mistake.help.unwrap().contains("--unprotect store/main"));
        let named = BTreeSet::from([address("store/main")]);
        assert!(plan(&stack, &world.snapshot(), &registry().kinds(), &named).is_ok());
    }
}

#[test]
fn taking_the_protection_off_and_deleting_are_two_runs() {
    let mut world = World::with(&everything().with("store/main", store("pg", 20, true)).build());
    let bare = everything().with("store/main", store("pg", 20, false)).build();
    world.perform(&world.plan(&bare), &[]);
    assert!(world.try_plan(&StackBuilder::default().build()).is_ok());
}

#[test]
fn resources_that_refer_to_each_other_are_named_in_a_ring() {
    let url =
        |address: &str| json!({ "text": [{ "output": { "address": address, "field": "host" } }] });
    let stack = StackBuilder::default()
        .with("revision/a", json!({ "image": "x", "url": url("revision/b") }))
        .with("revision/b", json!({ "image": "x", "url": url("revision/a") }))
        .build();
    let mistake = mistake(&World::default(), &stack);
    assert_eq!(
        mistake.title,
        "resources wait for each other: revision/a → revision/b → revision/a"
    );
}

#[test]
fn a_kind_that_does_not_exist_is_named() {
    let mut stack = StackBuilder::default().build();
    let castle = Desired { place: Place::default(), spec: json!({}) };
    stack.resources.insert(address("castle/main"), castle);
    assert_eq!(mistake(&World::default(), &stack).title, "there is no kind `castle`");
}

#[test]
fn all_mistakes_come_at_once() {
    let safe = everything().with("store/b", store("pg", 20, true)).build();
    let world = World::with(&safe);
    let mut stack = everything().with("store/main", store("pg", 10, false)).build();
    let castle = Desired { place: Place::default(), spec: json!({}) };
    stack.resources.insert(address("castle/main"), castle);
    let codes: BTreeSet<String> = world
        .try_plan(&stack)
        .unwrap_err()
        .into_iter()
        .map(|mistake| mistake.code.to_string())
        .collect();
    assert_eq!(codes, ["cannot-change", "protected", "unknown-kind"].map(str::to_owned).into());
}

#[test]
fn what_another_stack_of_the_name_has_made_is_not_planned_with() {
    let stack = everything().build();
    let world = World::with(&stack);
    let kinds = registry().kinds();
    let theirs = Some("git.test/theirs:stack.yaml".to_owned());
    for ours in [None, Some("git.test/ours:stack.yaml".to_owned())] {
        let mut snapshot = world.snapshot();
        (snapshot.scope.origin, snapshot.origin) = (ours, theirs.clone());
        for stack in [&stack, &StackBuilder::default().build()] {
            let mistakes = plan(stack, &snapshot, &kinds, &BTreeSet::new()).unwrap_err();
            assert_eq!(mistakes.len(), 1);
            assert_eq!(mistakes[0].code, Code::AnotherStack);
            assert!(mistakes[0].title.contains("git.test/theirs:stack.yaml"));
        }
    }
    let mut snapshot = world.snapshot();
    (snapshot.scope.origin, snapshot.origin) = (theirs.clone(), theirs);
    assert!(plan(&stack, &snapshot, &kinds, &BTreeSet::new()).unwrap().is_empty());
}
