//! Which capacity the tasks of a service run on, as ECS tells it and as ECS is asked for it.
//!
//! A launch type and a strategy exclude each other (`CreateService` in the ECS API reference). All on
//! Fargate is either of them: the launch type, or a strategy with no other provider in it.

use aws_sdk_ecs::types::{CapacityProviderStrategyItem, LaunchType, Service as Description};
use deployer_core::Opaque;
use deployer_engine::Result;
use deployer_kinds::{Capacity, ServiceSpec};

use crate::ecs::{FARGATE, FARGATE_SPOT};

/// What a new service is asked for by: the launch type, unless some of its tasks are elsewhere.
pub(super) fn launch_type(spec: &ServiceSpec) -> Result<Option<LaunchType>> {
    let is_all = *spec.capacity.wanted()? == Capacity::default();
    Ok(is_all.then_some(LaunchType::Fargate))
}

/// The strategy of a new service, where its tasks are not all on Fargate.
pub(super) fn strategy(spec: &ServiceSpec) -> Result<Option<Vec<CapacityProviderStrategyItem>>> {
    let capacity = *spec.capacity.wanted()?;
    Ok((capacity != Capacity::default()).then(|| items(capacity)))
}

/// The strategy that a service changes to. An empty one would mean the launch type again, which ECS
/// refuses for services that were made without (an observation of others; the reference is silent).
pub(super) fn change(spec: &ServiceSpec) -> Result<Vec<CapacityProviderStrategyItem>> {
    Ok(items(*spec.capacity.wanted()?))
}

/// Whether tasks are to be elsewhere than they are. Where the capacity that there is cannot be read
/// it stays. A change starts no deployment by itself (`UpdateService` in the ECS API reference).
pub(super) fn moves(live: &ServiceSpec, wanted: &ServiceSpec) -> bool {
    live.capacity.known().is_some() && live.capacity != wanted.capacity
}

fn items(capacity: Capacity) -> Vec<CapacityProviderStrategyItem> {
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let item = |name: &str, base: u32, weight: u32| {
        let item = CapacityProviderStrategyItem::builder().capacity_provider(name);
        let item = item.base(number(base)).weight(number(weight)).build();
        ((base, weight) != (0, 0)).then(|| item.expect("it has a provider"))
    };
    let Capacity { base, fargate, spot } = capacity;
    [item(FARGATE, base, fargate), item(FARGATE_SPOT, 0, spot)].into_iter().flatten().collect()
}

/// Which capacity a service has; unread where it is another than Fargate's, or where the tasks that
/// come first are on capacity that goes.
pub(super) fn read(service: &Description) -> Opaque<Capacity> {
    let mut capacity = Capacity { base: 0, fargate: 0, spot: 0 };
    let strategy = service.capacity_provider_strategy();
    if strategy.is_empty() {
        return Capacity::default().into();
    }
    for item in strategy {
        let (Ok(base), Ok(weight)) = (u32::try_from(item.base()), u32::try_from(item.weight()))
        else {
            return Opaque::Unread;
        };
        match (item.capacity_provider(), base) {
            (FARGATE, _) => (capacity.base, capacity.fargate) = (base, weight),
            (FARGATE_SPOT, 0) => capacity.spot = weight,
            _ => return Opaque::Unread,
        }
    }
    // Without spare capacity the numbers say nothing.
    if capacity.spot == 0 { Capacity::default().into() } else { capacity.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(items: Vec<CapacityProviderStrategyItem>) -> Description {
        Description::builder().set_capacity_provider_strategy(Some(items)).build()
    }

    #[test]
    fn what_was_asked_for_reads_back_as_it_was() {
        for (base, fargate, spot) in [(2, 50, 50), (0, 0, 100), (1, 0, 1), (0, 1, 0)] {
            let capacity = Capacity { base, fargate, spot };
            assert_eq!(read(&service(items(capacity))), capacity.into());
        }
        assert_eq!(read(&service(vec![])), Capacity::default().into(), "a launch type");
        let alone = items(Capacity { base: 3, fargate: 7, spot: 0 });
        assert_eq!(read(&service(alone)), Capacity::default().into(), "nothing but Fargate");
    }

    #[test]
    fn capacity_of_another_sort_is_unread() {
        let item = |name: &str, base: i32| {
            let item = CapacityProviderStrategyItem::builder().capacity_provider(name);
            item.base(base).weight(1).build().unwrap()
        };
        for strange in [item("machines", 0), item(FARGATE_SPOT, 1)] {
            assert_eq!(read(&service(vec![item(FARGATE, 0), strange])), Opaque::Unread);
        }
    }
}
