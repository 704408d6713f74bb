"""A second call about a thing just made does not find it yet, though the first one answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.internet_gateways import InternetGateways
from moto.ec2.responses.network_acls import NetworkACLs
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.subnets import Subnets
from moto.ec2.responses.vpcs import VPCs
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import ECRBackend, Repository
from moto.elbv2.exceptions import LoadBalancerNotFoundError, TargetGroupNotFoundError
from moto.elbv2.responses import ELBV2Response
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import LogGroup, LogsBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab

Known = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Second:
    """Operations of one service about one kind of thing, and what they say of a young one.

    `known` are the things that there are, by what the parameter names them by.
    """

    owner: type
    operations: tuple[str, ...]
    parameter: str
    known: Known
    error: Callable[[str], Exception]


def _ec2(
    owner: type, operations: tuple[str, ...], parameter: str, known: Known, code: str, words: str
) -> Second:
    def error(id: str) -> Exception:
        return EC2ClientError(code, f"The {words} '{id}' does not exist")

    return Second(owner, operations, parameter, known, error)


def _groups(response: Any) -> dict[str, Any]:
    by_vpc = response.ec2_backend.groups.values()
    return {id: group for groups in by_vpc for id, group in groups.items()}


RULES = (
    "authorize_security_group_egress",
    "authorize_security_group_ingress",
    "revoke_security_group_egress",
    "revoke_security_group_ingress",
)

SECONDS = (
    _ec2(VPCs, ("modify_vpc_attribute",), "VpcId", lambda it: it.ec2_backend.vpcs, "InvalidVpcID.NotFound", "vpc ID"),
    _ec2(Subnets, ("modify_subnet_attribute",), "SubnetId", lambda it: {id: subnet for zone in it.ec2_backend.subnets.values() for id, subnet in zone.items()}, "InvalidSubnetID.NotFound", "subnet ID"),
    _ec2(InternetGateways, ("attach_internet_gateway",), "InternetGatewayId", lambda it: it.ec2_backend.internet_gateways, "InvalidInternetGatewayID.NotFound", "internetGateway ID"),
    _ec2(NetworkACLs, ("create_network_acl_entry", "replace_network_acl_association"), "NetworkAclId", lambda it: it.ec2_backend.network_acls, "InvalidNetworkAclID.NotFound", "network acl ID"),
    _ec2(VPCs, ("modify_vpc_endpoint",), "VpcEndpointId", lambda it: it.ec2_backend.vpc_end_points, "InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id"),
    _ec2(RouteTables, ("create_route", "associate_route_table"), "RouteTableId", lambda it: it.ec2_backend.route_tables, "InvalidRouteTableID.NotFound", "routeTable ID"),
    _ec2(SecurityGroups, RULES, "GroupId", _groups, "InvalidGroup.NotFound", "security group"),
    Second(ELBV2Response, ("modify_load_balancer_attributes",), "LoadBalancerArn", lambda it: it.elbv2_backend.load_balancers, lambda id: LoadBalancerNotFoundError()),
    Second(ELBV2Response, ("modify_target_group_attributes",), "TargetGroupArn", lambda it: it.elbv2_backend.target_groups, lambda id: TargetGroupNotFoundError()),
)  # fmt: skip


def install(lab: Lab) -> None:
    """Patches the calls that follow a create; `describe` notes when most things were made."""
    for second in SECONDS:
        for operation in second.operations:
            _patch(lab, second, operation)
    _patch_repositories(lab)
    _patch_log_groups(lab)


def _patch(lab: Lab, second: Second, operation: str) -> None:
    @patch(second.owner, operation)
    def call(original: Any, self: Any) -> Any:
        id = self._get_param(second.parameter)
        thing = second.known(self).get(id)
        if thing is not None and lab.strict.is_fresh("second-call", thing):
            raise second.error(id)
        return original(self)


def _patch_repositories(lab: Lab) -> None:
    @patch(Repository, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)

    @patch(ECRBackend)
    def put_lifecycle_policy(
        original: Any, self: Any, registry_id: str, repository_name: str, *args: Any, **kwargs: Any
    ) -> Any:
        repository = self.repositories.get(repository_name)
        if repository is not None and lab.strict.is_fresh("second-call", repository):
            raise RepositoryNotFoundException(repository_name, registry_id)
        return original(self, registry_id, repository_name, *args, **kwargs)


def _patch_log_groups(lab: Lab) -> None:
    @patch(LogGroup, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)

    @patch(LogsBackend)
    def put_retention_policy(original: Any, self: Any, log_group_name: str, *args: Any) -> Any:
        group = self.groups.get(log_group_name)
        if group is not None and lab.strict.is_fresh("second-call", group):
            raise ResourceNotFoundException()
        return original(self, log_group_name, *args)
