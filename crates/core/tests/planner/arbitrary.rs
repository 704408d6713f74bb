//! Plans between arbitrary stacks.

use deployer_core::{Live, Phase, Serial, Stack};
use deployer_testkit::stacks;
use proptest::prelude::*;

use crate::world::{World, assert_ordered};

fn picks() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..100_usize, 1..40)
}

/// What a run that got only so far leaves of a resource.
#[derive(Clone, Copy, Debug)]
enum Mess {
    Twin,
    Older,
    Settling,
    Leaving,
}

fn messes() -> impl Strategy<Value = Vec<(usize, Mess)>> {
    let mess =
        prop_oneof![Just(Mess::Twin), Just(Mess::Older), Just(Mess::Settling), Just(Mess::Leaving)];
    prop::collection::vec((0..30_usize, mess), 0..6)
}

/// An account after runs that got only so far.
fn messy(from: &Stack, messes: &[(usize, Mess)]) -> World {
    let mut world = World::with(from);
    for (which, mess) in messes {
        let place = which % world.lives.len().max(1);
        let Some(live) = world.lives.get_mut(place) else { continue };
        match mess {
            Mess::Settling => live.phase = Phase::Settling,
            Mess::Leaving => live.phase = Phase::Leaving,
            Mess::Twin | Mess::Older => {
                // Names that are unique have no twins.
                let named = ["gate", "store", "service"].contains(&live.address.kind.as_str());
                let mut newer = live.clone();
                newer.generation += u32::from(named || matches!(mess, Mess::Older));
                newer.output["id"] = format!("{}-again", live.id()).into();
                newer.serial = newer.serial.as_ref().map(Serial::next);
                let is_taken = world.lives.iter().any(|other| {
                    other.id() == newer.id()
                        || named
                            && (&other.address, other.generation)
                                == (&newer.address, newer.generation)
                });
                if !is_taken {
                    world.lives.push(newer);
                }
            }
        }
    }
    world
}

proptest! {
    #[test]
    fn any_order_that_a_plan_allows_leads_to_what_the_stack_says(
        from in stacks(),
        to in stacks(),
        picks in picks(),
    ) {
        let mut world = World::with(&from);
        let plan = world.plan(&to);
        assert_ordered(&plan);
        world.perform(&plan, &picks);
        let rest = world.plan(&to);
        prop_assert!(rest.is_empty(), "{:#?}", rest.steps);
        let is_right = |live: &Live| {
            to.resources.contains_key(&live.address) || live.address.kind == "mark"
        };
        prop_assert!(world.lives.iter().all(is_right));
    }

    #[test]
    fn whatever_earlier_runs_left_is_cleared_away(
        from in stacks(),
        to in stacks(),
        messes in messes(),
        picks in picks(),
    ) {
        let mut world = messy(&from, &messes);
        let plan = world.plan(&to);
        assert_ordered(&plan);
        world.perform(&plan, &picks);
        let rest = world.plan(&to);
        prop_assert!(rest.is_empty(), "{:#?}", rest.steps);
    }

    #[test]
    fn a_plan_cut_down_to_its_targets_is_still_in_order(
        from in stacks(),
        to in stacks(),
        which in any::<prop::sample::Index>(),
        picks in picks(),
    ) {
        let mut world = World::with(&from);
        let plan = world.plan(&to);
        if plan.is_empty() {
            return Ok(());
        }
        let target = plan.steps[which.index(plan.steps.len())].address.clone();
        let plan = plan.only(&[target.clone()].into());
        assert_ordered(&plan);
        world.perform(&plan, &picks);
        prop_assert!(world.plan(&to).steps.iter().all(|step| step.address != target));
        world.perform(&world.plan(&to), &picks);
        prop_assert!(world.plan(&to).is_empty());
    }
}
