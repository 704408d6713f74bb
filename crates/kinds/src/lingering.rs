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
