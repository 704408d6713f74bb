//! What others own, and what the cloud does not show.

use deployer_core::{Difference, KindInfo, Kinds, unread};
use deployer_testkit::{everything, registry};
use serde_json::{Value, json};

use crate::world::{World, words};

/// A service whose versions get so many requests each.
fn service(shares: &[(&str, u32)]) -> Value {
    let shares: Vec<Value> = shares
        .iter()
        .map(|(version, weight)| json!({ "version": version, "weight": weight }))
        .collect();
    json!({
        "revision": "web", "gates": ["edge"], "parts": ["a", "b"], "count": 2, "shares": shares,
    })
}

fn kinds() -> Kinds {
    registry().kinds()
}

fn of<'a>(kinds: &'a Kinds, name: &str) -> &'a KindInfo {
    kinds.find(name).unwrap()
}

fn differences(world: &World, stack: &deployer_core::Stack) -> Vec<Difference> {
    world.plan(stack).steps.into_iter().flat_map(|step| step.differences).collect()
}

#[test]
fn what_others_move_within_a_list_is_no_difference() {
    let stack = everything().build();
    let mut world = World::with(&stack);
    world.at("service/web").spec["shares"][0]["weight"] = json!(10);
    world.at("service/web").spec["shares"][1]["weight"] = json!(90);
    assert!(world.plan(&stack).is_empty());
    world.at("service/web").spec["shares"][1]["version"] = json!("red");
    let found = differences(&world, &stack);
    assert_eq!((found.len(), found[0].path.as_str()), (1, "shares"));
    assert!(found[0].drift, "the mark holds none of what others moved");
}

#[test]
fn an_update_of_something_else_leaves_what_others_own_as_it_is() {
    let changed = [("blue", 100), ("red", 0), ("grey", 5)];
    let stack = everything().with("service/web", service(&changed)).build();
    let mut world = World::with(&everything().build());
    world.at("service/web").spec["shares"][0]["weight"] = json!(10);
    world.at("service/web").spec["count"] = json!(7);
    let plan = world.plan(&stack);
    assert_eq!(words(&plan), ["update service/web"]);
    world.perform(&plan, &[]);
    let spec = &world.at("service/web").spec;
    assert_eq!(spec["count"], 7);
    let weights: Vec<&Value> = (0..3).map(|place| &spec["shares"][place]["weight"]).collect();
    assert_eq!(weights, [10, 0, 5]);
    assert_eq!(spec["shares"][1]["version"], "red");
    assert!(world.plan(&stack).is_empty());
}

#[test]
fn what_the_cloud_does_not_show_is_no_difference_and_no_mark_claims_it() {
    let stack = everything().build();
    let mut world = World::with(&stack);
    world.at("store/main").spec["key"] = json!({ "unread": true });
    assert!(world.plan(&stack).is_empty());
    let live = world.at("store/main").clone();
    assert_eq!(live.unread().into_iter().collect::<Vec<_>>(), ["key"]);
    let (kinds, unread) = (kinds(), json!({ "unread": true }));
    let store = of(&kinds, "store");
    let mark = store.mark(&live.spec);
    assert_eq!(store.is_marked(&mark, "key", &json!("s3cr3t")), None);
    assert_eq!(store.is_marked(&mark, "size", &json!(20)), Some(true));
    assert_eq!(store.is_marked(&store.mark(&json!({ "key": 1 })), "key", &unread), None);
    world.at("store/main").spec["size"] = json!(10);
    let found = differences(&world, &stack);
    assert_eq!((found.len(), found[0].path.as_str()), (1, "size"));
}

#[test]
fn an_update_is_given_what_the_file_says_of_what_is_unread() {
    let live = json!({ "size": 10, "key": { "unread": true } });
    let wanted = of(&kinds(), "store").leave_delegated(&live, &json!({ "size": 20, "key": "a" }));
    assert_eq!(wanted, json!({ "size": 20, "key": "a" }));
}

#[test]
fn nobody_writes_that_something_is_unread() {
    let kinds = kinds();
    let spec = json!({ "network": "main", "engine": "pg", "size": 20, "key": { "unread": true } });
    let problem = of(&kinds, "store").read(spec.clone()).unwrap_err();
    assert_eq!(problem.path, "key");
    assert_eq!(unread(&of(&kinds, "store").normalize(spec).unwrap()).len(), 1);
}
