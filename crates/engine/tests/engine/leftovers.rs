//! What earlier runs left half-way.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Action, Address, Cause, Reason, What};
use deployer_testkit::{
    Fault, Memory, Moment, Operation, StackBuilder, apply, converge, everything, run, run_until,
    settled,
};
use serde_json::json;

use crate::world::{Start, Way, plan};

fn store() -> StackBuilder {
    StackBuilder::default()
        .with("network/main", json!({ "range": "10.0.0.0/16" }))
        .with("store/main", json!({ "network": "main", "engine": "pg", "size": 20 }))
}

#[tokio::test(start_paused = true)]
async fn what_is_still_being_made_is_waited_for() {
    let memory = Arc::new(Memory::default());
    let stack = store().build();
    let before = plan(&memory, &stack).await;
    let ran = run_until(&memory, before, |events| events == 5).await;
    assert_eq!(ran.outcome.abandoned.len(), 1);
    let rest = plan(&memory, &stack).await;
    let [step] = &rest.steps[..] else { panic!("{:#?}", rest.steps) };
    assert_eq!((step.action, step.reason), (Action::Await, Reason::Unfinished));
    let ran = run(&memory, rest).await;
    let store = &ran.outcome.outputs[&Address::new("store", "main")];
    assert!(store["host"].is_string(), "{store}");
    settled(&memory, &stack).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_out_is_waited_for_and_made_anew() {
    let memory = Arc::new(Memory::default());
    let stack = store().build();
    converge(&memory, &stack).await;
    let without = store().without("store/main").build();
    let down = plan(&memory, &without).await;
    let ran = run_until(&memory, down, |events| events == 2).await;
    assert_eq!(ran.outcome.abandoned, [(0, "deleting".to_owned())]);
    let ran = apply(&memory, &stack).await;
    let did: Vec<Action> = ran.plan.steps.iter().map(|step| step.action).collect();
    assert_eq!(did, [Action::Delete, Action::Create]);
    settled(&memory, &stack).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_out_is_not_taken_for_what_is_to_be_made() {
    let memory = Arc::new(Memory::default());
    let stack = store().build();
    let blind = plan(&memory, &stack).await;
    converge(&memory, &stack).await;
    let down = plan(&memory, &store().without("store/main").build()).await;
    run_until(&memory, down, |events| events == 2).await;
    // A plan that knows nothing of the old store meets its name.
    let ran = run(&memory, blind).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    assert_ne!(ran.outcome.outputs[&Address::new("store", "main")]["id"], json!("store-2"));
    assert!(ran.history.events.iter().any(|event| {
        matches!(&event.what, What::Waiting { on, .. } if on == "the name is still draining")
    }));
}

#[tokio::test(start_paused = true)]
async fn half_of_a_create_is_completed_by_the_next_run() {
    let start = Way::Up.start().await;
    let (memory, stack) = (start.memory(), &start.stack);
    let configure = before_the_first(Operation::Configure, &start).await;
    memory.arm(configure, Fault::Fail(Moment::Before, Cause::Denied));
    assert_eq!(run(&memory, start.plan.clone()).await.outcome.failed.len(), 1);
    let rest = plan(&memory, stack).await;
    let gate = rest.steps.iter().find(|step| step.address.kind == "gate").unwrap();
    assert_eq!(gate.action, Action::Update);
    converge(&memory, stack).await;
}

#[tokio::test(start_paused = true)]
async fn half_of_a_create_is_completed_by_the_same_run_where_asking_again_helps() {
    let start = Way::Up.start().await;
    let (memory, stack) = (start.memory(), &start.stack);
    let configure = before_the_first(Operation::Configure, &start).await;
    memory.arm(configure, Fault::Fail(Moment::Before, Cause::Throttled));
    assert!(run(&memory, start.plan.clone()).await.outcome.is_success());
    settled(&memory, stack).await;
}

#[tokio::test(start_paused = true)]
async fn of_twins_left_by_a_lost_reply_one_is_deleted() {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    let network = Address::new("network", "main");
    let first = plan(&memory, &stack).await;
    // The reply to the very first call gets lost, and looking for its effect finds nothing yet.
    memory.hide_for(Duration::from_secs(5));
    memory.arm(0, Fault::LOST_REPLY);
    let ran = run(&memory, first).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    assert_eq!(memory.census()[&network], 2);
    memory.hide_for(Duration::ZERO);
    let ran = apply(&memory, &stack).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    let twin = ran.plan.steps.iter().find(|step| step.address == network).unwrap();
    assert_eq!((twin.action, twin.reason), (Action::Delete, Reason::Twin));
    settled(&memory, &stack).await;
}

/// How many calls a run makes before the first of this operation.
async fn before_the_first(operation: Operation, start: &Start) -> usize {
    let memory = start.memory();
    let before = memory.calls().len();
    run(&memory, start.plan.clone()).await;
    memory.calls()[before..].iter().position(|call| call.operation == operation).unwrap()
}
