//! The availability zones of the account: `DescribeAvailabilityZones`.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{AvailabilityZone, AvailabilityZoneOptInStatus, AvailabilityZoneState};
use deployer_engine::Result;

use crate::Aws;
use crate::ec2;

/// What EC2 calls a zone that is none of the Local Zones and Wavelength Zones (API reference,
/// `AvailabilityZone`).
const KIND: &str = "availability-zone";

impl Aws {
    /// The zones that something new can be in. Which letters there are differs between accounts: b
    /// of Tokyo and a of Northern California are closed to most.
    pub(crate) async fn open_zones(&self) -> Result<BTreeSet<String>> {
        let request = self.ec2.describe_availability_zones();
        let answer = self
            .send(&ec2::DESCRIBE_AVAILABILITY_ZONES, "find out which zones there are", || {
                request.clone().send()
            })
            .await?;
        let open = answer.availability_zones().iter().filter(|zone| is_open(zone));
        Ok(open.filter_map(|zone| zone.zone_name().map(str::to_owned)).collect())
    }
}

/// Whether a zone takes something new. What an answer leaves out is as usual.
fn is_open(zone: &AvailabilityZone) -> bool {
    zone.state().is_none_or(|state| *state == AvailabilityZoneState::Available)
        && zone.zone_type().is_none_or(|kind| kind == KIND)
        && zone.opt_in_status() != Some(&AvailabilityZoneOptInStatus::NotOptedIn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_closed_local_or_impaired_takes_nothing_new() {
        let zone = || AvailabilityZone::builder().zone_name("eu-west-1a");
        let (here, away) = (AvailabilityZoneState::Available, AvailabilityZoneState::Impaired);
        assert!(is_open(&zone().build()));
        assert!(is_open(&zone().state(here.clone()).zone_type(KIND).build()));
        assert!(!is_open(&zone().state(away).build()));
        assert!(!is_open(&zone().state(here).zone_type("local-zone").build()));
        let closed = zone().opt_in_status(AvailabilityZoneOptInStatus::NotOptedIn);
        assert!(!is_open(&closed.build()));
    }
}
