//! What outlives what it belonged to, and holds what it was in.

use deployer_core::{Action, Time, Typical};

/// How long, in seconds: the network interfaces of Fargate tasks were seen to hold their public
/// addresses, groups and subnets for 5 to 20 min after their service was gone (alchemy#1125).
const INTERFACES: u32 = 1800;

/// The time of what network interfaces may hold.
pub(crate) fn time(typical: Typical, action: Action) -> Time {
    let limit = if action == Action::Delete { INTERFACES } else { 0 };
    Time { limit, ..typical.time(action) }
}

#[cfg(test)]
mod tests {
    use deployer_core::Kind;

    use super::*;
    use crate::{InternetGateway, SecurityGroup, Subnet, Vpc};

    fn limit<K: Kind>(action: Action) -> u32 {
        K::time(action, None, None).limit
    }

    #[test]
    fn what_the_interfaces_of_tasks_may_hold_is_waited_for_half_an_hour() {
        for limit in
            [limit::<Vpc>, limit::<Subnet>, limit::<SecurityGroup>, limit::<InternetGateway>]
        {
            assert_eq!((limit(Action::Delete), limit(Action::Create)), (1800, 0));
        }
    }
}
