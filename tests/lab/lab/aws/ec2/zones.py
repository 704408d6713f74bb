"""Which zones each region has for the account, and what EC2 says of one that is not there."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import InvalidAvailabilityZoneError
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone
from moto.ec2.models.subnets import SubnetBackend

from lab.aws.common.patching import patch, put
from lab.world.lab import Lab

# Northern California shows most accounts two of its three zones, a rarely among them.
OWN = {
    "us-west-1": [
        Zone(region_name="us-west-1", name="us-west-1b", zone_id="usw1-az3"),
        Zone(region_name="us-west-1", name="us-west-1c", zone_id="usw1-az1"),
    ],
    "eusc-de-east-1": [
        Zone(region_name="eusc-de-east-1", name="eusc-de-east-1a", zone_id="euscde1-az1"),
        Zone(region_name="eusc-de-east-1", name="eusc-de-east-1b", zone_id="euscde1-az2"),
        Zone(region_name="eusc-de-east-1", name="eusc-de-east-1c", zone_id="euscde1-az3"),
    ],
}
# The account has opted in to it.
LOCAL = Zone(
    region_name="us-west-2",
    name="us-west-2-lax-1a",
    zone_id="usw2-lax1-az1",
    zone_type="local-zone",
)


def _opt_in_status(zone: Zone) -> str:
    return "opted-in" if zone.zone_type == "local-zone" else "opt-in-not-required"


def install(lab: Lab) -> None:
    """Patches moto's list of zones, and its subnets."""
    RegionsAndZonesBackend.zones.update(OWN)
    oregon = RegionsAndZonesBackend.zones["us-west-2"]
    if LOCAL not in oregon:
        oregon.insert(0, LOCAL)
    put(Zone, opt_in_status=property(_opt_in_status))

    @patch(SubnetBackend)
    def create_subnet(
        original: Any,
        self: Any,
        vpc_id: str,
        cidr_block: str,
        ipv6_cidr_block: str | None = None,
        availability_zone: str | None = None,
        availability_zone_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        zones = self.describe_availability_zones()
        named = availability_zone or availability_zone_id
        if named and not any(named in (zone.name, zone.zone_id) for zone in zones):
            raise InvalidAvailabilityZoneError(named, ", ".join(zone.name for zone in zones))
        zone, id = availability_zone, availability_zone_id
        return original(self, vpc_id, cidr_block, ipv6_cidr_block, zone, id, **kwargs)
