//! What one step does when its calls fail.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Action, Cause, Failure, Live, Place, Plan, Reason, Stack, What};
use deployer_testkit::{
    Fault, Memory, Moment, Operation, Ran, StackBuilder, apply, converge, everything, run, settled,
};
use serde_json::json;

use crate::world::{plan, runs_until_hung};

fn network() -> StackBuilder {
    StackBuilder::default().with("network/main", json!({ "range": "10.0.0.0/16" }))
}

/// Makes a network while these faults strike one call after another.
async fn with_faults(faults: &[Fault]) -> (Arc<Memory>, Ran) {
    let memory = Arc::new(Memory::default());
    let plan = plan(&memory, &network().build()).await;
    for (nth, fault) in faults.iter().enumerate() {
        memory.arm(nth, *fault);
    }
    let ran = run(&memory, plan).await;
    (memory, ran)
}

fn only_failure(ran: &Ran) -> &Failure {
    let [(_, failure)] = &ran.outcome.failed[..] else { panic!("{:?}", ran.outcome) };
    failure
}

fn count(memory: &Memory, operation: Operation) -> usize {
    memory.calls().iter().filter(|call| call.operation == operation).count()
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_reply_got_lost_is_found_rather_than_repeated() {
    let (memory, ran) = with_faults(&[Fault::LOST_REPLY]).await;
    assert!(ran.outcome.is_success());
    assert_eq!(count(&memory, Operation::Create), 1);
    assert_eq!(memory.census().values().sum::<usize>(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_or_refused_is_asked_once() {
    for cause in [Cause::Denied, Cause::Credentials, Cause::Refused, Cause::Missing, Cause::Taken] {
        let (memory, ran) = with_faults(&[Fault::Fail(Moment::Before, cause)]).await;
        assert_eq!(only_failure(&ran).cause, cause);
        assert_eq!(count(&memory, Operation::Create), 1);
        assert_eq!(ran.outcome.took, Duration::from_millis(20));
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_stays_silent_is_asked_a_few_times() {
    let faults = [Fault::Fail(Moment::Before, Cause::Unreachable); 8];
    let (memory, ran) = with_faults(&faults).await;
    assert!(only_failure(&ran).message.contains("tried again 3 times"), "{ran:?}");
    assert!(memory.calls().len() <= 16);
}

#[tokio::test(start_paused = true)]
async fn the_same_failure_again_and_again_is_told_once() {
    let throttled = Fault::Fail(Moment::Before, Cause::Throttled);
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    let relabelled = network()
        .with("network/main", json!({ "range": "10.0.0.0/16", "labels": { "team": "a" } }));
    let plan = plan(&memory, &relabelled.build()).await;
    (0..5).for_each(|nth| memory.arm(nth, throttled));
    let ran = run(&memory, plan).await;
    assert!(ran.outcome.is_success());
    let told = ran.history.events.iter();
    assert_eq!(told.filter(|event| matches!(event.what, What::Retrying { .. })).count(), 1);
    assert!(ran.outcome.took >= Duration::from_secs(1 + 2 + 4 + 8 + 16));
}

#[tokio::test(start_paused = true)]
async fn a_thing_just_made_may_be_invisible_for_a_while() {
    let memory = Arc::new(Memory::default());
    memory.hide_for(Duration::from_secs(30));
    let ran = apply(&memory, &network().build()).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    assert!(ran.outcome.took < Duration::from_secs(34), "{:?}", ran.outcome.took);
}

/// A network with the label of a team.
fn labelled(team: &str) -> Stack {
    let spec = json!({ "range": "10.0.0.0/16", "labels": { "team": team } });
    StackBuilder::default().with("network/main", spec).build()
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_shown_late_is_waited_for() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &labelled("a")).await;
    memory.show_late(Duration::from_secs(20));
    // The plan that follows at once is empty: what was changed is not changed again.
    converge(&memory, &labelled("b")).await;
    assert_eq!(count(&memory, Operation::Update), 1);
}

#[tokio::test(start_paused = true)]
async fn tags_that_are_shown_later_than_what_they_are_of_are_waited_for() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &labelled("a")).await;
    memory.show_tags_late(Duration::from_secs(20));
    // The plan that follows at once is empty: they are not written again.
    converge(&memory, &labelled("b")).await;
    assert_eq!(count(&memory, Operation::Remember), 1);
    memory.show_tags_late(Duration::from_hours(1));
    let ran = apply(&memory, &labelled("c")).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    assert!(ran.outcome.took < Duration::from_secs(125), "{:?}", ran.outcome.took);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_never_shown_is_left_to_the_next_plan() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    memory.show_late(Duration::from_hours(1));
    let spec = json!({ "range": "10.0.0.0/16", "labels": { "team": "a" } });
    let ran = apply(&memory, &StackBuilder::default().with("network/main", spec).build()).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    assert!(ran.outcome.took < Duration::from_secs(125), "{:?}", ran.outcome.took);
}

#[tokio::test(start_paused = true)]
async fn a_thing_that_never_becomes_visible_fails_its_step() {
    let memory = Arc::new(Memory::default());
    memory.hide_for(Duration::from_hours(1));
    let ran = apply(&memory, &network().build()).await;
    assert_eq!(only_failure(&ran).cause, Cause::Gone);
    assert!(ran.outcome.took < Duration::from_secs(125), "{:?}", ran.outcome.took);
}

#[tokio::test(start_paused = true)]
async fn a_delete_waits_while_another_holds_the_thing_and_names_it() {
    let memory = Arc::new(Memory::default());
    let both = network()
        .with("store/main", json!({ "network": "main", "engine": "pg", "size": 20 }))
        .build();
    converge(&memory, &both).await;
    let mut plan = plan(&memory, &StackBuilder::default().build()).await;
    // As if the plan did not know that the store holds the network.
    plan.steps.iter_mut().for_each(|step| step.after.clear());
    let ran = run(&memory, plan).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    let held = "network-1 is used by store-2".to_owned();
    assert!(
        ran.history
            .events
            .iter()
            .any(|event| { matches!(&event.what, What::Waiting { on, .. } if *on == held) })
    );
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_stays_held_fails_after_ten_minutes_and_names_the_holder() {
    let memory = Arc::new(Memory::default());
    let both = network()
        .with("store/main", json!({ "network": "main", "engine": "pg", "size": 20 }))
        .build();
    converge(&memory, &both).await;
    let mut plan = plan(&memory, &StackBuilder::default().build()).await;
    plan.steps.retain(|step| step.address.kind == "network");
    plan.steps[0].id = 0;
    plan.steps[0].after.clear();
    let ran = run(&memory, plan).await;
    assert_eq!(only_failure(&ran).message, "network-1 is used by store-2 (tried again for 10 min)");
    assert!(ran.outcome.took <= Duration::from_secs(601), "{:?}", ran.outcome.took);
}

#[tokio::test(start_paused = true)]
async fn a_thing_just_made_may_be_invisible_to_what_refers_to_it() {
    let memory = Arc::new(Memory::default());
    let stack = network().with("part/a", json!({ "network": "main", "zone": "a" })).build();
    let plan = plan(&memory, &stack).await;
    let clean = Arc::new(memory.fork());
    run(&clean, plan.clone()).await;
    let before = memory.calls().len();
    let create =
        clean.calls()[before..].iter().rposition(|call| call.operation == Operation::Create);
    memory.arm(create.unwrap(), Fault::Fail(Moment::Before, Cause::Missing));
    let ran = run(&memory, plan).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_create_is_done_although_the_thing_is_not_visible_to_all() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    let gate =
        json!({ "network": "main", "protocol": "http", "check": { "path": "/", "every": 5 } });
    let plan = plan(&memory, &network().with("gate/main", gate).build()).await;
    // Create, configure, scan, update.
    memory.arm(1, Fault::Fail(Moment::Before, Cause::NotYet));
    memory.arm(3, Fault::Fail(Moment::Before, Cause::Gone));
    let ran = run(&memory, plan).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
}

#[tokio::test(start_paused = true)]
async fn what_the_plan_saw_a_moment_ago_may_be_invisible_to_a_call() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    let part = json!({ "network": "main", "zone": "a" });
    let labelled = json!({ "range": "10.0.0.0/16", "labels": { "team": "a" } });
    // What a run that was killed made is changed, referred to, deleted.
    let stacks = [
        (network().with("network/main", labelled), Cause::Gone),
        (network().with("part/a", part), Cause::Missing),
        (StackBuilder::default(), Cause::Gone),
    ];
    for (stack, cause) in stacks {
        let (memory, stack) = (Arc::new(memory.fork()), stack.build());
        let plan = plan(&memory, &stack).await;
        memory.arm(0, Fault::Fail(Moment::Before, cause));
        let ran = run(&memory, plan).await;
        assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
        settled(&memory, &stack).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_plan_saw_and_stays_away_fails_within_a_minute() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    let part = json!({ "network": "main", "zone": "a" });
    let plan = plan(&memory, &network().with("part/a", part).build()).await;
    memory.lose("network/main");
    let ran = run(&memory, plan).await;
    assert_eq!(only_failure(&ran).cause, Cause::Missing);
    assert!(ran.outcome.took < Duration::from_secs(35), "{:?}", ran.outcome.took);
}

#[tokio::test(start_paused = true)]
async fn what_an_update_attached_is_as_young_as_what_a_create_made() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    let labelled = json!({ "range": "10.0.0.0/16", "labels": { "team": "a" } });
    let part = json!({ "network": "main", "zone": "a" });
    let stack = network().with("network/main", labelled).with("part/a", part).build();
    let mut plan = plan(&memory, &stack).await;
    // The part waits for the network's change.
    let update = plan.steps.iter().position(|step| step.action == Action::Update).unwrap();
    let create = plan.steps.iter_mut().find(|step| step.action == Action::Create).unwrap();
    create.after.insert(update);
    let clean = Arc::new(memory.fork());
    // As slow as the run itself: otherwise it is looked at more often, and the fault strikes nothing.
    clean.slow_down(Duration::from_secs(20));
    run(&clean, plan.clone()).await;
    let before = memory.calls().len();
    let calls = &clean.calls()[before..];
    let create = calls.iter().position(|call| call.operation == Operation::Create).unwrap();
    // The change takes longer than what the plan saw may be invisible.
    memory.slow_down(Duration::from_secs(20));
    memory.arm(create, Fault::Fail(Moment::Before, Cause::Missing));
    let ran = run(&memory, plan).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    let made = memory.calls().into_iter().filter(|it| it.operation == Operation::Create);
    assert_eq!(made.filter(|it| it.kind == "part").count(), 2, "it was refused once");
}

fn store() -> StackBuilder {
    network().with("store/main", json!({ "network": "main", "engine": "pg", "size": 20 }))
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_create_took_whose_reply_got_lost_is_looked_at_again() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    memory.hide_for(Duration::from_secs(10));
    let plan = plan(&memory, &store().build()).await;
    // Create, scan, create: the name is taken, by something that is not shown yet.
    memory.arm(0, Fault::LOST_REPLY);
    memory.arm(2, Fault::Fail(Moment::Before, Cause::Taken));
    let ran = run(&memory, plan).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    settled(&memory, &store().build()).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_run_before_took_is_looked_at_again() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    memory.hide_for(Duration::from_secs(10));
    let first = plan(&memory, &store().build()).await;
    memory.arm(0, Fault::Hang(Moment::After));
    assert!(runs_until_hung(&memory, &first).await);
    let second = plan(&memory, &store().build()).await;
    memory.arm(0, Fault::Fail(Moment::Before, Cause::Taken));
    let ran = run(&memory, second).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    settled(&memory, &store().build()).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_ours_and_has_lost_its_tags_gets_them_back() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &store().build()).await;
    let before = memory.census();
    memory.untag("store/main");
    let ran = apply(&memory, &store().build()).await;
    assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
    assert_eq!(memory.census(), before, "nothing was made beside it");
    converge(&memory, &store().build()).await;
}

#[tokio::test(start_paused = true)]
async fn what_has_the_name_and_is_not_ours_can_be_taken_over() {
    let memory = Arc::new(Memory::default());
    converge(&memory, &network().build()).await;
    let first = plan(&memory, &store().build()).await;
    memory.arm(0, Fault::Hang(Moment::After));
    assert!(runs_until_hung(&memory, &first).await);
    // Whoever made it, the record does not have it.
    memory.untag("store/main");
    let ran = apply(&memory, &store().build()).await;
    let failure = only_failure(&ran);
    assert!(failure.message.contains("store-2 was not made by this stack"), "{failure}");
    let help = failure.help.as_deref().unwrap_or_default();
    assert!(help.contains("take it over with `deployer adopt store/main store-2`"), "{help}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_panics_fails_its_step_and_no_other() {
    let memory = Arc::new(Memory::default());
    let stack = network().with("network/other", json!({ "range": "10.1.0.0/16" })).build();
    let plan = plan(&memory, &stack).await;
    memory.arm(0, Fault::Panic);
    let ran = run(&memory, plan).await;
    assert!(only_failure(&ran).message.contains("deployer has a bug"), "{:?}", ran.outcome);
    assert_eq!(ran.outcome.done.len(), 1);
    converge(&memory, &stack).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_expires_names_what_it_waited_for() {
    let memory = Arc::new(Memory::default());
    let mut plan = plan(&memory, &network().build()).await;
    memory.freeze();
    plan.steps[0].typical = 200;
    let ran = run(&memory, plan).await;
    let failure = only_failure(&ran);
    assert_eq!(
        failure.to_string(),
        "could not get it ready within 800 s: AWS still says `provisioning`"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_cannot_be_resolved_is_named() {
    let memory = Arc::new(Memory::default());
    let mut plan = plan(&memory, &everything().build()).await;
    plan.steps.retain(|step| step.address.kind == "store");
    plan.steps[0].id = 0;
    plan.steps[0].after.clear();
    let ran = run(&memory, plan).await;
    assert_eq!(
        only_failure(&ran).to_string(),
        "could not resolve its references: network/main has not shown what it refers to"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_file_with_a_step_that_makes_no_sense_fails_that_step() {
    let memory = Arc::new(Memory::default());
    let mut plan: Plan = plan(&memory, &network().build()).await;
    plan.steps[0].action = Action::Update;
    assert_eq!(only_failure(&run(&memory, plan.clone()).await).cause, Cause::Refused);
    plan.steps[0].address.kind = "castle".to_owned();
    let ran = run(&memory, plan.clone()).await;
    assert!(only_failure(&ran).message.contains("there is no kind `castle`"));
    plan.steps[0].address.kind = "network".to_owned();
    plan.steps[0].reason = Reason::Differs;
    plan.steps[0].live = Some(Live {
        address: plan.steps[0].address.clone(),
        place: Place::default(),
        generation: 1,
        mark: None,
        serial: None,
        standing: deployer_core::Standing::Recorded,
        is_signed: true,
        tags: std::collections::BTreeMap::new(),
        spec: json!({ "nonsense": true }),
        output: json!(null),
        phase: deployer_core::Phase::Ready,
        state: String::new(),
        foreign: Vec::new(),
    });
    assert!(only_failure(&run(&memory, plan).await).attempted.contains("read the network"));
}
