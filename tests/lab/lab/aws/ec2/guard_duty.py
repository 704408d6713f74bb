"""What GuardDuty's Runtime Monitoring puts into a VPC by itself, and leaves there.

It makes an endpoint with an interface in each subnet, and a security group for it, all tagged
`GuardDutyManaged` (hashicorp/terraform-provider-aws#46747).
"""

from __future__ import annotations

from lab.aws.common import interfaces
from lab.aws.ec2.endpoint_checks import Wanted
from lab.aws.ec2.endpoint_services import offered
from lab.aws.ec2.endpoints import arrive, make
from lab.world.places import ACCOUNT, Place

TAG = "GuardDutyManaged"


def watch(vpc: str, region: str = "eu-west-1") -> dict[str, str]:
    """Lets GuardDuty watch a VPC; gives its endpoint and its security group."""
    place = Place(ACCOUNT, region)
    ec2 = interfaces.backend(place)
    group = ec2.create_security_group(
        f"GuardDutyManagedSecurityGroup-{vpc}",
        f"Associated with VPC-{vpc} and tagged as {TAG}",
        vpc_id=vpc,
        tags={TAG: "true"},
    )
    (offer,) = offered(ec2, f"com.amazonaws.{region}.guardduty-data")
    subnets = [subnet.id for subnet in ec2.describe_subnets(filters={"vpc-id": vpc})]
    wanted = Wanted(vpc, offer, subnets=subnets, groups=[group.id], tags={TAG: "true"})
    endpoint = make(ec2, wanted)
    endpoint.requester_managed = True
    arrive(endpoint)
    return {"endpoint": endpoint.id, "group": group.id}
