//! What cannot be planned.

use std::collections::BTreeSet;

use deployer_core::{Code, Desired, Diagnostic, Place, Plan, Severity, Stack, plan};
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
fn a_change_that_cannot_be_made_is_refused_and_the_rest_of_the_resource_and_of_the_plan_goes_on() {
    let mut world = World::with(&everything().build());
    let mut other = store("pg", 10, true);
    other["key"] = json!("s3cr3t");
    let asked = everything()
        .with("store/main", other)
        .with("network/other", json!({ "range": "10.9.0.0/16" }))
        .build();
    let plan = world.plan(&asked);
    let [refused] = plan.refused.as_slice() else { panic!("{:?}", plan.refused) };
    let said = refused.diagnostic();
    assert_eq!(said.title, "store/main: size cannot change from 20 to 10");
    assert_eq!((said.code, said.severity), (Code::CannotChange, Severity::Error));
    assert_eq!(said.help.as_deref(), Some("keep the size, or copy it to a smaller store"));
    assert!(!plan.is_whole());
    let steps: Vec<String> = plan.steps.iter().map(|step| step.address.to_string()).collect();
    assert_eq!(steps, ["network/other", "store/main"]);
    let paths: Vec<&str> = plan.steps[1].differences.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["protected"]);
    world.perform(&plan, &[]);
    assert_eq!(world.at("store/main").spec["size"], 20);
    let again = world.plan(&asked);
    assert!(again.is_empty() && !again.is_whole(), "it is asked for still");
}

#[test]
fn what_is_refused_of_one_resource_is_nobodys_who_plans_for_another() {
    let world = World::with(&everything().build());
    let smaller = everything().with("store/main", store("pg", 10, false)).build();
    let all = |plan: &Plan| plan.refused.len();
    assert_eq!(all(&world.plan(&smaller).only(&[address("store/main")].into())), 1);
    assert_eq!(all(&world.plan(&smaller).only(&[address("network/main")].into())), 0);
    assert!(world.plan(&StackBuilder::default().build()).is_whole(), "an end changes nothing");
}

#[test]
fn what_moved_by_itself_and_cannot_be_put_back_is_nothing_that_was_asked_for() {
    let stack = everything().build();
    let mut world = World::with(&stack);
    world.at("store/main").spec["size"] = json!(35);
    let plan = world.plan(&stack);
    assert!(plan.is_empty() && plan.is_whole());
    let said = plan.refused[0].diagnostic();
    assert_eq!(said.severity, Severity::Warning);
    assert_eq!(
        said.title,
        "store/main: size was changed outside from 20 to 35, and cannot be changed back"
    );
}

#[test]
fn what_is_made_anew_can_have_any_value() {
    let world = World::with(&everything().build());
    let other = everything().with("store/main", store("my", 10, false)).build();
    assert!(world.plan(&other).is_whole());
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
    let mut stack = everything().build();
    let castle = Desired { place: Place::default(), spec: json!({}) };
    stack.resources.insert(address("castle/main"), castle);
    let codes: BTreeSet<String> = world
        .try_plan(&stack)
        .unwrap_err()
        .into_iter()
        .map(|mistake| mistake.code.to_string())
        .collect();
    assert_eq!(codes, ["protected", "unknown-kind"].map(str::to_owned).into());
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
