//! What waits for what.

use deployer_core::{Half, Phase};
use deployer_testkit::{StackBuilder, everything, everything_changed};
use serde_json::json;

use crate::world::{World, assert_ordered, is_before, words};

#[test]
fn what_is_referred_to_is_made_first_and_deleted_last() {
    let up = World::default().plan(&everything().build());
    assert!(is_before(&up, "create network/main", "create gate/edge"));
    assert!(is_before(&up, "create store/main", "create revision/web"));
    assert!(!is_before(&up, "create store/main", "create gate/edge"));
    let down = World::with(&everything().build()).plan(&StackBuilder::default().build());
    assert!(is_before(&down, "delete gate/edge", "delete network/main"));
    assert!(is_before(&down, "delete service/web", "delete store/main"), "by a host in a text");
}

#[test]
fn what_a_kind_comes_after_counts_only_where_both_share_something() {
    let other = json!({ "network": "main", "protocol": "udp" });
    let stack = everything()
        .with("gate/other", other)
        .with("rule/other", json!({ "gate": "other", "number": 2 }))
        .build();
    let up = World::default().plan(&stack);
    assert!(is_before(&up, "create rule/web", "create service/web"));
    assert!(!is_before(&up, "create rule/other", "create service/web"));
    let down = World::with(&stack).plan(&StackBuilder::default().build());
    assert!(is_before(&down, "delete rule/web", "delete service/web"), "it leads there");
    assert!(!is_before(&down, "delete rule/other", "delete service/web"));
}

#[test]
fn what_comes_after_a_resource_stays_while_that_is_made_anew() {
    let plan = World::with(&everything().build()).plan(
        &everything()
            .with("network/main", json!({ "range": "10.9.0.0/16" }))
            .with("rule/web", json!({ "gate": "edge", "number": 2 }))
            .build(),
    );
    assert!(is_before(&plan, "create rule/web", "create service/web"));
    assert_ordered(&plan);
}

#[test]
fn one_who_moves_is_let_in_before_and_until_it_has_moved() {
    let behind = |walls: [&str; 1], admitted: [&str; 1]| {
        everything()
            .with("wall/one", json!({ "network": "main" }))
            .with("wall/two", json!({ "network": "main" }))
            .with("wall/store", json!({ "network": "main", "admits": admitted }))
            .with(
                "store/main",
                json!({
                    "network": "main", "engine": "pg", "size": 20, "walls": ["store"],
                }),
            )
            .with(
                "service/web",
                json!({
                    "revision": "web", "gates": ["edge"], "parts": ["a", "b"], "walls": walls,
                }),
            )
            .build()
    };
    let plan = World::with(&behind(["one"], ["one"])).plan(&behind(["two"], ["two"]));
    assert_eq!(words(&plan), ["update wall/store", "update service/web", "update wall/store"]);
    let halves: Vec<Option<Half>> = plan.steps.iter().map(|step| step.half).collect();
    assert_eq!(halves, [Some(Half::First), None, Some(Half::Second)]);
    assert_eq!((plan.steps[1].after.len(), plan.steps[2].after.len()), (1, 1));
    assert_eq!(plan.summary().update, 2, "a change in two steps is one");
}

#[test]
fn whoever_leads_to_a_service_leads_elsewhere_before_it_goes() {
    let led = |gate: &str| {
        everything()
            .with("gate/other", json!({ "network": "main", "protocol": "udp" }))
            .with(
                "service/other",
                json!({
                    "revision": "web", "gates": ["other"], "parts": ["a"],
                }),
            )
            .with("rule/web", json!({ "gate": gate, "number": 1 }))
    };
    let plan = World::with(&led("edge").build()).plan(&led("other").without("service/web").build());
    assert_eq!(words(&plan), ["update rule/web", "delete service/web"]);
    assert_ordered(&plan);
    assert!(is_before(&plan, "update rule/web", "delete service/web"));
}

#[test]
fn an_older_generation_goes_once_the_newer_one_is_ready() {
    let mut world = World::with(&everything().build());
    world.twin("service/web");
    world.lives[0].state.clear();
    let newest = world.lives.last_mut().unwrap();
    newest.generation = 2;
    newest.phase = Phase::Settling;
    let plan = world.plan(&everything().build());
    assert!(is_before(&plan, "await service/web", "delete service/web"));
}

#[test]
fn an_older_generation_that_stands_in_the_way_of_the_newest_goes_before_it() {
    let mut world = World::with(&everything().build());
    world.twin("service/web");
    let newest = world.lives.last_mut().unwrap();
    newest.generation = 2;
    let moved = everything().with("part/a", json!({ "network": "main", "zone": "c" })).build();
    let plan = world.plan(&moved);
    assert!(is_before(&plan, "delete service/web", "create service/web"));
    world.perform(&plan, &[]);
    assert!(world.plan(&moved).is_empty());
}

#[test]
fn the_estimate_is_the_longest_chain() {
    let plan = World::default().plan(&everything().build());
    // Network, store, revision, service.
    assert_eq!(plan.typical(), 2 + 400 + 60);
}

#[test]
fn the_same_stack_gives_the_same_plan_byte_for_byte() {
    let mut world = World::with(&everything().build());
    let stack = everything_changed().build();
    let first = serde_json::to_string(&world.plan(&stack)).unwrap();
    world.lives.reverse();
    let second = serde_json::to_string(&world.plan(&stack)).unwrap();
    assert_eq!(first, second);
    let read: deployer_core::Plan = serde_json::from_str(&first).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), first);
}
