//! Resources in another account and another region.

use std::collections::BTreeSet;
use std::sync::Arc;

use deployer_core::{Action, Address, Cause, Place, Stack, Standing};
use deployer_engine::{Scan, observe, read_book};
use deployer_testkit::{
    Fault, Memory, Moment, StackBuilder, apply, begun, converge, observed, places, planned,
    registry, run, scope, settled,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{plan, runs_until_hung};

const ROLE: &str = "arn:aws:iam::222222222222:role/deploy";
const REGION: &str = "eu-central-1";

/// A network at home, and others in another account, in another region, and in both.
fn scattered() -> StackBuilder {
    let network = |stack: StackBuilder, name: &str, range: &str| {
        stack.with(&format!("network/{name}"), json!({ "range": range }))
    };
    let stack = ["home", "account", "region", "both"]
        .into_iter()
        .zip(["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"])
        .fold(StackBuilder::default(), |stack, (name, range)| network(stack, name, range));
    stack.at("network/account", Some(ROLE), None).at("network/region", None, Some(REGION)).at(
        "network/both",
        Some(ROLE),
        Some(REGION),
    )
}

/// The ways to the other places.
const ELSEWHERE: [(Option<&str>, Option<&str>); 3] =
    [(Some(ROLE), None), (None, Some(REGION)), (Some(ROLE), Some(REGION))];

fn names(memory: &Memory) -> Vec<String> {
    memory.census().keys().map(Address::to_string).collect()
}

fn nothing() -> Stack {
    StackBuilder::default().build()
}

async fn made() -> Arc<Memory> {
    let memory = Arc::new(Memory::default());
    converge(&memory, &scattered().build()).await;
    memory
}

#[tokio::test(start_paused = true)]
async fn each_resource_is_made_where_it_belongs_and_the_next_plan_is_empty() {
    let memory = made().await;
    assert_eq!(names(&memory), ["network/home"]);
    let found = ELSEWHERE.map(|(role, region)| names(&memory.elsewhere(role, region)));
    assert_eq!(found.concat(), ["network/account", "network/region", "network/both"]);
    settled(&memory, &scattered().build()).await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_knows_of_nowhere_else_visits_every_place_in_the_record() {
    let memory = made().await;
    let ran = run(&memory, plan(&memory, &nothing()).await).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    assert!(names(&memory).is_empty());
    for (role, region) in ELSEWHERE {
        assert!(names(&memory.elsewhere(role, region)).is_empty(), "{role:?} {region:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_record_the_stack_says_where_to_look() {
    let memory = made().await;
    memory.lose_parameters("record/");
    let snapshot = observed(&memory, &scattered().build()).await.unwrap();
    assert_eq!(snapshot.lives.len(), 4);
    assert!(snapshot.lives.iter().all(|live| live.standing == Standing::Unconfirmed));
    assert_eq!(observed(&memory, &nothing()).await.unwrap().lives.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_is_to_be_elsewhere_is_made_there_before_it_goes_here() {
    let memory = made().await;
    let moved = scattered().at("network/home", None, Some(REGION)).build();
    let ran = apply(&memory, &moved).await;
    let did: Vec<_> =
        ran.plan.steps.iter().map(|it| (it.action, it.place.to_string(), it.generation)).collect();
    let expected = [(Action::Create, REGION.to_owned(), 2), (Action::Delete, "home".to_owned(), 1)];
    assert_eq!(did, expected);
    assert!(names(&memory).is_empty());
    settled(&memory, &moved).await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_our_tags_in_another_region_is_a_stray() {
    let memory = made().await;
    let there = memory.elsewhere(None, Some(REGION));
    there.copy_from(&memory, "network/home");
    let snapshot = observed(&memory, &scattered().build()).await.unwrap();
    assert_eq!(snapshot.lives.len(), 4);
    let strays: Vec<String> = snapshot.strays.iter().map(|it| it.place.to_string()).collect();
    assert_eq!(strays, [REGION]);
    run(&memory, plan(&memory, &nothing()).await).await;
    assert_eq!(names(&there), ["network/home"], "nothing of others goes");
}

#[tokio::test(start_paused = true)]
async fn without_the_record_a_copy_elsewhere_is_no_rival() {
    let memory = made().await;
    for (role, region) in ELSEWHERE {
        memory.elsewhere(role, region).copy_from(&memory, "network/home");
    }
    memory.lose_parameters("record/");
    let snapshot = observed(&memory, &scattered().build()).await.unwrap();
    assert_eq!((snapshot.lives.len(), snapshot.strays.len()), (4, 3));
    assert!(snapshot.disputes.is_empty(), "{:?}", snapshot.disputes);
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_in_one_place_and_is_made_in_another_is_ours() {
    let memory = Arc::new(Memory::default());
    let gate = |region: &str| {
        let check = json!({ "path": "/up", "every": 5 });
        StackBuilder::default()
            .with("network/main", json!({ "range": "10.0.0.0/16" }))
            .with("gate/edge", json!({ "network": "main", "protocol": "http", "check": check }))
            .at("network/main", None, Some(region))
            .at("gate/edge", None, Some(region))
            .build()
    };
    let start = plan(&memory, &gate("eu-north-1")).await;
    for nth in 0..40 {
        let fault = Fault::Fail(Moment::Before, Cause::Denied);
        memory.elsewhere(None, Some("eu-north-1")).arm(nth, fault);
    }
    assert!(!run(&memory, start).await.outcome.is_success());
    memory.elsewhere(None, Some("eu-north-1")).disarm();
    converge(&memory, &gate(REGION)).await;
    settled(&memory, &gate(REGION)).await;
    assert_eq!(names(&memory.elsewhere(None, Some(REGION))), ["gate/edge", "network/main"]);
    run(&memory, plan(&memory, &nothing()).await).await;
    assert!(names(&memory.elsewhere(None, Some(REGION))).is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_role_into_the_same_account_moves_nothing() {
    let memory = made().await;
    let other = Some("arn:aws:iam::222222222222:role/another");
    let renamed = scattered()
        .at("network/account", other, None)
        .at("network/both", other, Some(REGION))
        .build();
    settled(&memory, &renamed).await;
}

#[tokio::test(start_paused = true)]
async fn a_place_where_nothing_is_left_is_not_looked_at_any_more() {
    let memory = made().await;
    let home =
        StackBuilder::default().with("network/home", json!({ "range": "10.0.0.0/16" })).build();
    let leaving = plan(&memory, &home).await;
    let journal = begun(&memory, &leaving).await;
    let cancel = CancellationToken::new();
    let (kinds, cloud) = (Arc::new(registry()), Arc::new(places(&memory)));
    let ran = Arc::clone(&journal);
    deployer_engine::execute(kinds, cloud, ran, &leaving, cancel, &mut |_| {}).await;
    journal.end(1).await.unwrap();
    let record = read_book(&*memory, &scope()).await.unwrap().deeds.record;
    assert_eq!(record.places(), BTreeSet::from([&Place::default()]));
    assert!(record.roles.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_place_that_nobody_may_reach_is_an_error_and_nothing_is_done() {
    let memory = Arc::new(Memory::default());
    let closed = "arn:aws:iam::222222222222:role/closed";
    let stack = scattered().at("network/account", Some(closed), None).build();
    let failures = observed(&memory, &stack).await.unwrap_err();
    assert!(failures.iter().all(|it| it.cause == Cause::Denied), "{failures:?}");
    let own = "arn:aws:iam::123456789012:role/deploy";
    let stack = scattered().at("network/account", Some(own), None).build();
    let failures = observed(&memory, &stack).await.unwrap_err();
    assert!(failures[0].message.contains("that is the account it is in"), "{failures:?}");
    assert!(names(&memory).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_at_any_call_elsewhere_is_continued_by_the_next_one() {
    for (role, region) in ELSEWHERE {
        for (from, to) in [(nothing(), scattered().build()), (scattered().build(), nothing())] {
            for moment in [Moment::Before, Moment::After] {
                let memory = Arc::new(Memory::default());
                converge(&memory, &from).await;
                let there = memory.elsewhere(role, region);
                let start = plan(&memory, &to).await;
                there.arm(0, Fault::Hang(moment));
                assert!(runs_until_hung(&memory, &start).await, "it did not hang");
                converge(&memory, &to).await;
                let left = ELSEWHERE.map(|(role, region)| names(&memory.elsewhere(role, region)));
                assert_eq!(left.concat().len(), if to.resources.is_empty() { 0 } else { 3 });
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_costs_calls_for_the_kinds_that_are_there_alone() {
    let memory = made().await;
    let stack = scattered().with("part/a", json!({ "network": "home", "zone": "a" })).build();
    converge(&memory, &stack).await;
    let deeds = read_book(&*memory, &scope()).await.unwrap().deeds;
    let there = memory.elsewhere(None, Some(REGION));
    let before = there.calls().len();
    let places = places(&memory).of(&stack);
    observe(&registry(), &places, &scope(), Scan::For(&stack), &deeds).await.unwrap();
    let kinds: Vec<&str> = there.calls()[before..].iter().map(|call| call.kind).collect();
    assert_eq!(kinds, ["network"]);
    let expected = ["home", "222222222222", REGION, "222222222222/eu-central-1"];
    let recorded: BTreeSet<String> =
        deeds.record.places().into_iter().map(Place::to_string).collect();
    assert_eq!(recorded, expected.map(ToOwned::to_owned).into());
    let end = planned(&memory, &nothing(), &BTreeSet::new()).await.unwrap();
    assert_eq!(end.roles.get("222222222222").map(String::as_str), Some(ROLE));
}
