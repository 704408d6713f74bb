//! Runs that are interrupted or killed at every possible moment.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Event, What};
use deployer_engine::execute;
use deployer_testkit::{Fault, Moment, begun, converge, registry, run, run_until};
use tokio_util::sync::CancellationToken;

use crate::world::{WAYS, Way};

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
async fn a_run_killed_at_any_call_is_continued_by_the_next_one() {
    for way in WAYS {
        let start = way.start().await;
        for nth in start.calls().await {
            for moment in [Moment::Before, Moment::After] {
                let memory = start.memory();
                memory.arm(nth, Fault::Hang(moment));
                let mut nobody = |_: &Event| {};
                let journal = begun(&memory, &start.plan).await;
                tokio::select! {
                    () = memory.hung() => {}
                    _ = execute(
                        Arc::new(registry()),
                        Arc::clone(&memory),
                        journal,
                        &start.plan,
                        CancellationToken::new(),
                        &mut nobody,
                    ) => panic!("{way:?} {nth} {moment:?} did not hang"),
                }
                converge(&memory, &start.stack).await;
            }
        }
    }
}
