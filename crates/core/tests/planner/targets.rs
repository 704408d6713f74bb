//! Plans cut down to some resources.

use deployer_testkit::{everything, everything_changed};
use serde_json::json;

use crate::world::{World, address, assert_ordered, words};

#[test]
fn a_target_brings_along_what_it_waits_for() {
    let plan = World::default().plan(&everything().build());
    let plan = plan.only(&[address("rule/web")].into());
    assert_eq!(words(&plan), ["create network/main", "create gate/edge", "create rule/web"]);
    assert_ordered(&plan);
}

#[test]
fn what_had_to_go_for_a_target_comes_back() {
    let mut world = World::with(&everything().build());
    let moved = everything().with("part/a", json!({ "network": "main", "zone": "c" })).build();
    let plan = world.plan(&moved).only(&[address("part/a")].into());
    assert_eq!(
        words(&plan),
        ["delete service/web", "delete part/a", "create part/a", "create service/web"]
    );
    world.perform(&plan, &[]);
    assert!(world.plan(&moved).is_empty());
}

#[test]
fn a_target_that_is_as_it_should_be_leaves_nothing_to_do() {
    let world = World::with(&everything().build());
    let plan = world.plan(&everything_changed().build());
    assert!(plan.only(&[address("mark/main")].into()).is_empty());
}
