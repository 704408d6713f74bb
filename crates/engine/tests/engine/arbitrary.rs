//! Runs between arbitrary stacks.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Address, Stack};
use deployer_testkit::{
    Fault, Memory, Moment, converge, messes, on_a_paused_clock, settled, stacks,
};
use proptest::prelude::*;

use crate::world::{plan, runs_until_hung};

fn fault() -> impl Strategy<Value = (usize, Fault)> {
    let moments = prop_oneof![Just(Moment::Before), Just(Moment::After)];
    (0..60_usize, moments.prop_map(Fault::Hang))
}

proptest! {
    #[test]
    fn one_run_leads_from_any_stack_to_any_other(from in stacks(), to in stacks()) {
        on_a_paused_clock(async move {
            let memory = Arc::new(Memory::default());
            converge(&memory, &from).await;
            converge(&memory, &to).await;
        });
    }

    #[test]
    fn however_many_runs_were_killed_the_next_one_converges(
        attempts in prop::collection::vec((stacks(), fault(), 0..40_u64), 1..5),
        last in stacks(),
    ) {
        on_a_paused_clock(async move {
            let memory = Arc::new(Memory::default());
            for (stack, (nth, fault), seconds) in attempts {
                // What the next run does not see yet, it makes once more.
                memory.hide_for(Duration::from_secs(seconds));
                let plan = plan(&memory, &stack).await;
                memory.arm(nth, fault);
                runs_until_hung(&memory, &plan).await;
                memory.disarm();
            }
            memory.hide_for(Duration::ZERO);
            deployer_testkit::pass(Duration::from_mins(1)).await;
            converge(&memory, &last).await;
        });
    }

    #[test]
    fn whatever_has_become_of_things_one_run_makes_them_what_the_stack_says(
        from in stacks(),
        to in stacks(),
        messes in messes(),
    ) {
        on_a_paused_clock(async move {
            let memory = Arc::new(Memory::default());
            converge(&memory, &from).await;
            for (which, mess) in messes {
                memory.mess(which, mess);
            }
            converge(&memory, &to).await;
        });
    }

    #[test]
    fn targets_are_done_and_the_rest_is_left_for_later(
        from in stacks(),
        to in stacks(),
        which in any::<prop::sample::Index>(),
    ) {
        if to.resources.is_empty() {
            return Ok(());
        }
        on_a_paused_clock(async move {
            let memory = Arc::new(Memory::default());
            converge(&memory, &from).await;
            let target = which.get(&to.resources.keys().cloned().collect::<Vec<_>>()).clone();
            let plan = plan(&memory, &to).await.only(&[target.clone()].into());
            let ran = deployer_testkit::run(&memory, plan).await;
            assert!(ran.outcome.is_success(), "{:?}", ran.outcome);
            assert!(!is_pending(&memory, &to, &target).await, "{target} is not done");
            converge(&memory, &to).await;
            settled(&memory, &to).await;
        });
    }
}

async fn is_pending(memory: &Arc<Memory>, stack: &Stack, target: &Address) -> bool {
    plan(memory, stack).await.steps.iter().any(|step| step.address == *target)
}
