"""ELB and RDS see later than EC2 itself what EC2 has just made: groups, subnets, VPCs, attachments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.responses import ELBV2Response
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab

PART = "network-elsewhere"


class Attachment:
    """An internet gateway's being attached, which is younger than the gateway."""


class View:
    """What another service sees of the network of a place."""

    def __init__(self, lab: Lab, response: Any) -> None:
        self._lab = lab
        self._ec2: Any = ec2_backends[response.current_account][response.region]

    def unseen(self, things: Iterable[tuple[str, Any]]) -> set[str]:
        """The identifiers of those that it does not see yet."""
        return {id for id, thing in things if self._lab.strict.is_fresh(PART, thing)}

    def groups(self) -> set[str]:
        """The security groups that it does not see yet."""
        by_vpc = self._ec2.groups.values()
        return self.unseen((id, group) for groups in by_vpc for id, group in groups.items())

    def subnets(self) -> set[str]:
        """The subnets that it does not see yet."""
        by_zone = self._ec2.subnets.values()
        return self.unseen((id, subnet) for zone in by_zone for id, subnet in zone.items())

    def vpcs(self) -> set[str]:
        """The VPCs that it does not see yet."""
        return self.unseen(self._ec2.vpcs.items())

    def vpc_of(self, subnet: str) -> str:
        """The VPC of a subnet; none of one that is not there."""
        found = [zone[subnet].vpc_id for zone in self._ec2.subnets.values() if subnet in zone]
        return found[0] if found else ""


def install(lab: Lab) -> None:
    """Patches those who name parts of a network; `describe` notes when most were made."""
    attached: dict[str, Attachment] = {}
    lab.resets.append(attached.clear)

    @patch(InternetGatewayBackend)
    def attach_internet_gateway(original: Any, self: Any, gateway: str, vpc: str) -> Any:
        answer = original(self, gateway, vpc)
        attached[vpc] = Attachment()
        lab.strict.made(attached[vpc])
        return answer

    def check_balancer(response: Any) -> None:
        view = View(lab, response)
        if view.groups() & set(response._get_param("SecurityGroups", [])):
            raise ELBClientError("InvalidSecurityGroup", "One or more security groups are invalid")
        vpcs = {view.vpc_of(subnet) for subnet in response._get_param("Subnets", [])}
        for vpc in vpcs & view.unseen(attached.items()):
            raise ELBClientError("InvalidSubnet", f"VPC {vpc} has no internet gateway")

    for operation in ("create_load_balancer", "set_security_groups", "set_subnets"):
        _patch(ELBV2Response, operation, check_balancer)

    def check_target_group(response: Any) -> None:
        vpc = response._get_param("VpcId")
        if vpc in View(lab, response).vpcs():
            raise ELBClientError("ValidationError", f"The VPC ID '{vpc}' is not found")

    _patch(ELBV2Response, "create_target_group", check_target_group)

    def check_subnets(response: Any) -> None:
        for subnet in View(lab, response).subnets() & set(response.params.get("SubnetIds", [])):
            raise RDSClientError("InvalidSubnet", f"The requested subnet [{subnet}] is invalid")

    for operation in ("create_db_subnet_group", "modify_db_subnet_group"):
        _patch(RDSResponse, operation, check_subnets)

    def check_groups(response: Any) -> None:
        named = set(response.params.get("VpcSecurityGroupIds", []))
        for group in View(lab, response).groups() & named:
            raise RDSClientError(
                "InvalidParameterValue", f"Invalid security group , groupId= {group}, groupName=."
            )

    for operation in (
        "create_db_instance",
        "create_db_instance_read_replica",
        "modify_db_instance",
    ):
        _patch(RDSResponse, operation, check_groups)


def _patch(owner: type, operation: str, check: Any) -> None:
    @patch(owner, operation)
    def call(original: Any, self: Any) -> Any:
        check(self)
        return original(self)
