"""Which of AWS's services take VPC endpoints in a region, and what they are called there.

Names are moto's list of what AWS offers; what a name is in DNS and what type it takes is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.vpcs import AWS_ENDPOINT_SERVICES
from moto.ec2.responses.vpcs import VPCs

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.aws.ec2.filters import Known, chosen
from lab.world.lab import Lab
from lab.world.places import Place, of_request

GATEWAY, INTERFACE = "Gateway", "Interface"
WITH_GATEWAY = ("s3", "dynamodb")
# Those with cryptography that the United States and Canada certify are there alone.
CERTIFIED = "-fips"
WHERE_CERTIFIED = ("us-", "ca-")
# What China calls in its own way (Amazon VPC user guide for China).
CHINESE = ("ecr.api", "ecr.dkr", "sts")
DOMAINS = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
# Names in DNS that are not the service's own.
NAMES = {
    "dynamodb": ("dynamodb",),
    "ecr.api": ("api.ecr",),
    "ecr.dkr": ("dkr.ecr", "*.dkr.ecr"),
    "kinesis-streams": ("kinesis",),
    "s3": ("s3", "*.s3"),
    "sagemaker.api": ("api.sagemaker",),
}
MOST = 1000


@dataclass(frozen=True)
class Offer:
    """A service in a region, with one type of endpoints."""

    place: Place
    service: str
    kind: str
    zones: tuple[str, ...]

    @property
    def name(self) -> str:
        """What requests call it."""
        is_chinese = self.place.partition == "aws-cn" and self.service in CHINESE
        return f"{'cn.' if is_chinese else ''}com.amazonaws.{self.place.region}.{self.service}"

    @property
    def domains(self) -> list[str]:
        """The names that private DNS answers for, the one without wildcard first."""
        zone = f"{self.place.region}.{DOMAINS.get(self.place.partition, 'amazonaws.com')}"
        return [f"{name}.{zone}" for name in NAMES.get(self.service, (self.service,))]

    def get_tags(self) -> list[dict[str, str]]:
        """None: it is AWS's."""
        return []

    def describe(self) -> dict[str, Any]:
        """One of ServiceDetails."""
        private = [{"PrivateDnsName": name} for name in self.domains]
        is_gateway = self.kind == GATEWAY
        return {
            "ServiceName": self.name,
            "ServiceId": f"vpce-svc-{sha256(f'{self.name} {self.kind}'.encode()).hexdigest()[:17]}",
            "ServiceType": [{"ServiceType": self.kind}],
            "ServiceRegion": self.place.region,
            "AvailabilityZones": list(self.zones),
            "Owner": "amazon",
            "BaseEndpointDnsNames": [f"{self.service}.{self.place.region}.vpce.amazonaws.com"],
            **({} if is_gateway else {"PrivateDnsName": self.domains[0]}),
            **({} if is_gateway else {"PrivateDnsNames": private}),
            "VpcEndpointPolicySupported": True,
            "AcceptanceRequired": False,
            "ManagesVpcEndpoints": False,
            "Tags": [],
            **({} if is_gateway else {"PrivateDnsNameVerificationState": "verified"}),
            "SupportedIpAddressTypes": ["ipv4"],
        }


FILTERS: Known = {
    "owner": lambda offer: ["amazon"],
    "service-name": lambda offer: [offer.name],
    "service-region": lambda offer: [offer.place.region],
    "service-type": lambda offer: [offer.kind],
    "supported-ip-address-types": lambda offer: ["ipv4"],
}


def offers(ec2: Any) -> Iterator[Offer]:
    """All that a region has, in the order of their names."""
    place = Place(ec2.account_id, ec2.region_name)
    zones = tuple(
        zone.name
        for zone in ec2.describe_availability_zones()
        if zone.zone_type == "availability-zone"
    )
    for service in sorted(set(AWS_ENDPOINT_SERVICES)):
        if service.endswith(CERTIFIED) and not place.region.startswith(WHERE_CERTIFIED):
            continue
        if service in WITH_GATEWAY:
            yield Offer(place, service, GATEWAY, zones)
        yield Offer(place, service, INTERFACE, zones)


def offered(ec2: Any, name: str) -> list[Offer]:
    """What stands behind a name, one for each type; InvalidServiceName when nothing does."""
    found = [offer for offer in offers(ec2) if offer.name == name]
    if not found:
        raise EC2ClientError(
            "InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist"
        )
    return found


def install(lab: Lab) -> None:
    """Patches the list of services."""

    @patch(VPCs)
    def describe_vpc_endpoint_services(self: Any) -> ActionResult:
        names = self._get_param("ServiceNames", [])
        region = of_request(self).region
        for other in self._get_param("ServiceRegions", []):
            if other != region:
                raise EC2ClientError("InvalidParameter", f"{other} is no region for this service")
        for name in names:
            offered(self.ec2_backend, name)
        found = chosen(offers(self.ec2_backend), self._filters_from_querystring(), FILTERS)
        details = [offer.describe() for offer in found if not names or offer.name in names]
        size, token = self._get_int_param("MaxResults"), self._get_param("NextToken")
        shown, following = page(details, token, size or MOST, MOST)
        return ActionResult(
            {
                "ServiceNames": list(dict.fromkeys(detail["ServiceName"] for detail in shown)),
                "ServiceDetails": shown,
                "NextToken": following,
            }
        )
