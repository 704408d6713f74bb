//! Each call of a run fails in turn.

use std::collections::BTreeSet;

use deployer_core::{Cause, Plan, StepId};
use deployer_testkit::{Fault, Moment, Operation, converge, run, settled};

use crate::world::WAYS;

/// What waits for a step, directly or not.
fn waiting_for(plan: &Plan, failed: StepId) -> BTreeSet<StepId> {
    let mut lost = BTreeSet::from([failed]);
    for step in &plan.steps {
        if step.after.iter().any(|id| lost.contains(id)) {
            lost.insert(step.id);
        }
    }
    lost.remove(&failed);
    lost
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_any_call_spares_all_that_did_not_wait_for_it() {
    for way in WAYS {
        let start = way.start().await;
        for nth in start.calls().await {
            for moment in [Moment::Before, Moment::After] {
                let memory = start.memory();
                let before = memory.calls().len();
                memory.arm(nth, Fault::Fail(moment, Cause::Refused));
                let ran = run(&memory, start.plan.clone()).await;
                let case = format!("{way:?}, call {nth}, {moment:?}: {:?}", ran.outcome);
                // A run goes on without a note of what it gave; only drift is not told apart then.
                if memory.calls()[before + nth].operation == Operation::Remember {
                    assert!(ran.outcome.is_success(), "{case}");
                    converge(&memory, &start.stack).await;
                    continue;
                }
                let [(failed, _)] = ran.outcome.failed[..] else { panic!("{case}") };
                let not_begun: BTreeSet<StepId> =
                    ran.outcome.not_begun.iter().map(|(step, _)| *step).collect();
                assert_eq!(not_begun, waiting_for(&ran.plan, failed), "{case}");
                let culprit = Some(&ran.plan.steps[failed].address);
                assert!(
                    ran.outcome.not_begun.iter().all(|(_, because)| because.as_ref() == culprit)
                );
                assert_eq!(1 + not_begun.len() + ran.outcome.done.len(), ran.plan.steps.len());
                converge(&memory, &start.stack).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_lost_at_any_call_is_made_up_for_in_the_same_run() {
    for way in WAYS {
        let start = way.start().await;
        for nth in start.calls().await {
            for moment in [Moment::Before, Moment::After] {
                let memory = start.memory();
                memory.arm(nth, Fault::Fail(moment, Cause::Ambiguous));
                let ran = run(&memory, start.plan.clone()).await;
                assert!(ran.outcome.is_success(), "{way:?} {nth} {moment:?}: {:?}", ran.outcome);
                settled(&memory, &start.stack).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_passes_never_fails_a_run() {
    for cause in [Cause::Throttled, Cause::NotYet, Cause::Busy, Cause::Unreachable] {
        for way in WAYS {
            let start = way.start().await;
            for nth in start.calls().await {
                let memory = start.memory();
                memory.arm(nth, Fault::Fail(Moment::Before, cause));
                let ran = run(&memory, start.plan.clone()).await;
                assert!(ran.outcome.is_success(), "{way:?} {nth} {cause:?}: {:?}", ran.outcome);
                settled(&memory, &start.stack).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_made_twice_has_the_same_result_as_made_once() {
    for way in WAYS {
        let start = way.start().await;
        let (once, twice) = (start.memory(), start.memory());
        converge(&once, &start.stack).await;
        twice.lose_first_replies();
        let ran = run(&twice, start.plan).await;
        assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
        settled(&twice, &start.stack).await;
        assert_eq!(once.census(), twice.census());
    }
}
