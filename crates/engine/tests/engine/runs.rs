//! Runs in which nothing goes wrong.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Action, Address, What};
use deployer_testkit::{Memory, StackBuilder, apply, converge, everything, observed, run};
use serde_json::json;

use crate::world::{WAYS, Way};

#[tokio::test(start_paused = true)]
async fn after_a_run_there_is_nothing_left_to_do() {
    for way in WAYS {
        let start = way.start().await;
        converge(&start.memory(), &start.stack).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_a_resource_is_told_once_it_is_ready() {
    let memory = Arc::new(Memory::default());
    let ran = apply(&memory, &everything().build()).await;
    let store = &ran.outcome.outputs[&Address::new("store", "main")];
    assert!(store["host"].is_string(), "{store}");
    let revision = ran.plan.steps.iter().find(|step| step.address.kind == "revision").unwrap();
    assert!(revision.after.iter().any(|id| ran.plan.steps[*id].address.kind == "store"));
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_as_long_as_its_longest_chain() {
    let memory = Arc::new(Memory::default());
    let ran = apply(&memory, &everything().build()).await;
    let typical = Duration::from_secs(u64::from(ran.plan.typical()));
    assert!(ran.outcome.took >= typical);
    assert!(ran.outcome.took <= typical * 112 / 100, "{:?} of {typical:?}", ran.outcome.took);
}

#[tokio::test(start_paused = true)]
async fn what_has_the_longest_chain_behind_it_goes_first() {
    let memory = Arc::new(Memory::default());
    let network = |range: u8| json!({ "range": format!("10.{range}.0.0/16") });
    let stack = StackBuilder::default()
        .with("network/a", network(1))
        .with("network/b", network(2))
        .with("store/main", json!({ "network": "b", "engine": "pg", "size": 20 }))
        .build();
    let ran = apply(&memory, &stack).await;
    let What::Begun { step } = ran.history.events[0].what else { panic!("nothing began") };
    assert_eq!(ran.plan.steps[step].address.to_string(), "network/b");
}

#[tokio::test(start_paused = true)]
async fn a_wide_plan_waits_side_by_side_but_calls_in_turns() {
    let memory = Arc::new(Memory::default());
    let stack = (0..40).fold(
        StackBuilder::default().with("network/main", json!({ "range": "10.0.0.0/16" })),
        |stack, number| {
            let spec = json!({ "network": "main", "engine": "pg", "size": 20 });
            stack.with(&format!("store/s{number}"), spec)
        },
    );
    let ran = apply(&memory, &stack.build()).await;
    assert!(ran.outcome.is_success());
    assert!(ran.outcome.took < Duration::from_secs(450), "{:?}", ran.outcome.took);
    assert_eq!(memory.most_under_way(), 10);
}

/// Revisions whose images take a minute to build, and things that are made meanwhile.
fn heavy() -> deployer_core::Stack {
    let stack = (0..3).fold(StackBuilder::default(), |stack, number| {
        stack.with(
            &format!("revision/r{number}"),
            json!({ "image": format!("{number}:heavy"), "url": "" }),
        )
    });
    (0..20)
        .fold(stack, |stack, number| {
            let range = format!("10.{number}.0.0/16");
            stack.with(&format!("network/n{number}"), json!({ "range": range }))
        })
        .build()
}

#[tokio::test(start_paused = true)]
async fn builds_are_made_one_at_a_time_and_hold_up_nothing_else() {
    let memory = Arc::new(Memory::default());
    let ran = apply(&memory, &heavy()).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    assert!(ran.outcome.took >= Duration::from_mins(3), "{:?}", ran.outcome.took);
    let ended = |kind: &str| {
        let of_kind = |step: &usize| ran.plan.steps[*step].address.kind == kind;
        let events = ran.history.events.iter();
        let ends =
            events.filter(|event| matches!(&event.what, What::Done { step, .. } if of_kind(step)));
        ends.map(|event| event.at).collect::<Vec<_>>()
    };
    assert!(ended("network").iter().all(|at| *at < Duration::from_secs(30)));
    assert_eq!(ended("revision").iter().map(Duration::as_secs).collect::<Vec<_>>(), [60, 120, 180]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_behind_on_purpose_is_told() {
    let start = Way::Down.start().await;
    let ran = run(&start.memory(), start.plan).await;
    assert_eq!(
        ran.outcome.left,
        [(Address::new("store", "main"), "a copy of notes-dev-main".to_owned())]
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_told_whenever_its_words_change_and_no_more() {
    let memory = Arc::new(Memory::default());
    let ran = apply(&memory, &everything().build()).await;
    let gate = ran.plan.steps.iter().find(|step| step.address.kind == "gate").unwrap().id;
    let waits: Vec<&str> = ran
        .history
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Waiting { step, on } if *step == gate => Some(on.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(waits, ["provisioning"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_kind_has_to_say_is_told_while_its_step_is_under_way() {
    let memory = Arc::new(Memory::default());
    let ran = apply(&memory, &everything().build()).await;
    let said: Vec<(&str, &str)> = ran
        .history
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Said { step, line } => {
                Some((ran.plan.steps[*step].address.kind.as_str(), line.as_str()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(said, [("gate", "checks /up")]);
}

#[tokio::test(start_paused = true)]
async fn only_the_targets_and_what_they_wait_for_are_made() {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    let plan = crate::world::plan(&memory, &stack).await;
    let plan = plan.only(&[Address::new("gate", "edge")].into());
    let made: Vec<String> = plan.steps.iter().map(|step| step.address.to_string()).collect();
    assert_eq!(made, ["network/main", "gate/edge"]);
    assert!(plan.steps.iter().all(|step| step.action == Action::Create));
    assert!(run(&memory, plan).await.outcome.is_success());
    converge(&memory, &stack).await;
}

#[tokio::test(start_paused = true)]
async fn an_update_leaves_what_others_moved_and_what_is_not_shown() {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    converge(&memory, &stack).await;
    let moved = json!([{ "version": "blue", "weight": 10 }, { "version": "green", "weight": 90 }]);
    memory.meddle("service/web", "shares", moved.clone());
    memory.meddle("service/web", "count", json!(7));
    converge(&memory, &stack).await;
    let store = json!({ "network": "main", "engine": "pg", "size": 30, "key": "s3cr3t" });
    let rolled = json!({ "image": "web:2", "url": "store://nowhere" });
    let stack = everything().with("store/main", store).with("revision/web", rolled).build();
    let ran = apply(&memory, &stack).await;
    let updated = ran.plan.steps.iter().filter(|step| step.action == Action::Update);
    let updated: Vec<String> = updated.map(|step| step.address.to_string()).collect();
    assert_eq!(updated, ["store/main", "service/web"]);
    let snapshot = observed(&memory, &stack).await.unwrap();
    let at = |kind: &str, name: &str| snapshot.current(&Address::new(kind, name)).unwrap().clone();
    let service = at("service", "web");
    assert_eq!((&service.spec["shares"], &service.spec["count"]), (&moved, &json!(7)));
    let store = at("store", "main");
    assert_eq!((&store.spec["size"], store.unread().len()), (&json!(30), 1));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_does_not_hold_is_put_back() {
    let memory = Arc::new(Memory::default());
    apply(&memory, &everything().build()).await;
    let checked = |path: &str| {
        let check = json!({ "path": path, "every": 5 });
        let gate = json!({ "network": "main", "protocol": "http", "check": check });
        everything().with("gate/edge", gate).build()
    };
    let ran = apply(&memory, &checked("/flaky")).await;
    let [(_, failure)] = ran.outcome.failed.as_slice() else { panic!("{:?}", ran.outcome) };
    assert_eq!(failure.message, "it answers no more");
    let gate = Address::new("gate", "edge");
    let there = observed(&memory, &everything().build()).await.unwrap();
    assert_eq!(there.current(&gate).unwrap().spec["check"]["path"], "/up", "as it was");
    let ran = apply(&memory, &checked("/ready")).await;
    assert!(ran.outcome.is_success());
}
