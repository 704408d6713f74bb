//! What the account keeps of an environment, and what becomes of a run when some of it is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Snapshot, Standing, plan as planner};
use deployer_engine::{Journal, Scan, execute, observe, read_book};
use deployer_testkit::{
    Fault, Memory, Moment, Operation, PLACE, StackBuilder, apply, begun, converge, everything,
    observed, places, planned, registry, run, scope, settled,
};
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::world::{plan, runs_until_hung};

fn network() -> StackBuilder {
    StackBuilder::default().with("network/main", json!({ "range": "10.0.0.0/16" }))
}

async fn made() -> Arc<Memory> {
    let memory = Arc::new(Memory::default());
    converge(&memory, &everything().build()).await;
    memory
}

async fn end(memory: &Arc<Memory>) {
    let end = planned(memory, &StackBuilder::default().build(), &BTreeSet::new()).await.unwrap();
    let journal = begun(memory, &end).await;
    let (kinds, cloud) = (Arc::new(registry()), Arc::new(places(memory)));
    let ran = Arc::clone(&journal);
    execute(kinds, cloud, ran, &end, CancellationToken::new(), &mut |_| {}).await;
    assert!(memory.census().is_empty());
    assert!(!memory.parameter_names().is_empty());
    assert!(journal.close().await.unwrap());
}

fn standings(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot.lives.iter().map(|live| format!("{:?}", live.standing)).collect()
}

/// The kinds that an observation for a stack scans.
async fn scanned(memory: &Arc<Memory>, stack: StackBuilder) -> Vec<&'static str> {
    let deeds = read_book(&**memory, &scope()).await.unwrap().deeds;
    let before = memory.calls().len();
    let stack = stack.build();
    let places = places(memory).of(&stack);
    observe(&registry(), &places, &scope(), Scan::For(&stack), &deeds).await.unwrap();
    memory.calls()[before..].iter().map(|call| call.kind).collect()
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_nobody_uses_costs_no_call() {
    let memory = Arc::new(Memory::default());
    assert_eq!(scanned(&memory, network()).await, ["network"]);
    converge(&memory, &network().build()).await;
    assert_eq!(scanned(&memory, StackBuilder::default()).await, ["network"], "there was one once");
    memory.lose_parameters("record/");
    assert_eq!(scanned(&memory, network()).await.len(), 9, "nobody knows which there were");
}

