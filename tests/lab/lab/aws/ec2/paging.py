"""EC2's lists in pages: whoever names a size gets that many and a token, and others get all."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.flow_logs import FlowLogs
from moto.ec2.responses.internet_gateways import InternetGateways
from moto.ec2.responses.nat_gateways import NatGateways
from moto.ec2.responses.network_acls import NetworkACLs
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.subnets import Subnets
from moto.ec2.responses.vpcs import VPCs

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.aws.common.small_pages import SIZE
from lab.world.lab import Lab

LISTS: dict[str, tuple[type, str]] = {
    "describe_vpcs": (VPCs, "Vpcs"),
    "describe_subnets": (Subnets, "Subnets"),
    "describe_security_groups": (SecurityGroups, "SecurityGroups"),
    "describe_security_group_rules": (SecurityGroups, "SecurityGroupRules"),
    "describe_route_tables": (RouteTables, "RouteTables"),
    "describe_internet_gateways": (InternetGateways, "InternetGateways"),
    "describe_nat_gateways": (NatGateways, "NatGateways"),
    "describe_network_interfaces": (ElasticNetworkInterfaces, "NetworkInterfaces"),
    "describe_flow_logs": (FlowLogs, "FlowLogs"),
    "describe_network_acls": (NetworkACLs, "NetworkAcls"),
    "describe_vpc_endpoints": (VPCs, "VpcEndpoints"),
    "describe_prefix_lists": (VPCs, "PrefixLists"),
    "describe_managed_prefix_lists": (VPCs, "PrefixLists"),
}
MOST = 1000


def install(lab: Lab) -> None:
    """Patches the lists of the table."""
    for operation, (owner, listed) in LISTS.items():
        _patch(lab, operation, owner, listed)


def _patch(lab: Lab, operation: str, owner: type, listed: str) -> None:
    @patch(owner, operation)
    def paged(original: Any, self: Any) -> ActionResult:
        size, token = self._get_int_param("MaxResults"), self._get_param("NextToken")
        answer: ActionResult = original(self)
        if size is None and token is None:
            return answer
        most = SIZE if lab.strict.is_on("pages") else MOST
        result: Any = answer.result
        try:
            shown, following = page(list(result[listed]), token, size, most)
        except ValueError:
            raise EC2ClientError("InvalidPaginationToken", "Invalid pagination token.") from None
        return ActionResult({**result, listed: shown, "NextToken": following})
