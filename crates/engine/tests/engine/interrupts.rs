//! Runs that are interrupted or killed at every possible moment.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::What;
use deployer_testkit::{Fault, Memory, Moment, StackBuilder, converge, run, run_until};
use serde_json::json;

use crate::world::{WAYS, Way, plan, runs_until_hung};

#[tokio::test(start_paused = true)]
async fn a_run_interrupted_at_any_event_begins_nothing_more_and_the_next_one_converges() {
    for way in WAYS {
        let start = way.start().await;
        let events = run(&start.memory(), start.plan.clone()).await.history.events.len();
        for nth in 1..events {
            let memory = start.memory();
            let ran = run_until(&memory, start.plan.clone(), |events| events == nth).await;
            assert!(ran.outcome.interrupted, "{way:?} {nth}");
            let told = &ran.history.events;
            let at = told.iter().position(|event| event.what == What::Interrupted).unwrap();
            for event in &told[at..] {
                assert!(!matches!(event.what, What::Begun { .. }), "{way:?} {nth}: {event:?}");
            }
            assert!(ran.outcome.failed.is_empty(), "{way:?} {nth}");
            converge(&memory, &start.stack).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_ends_without_waiting_for_the_cloud() {
    let start = Way::Up.start().await;
    let memory = start.memory();
    let ran = run_until(&memory, start.plan.clone(), |events| events == 12).await;
    let told = &ran.history.events;
    let at = told.iter().find(|event| event.what == What::Interrupted).unwrap().at;
    let allowed = at + Duration::from_millis(100);
    assert!(ran.outcome.took <= allowed, "{:?} after {at:?}", ran.outcome.took);
    let waits: Vec<&str> = ran.outcome.abandoned.iter().map(|(_, on)| on.as_str()).collect();
    assert!(waits.contains(&"provisioning"), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_build_is_cut_short_and_one_that_waits_for_it_has_not_begun() {
    let memory = Arc::new(Memory::default());
    let stack = (0..2).fold(StackBuilder::default(), |stack, number| {
        stack.with(
            &format!("revision/r{number}"),
            json!({ "image": format!("{number}:heavy"), "url": "" }),
        )
    });
    let plan = plan(&memory, &stack.build()).await;
    // It is shown after two seconds that the first waits for its build.
    let ran = run_until(&memory, plan, |events| events == 2).await;
    assert!(ran.outcome.took < Duration::from_secs(3), "{:?}", ran.outcome.took);
    assert_eq!(ran.outcome.abandoned.len(), 1);
    assert_eq!(ran.outcome.abandoned[0].1, "its build");
    assert_eq!(ran.outcome.not_begun.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_waits_for_its_turn_when_the_run_is_interrupted_has_not_begun() {
    let memory = Arc::new(Memory::default());
    memory.slow_down(Duration::from_secs(5));
    let stack = (0..15).fold(StackBuilder::default(), |stack, number| {
        let range = format!("10.{number}.0.0/16");
        stack.with(&format!("network/n{number}"), json!({ "range": range }))
    });
    let plan = plan(&memory, &stack.build()).await;
    let ran = run_until(&memory, plan, |events| events == 10).await;
    // Ten calls were under way, and nothing that came after them had to be waited for.
    assert_eq!(ran.outcome.done.len(), 10, "{:?}", ran.outcome);
    assert_eq!(ran.outcome.not_begun.len(), 5);
    assert_eq!(memory.census().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_at_any_call_is_continued_by_the_next_one() {
    for way in WAYS {
        let start = way.start().await;
        for nth in start.calls().await {
            for moment in [Moment::Before, Moment::After] {
                let memory = start.memory();
                memory.arm(nth, Fault::Hang(moment));
                let is_killed = runs_until_hung(&memory, &start.plan).await;
                assert!(is_killed, "{way:?} {nth} {moment:?} did not hang");
                converge(&memory, &start.stack).await;
            }
        }
    }
}