#[tokio::test(start_paused = true)]
async fn what_is_about_to_be_made_is_written_down_before_anything_is() {
    let memory = Arc::new(Memory::default());
    let plan = plan(&memory, &everything().build()).await;
    begun(&memory, &plan).await;
    assert!(memory.census().is_empty());
    let record = read_book(&*memory, &scope()).await.unwrap().deeds.record;
    for step in &plan.steps {
        assert!(record.open(&step.place, &step.address, 1).is_some(), "{}", step.address);
        assert!(record.kinds(&step.place).any(|kind| kind == step.address.kind));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_run_made_that_was_killed_before_it_could_write_it_down_is_ours() {
    let memory = Arc::new(Memory::default());
    let start = plan(&memory, &network().build()).await;
    memory.arm(0, Fault::Hang(Moment::After));
    assert!(runs_until_hung(&memory, &start).await, "it did not hang");
    let snapshot = observed(&memory, &network().build()).await.unwrap();
    assert_eq!(standings(&snapshot), BTreeSet::from(["Begun".to_owned()]));
    converge(&memory, &network().build()).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_made_is_in_the_record_at_the_end() {
    let memory = made().await;
    let snapshot = observed(&memory, &everything().build()).await.unwrap();
    assert_eq!(standings(&snapshot), BTreeSet::from(["Recorded".to_owned()]));
    assert!(snapshot.lives.iter().all(|live| live.is_signed));
}

#[tokio::test(start_paused = true)]
async fn a_lost_record_is_written_anew_and_nothing_is_made_twice() {
    let memory = made().await;
    memory.lose_parameters("record/");
    let stack = everything().build();
    let before = memory.census();
    let snapshot = observed(&memory, &stack).await.unwrap();
    assert_eq!(snapshot.unconfirmed().count(), snapshot.lives.len());
    apply(&memory, &stack).await;
    assert_eq!(memory.census(), before);
    let snapshot = observed(&memory, &stack).await.unwrap();
    assert!(snapshot.lives.iter().all(|live| live.standing == Standing::Recorded));
    settled(&memory, &stack).await;
}

#[tokio::test(start_paused = true)]
async fn lost_keys_are_made_anew_and_what_is_recorded_stays_ours() {
    for lost in ["key/private", "key/public", "key/"] {
        let memory = made().await;
        memory.lose_parameters(lost);
        let before = memory.census();
        converge(&memory, &everything().build()).await;
        assert_eq!(memory.census(), before, "without {lost}");
        let more = everything().with("part/c", json!({ "network": "main", "zone": "c" })).build();
        converge(&memory, &more).await;
        let snapshot = observed(&memory, &more).await.unwrap();
        assert!(snapshot.lives.iter().all(|live| live.is_signed), "without {lost}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_record_and_keys_nothing_is_ours_and_nothing_is_touched() {
    let memory = made().await;
    memory.lose_parameters("");
    let snapshot = observed(&memory, &everything().build()).await.unwrap();
    assert!(snapshot.lives.is_empty());
    assert_eq!(snapshot.strays.len(), memory.census().len());
    let end =
        planner(&StackBuilder::default().build(), &snapshot, &registry().kinds(), &BTreeSet::new());
    assert!(end.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_two_creates_of_which_the_first_was_taken_for_lost_each_has_a_serial_of_its_own() {
    let memory = Arc::new(Memory::default());
    let stack = network().build();
    let first = plan(&memory, &stack).await;
    memory.hide_for(Duration::from_secs(5));
    memory.arm(0, Fault::LOST_REPLY);
    assert!(run(&memory, first).await.outcome.is_success());
    memory.hide_for(Duration::ZERO);
    let snapshot = observed(&memory, &stack).await.unwrap();
    let serials: BTreeSet<_> = snapshot.lives.iter().map(|live| live.serial.clone()).collect();
    assert_eq!((snapshot.lives.len(), serials.len()), (2, 2), "{snapshot:#?}");
    assert!(snapshot.disputes.is_empty() && snapshot.strays.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_has_nothing_any_more_keeps_nothing() {
    let memory = made().await;
    end(&memory).await;
    assert_eq!(memory.parameter_names(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_is_made_right_after_the_end_waits_for_the_names_to_be_free() {
    let memory = made().await;
    memory.withhold_names(Duration::from_secs(30));
    let before = memory.parameter_names();
    end(&memory).await;
    let ended = Instant::now();
    converge(&memory, &everything().build()).await;
    assert_eq!(memory.parameter_names(), before);
    assert!(ended.elapsed() >= Duration::from_secs(30), "{:?}", ended.elapsed());
}

#[tokio::test(start_paused = true)]
async fn no_epoch_of_the_lock_is_given_out_twice() {
    let memory = made().await;
    let mut had = BTreeSet::new();
    for _ in 0..3 {
        let book = read_book(&*memory, &scope()).await.unwrap();
        let epoch = book.deeds.record.epoch;
        assert!(had.insert(epoch), "{epoch} again");
        let cloud = Arc::clone(&memory);
        Journal::new(cloud, &scope(), PLACE, None, book).end(epoch).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn tags_that_somebody_changed_are_written_anew() {
    let memory = made().await;
    memory.mess(0, deployer_testkit::Mess::Unmarked);
    let ran = apply(&memory, &everything().build()).await;
    let did: Vec<_> = ran.plan.steps.iter().map(|step| step.reason).collect();
    assert_eq!(did, [deployer_core::Reason::Unsigned]);
    let calls = memory.calls();
    assert_eq!(calls.iter().filter(|call| call.operation == Operation::Update).count(), 0);
    settled(&memory, &everything().build()).await;
}
