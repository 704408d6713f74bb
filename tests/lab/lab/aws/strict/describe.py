"""A describe right after a create says NotFound, or leaves the new thing out of a list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.flow_logs import FlowLogs
from moto.ec2.responses.internet_gateways import InternetGateways
from moto.ec2.responses.nat_gateways import NatGateways
from moto.ec2.responses.network_acls import NetworkACLs
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.subnets import Subnets
from moto.ec2.responses.vpcs import VPCs
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.responses import ELBV2Response
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab

NAMED = ("LoadBalancerArns", "TargetGroupArns")


@dataclass(frozen=True)
class Described:
    """One kind: how it is made and listed, and what a describe by name says too early.

    `names` maps an attribute of the thing to the parameter that asks for it.
    """

    owner: type
    create: str
    describe: str
    listed: str
    names: dict[str, str]
    error: Callable[[str], Exception]


def _ec2(owner: type, noun: str, listed: str, parameter: str, code: str, words: str) -> Described:
    def error(id: str) -> Exception:
        return EC2ClientError(code, f"The {words} '{id}' does not exist")

    names = {"id": parameter}
    return Described(owner, f"create_{noun}", f"describe_{noun}s", listed, names, error)


def _elb(noun: str, listed: str, parameter: str, code: str, words: str) -> Described:
    def error(id: str) -> Exception:
        return ELBClientError(code, f"One or more {words} not found")

    names = {"arn": parameter, "name": "Names"} if parameter in NAMED else {"arn": parameter}
    return Described(ELBV2Response, f"create_{noun}", f"describe_{noun}s", listed, names, error)


def _database(id: str) -> Exception:
    return RDSClientError("DBInstanceNotFound", f"DBInstance {id} not found.")


KINDS = (
    _ec2(VPCs, "vpc", "Vpcs", "VpcIds", "InvalidVpcID.NotFound", "vpc ID"),
    _ec2(Subnets, "subnet", "Subnets", "SubnetIds", "InvalidSubnetID.NotFound", "subnet ID"),
    _ec2(SecurityGroups, "security_group", "SecurityGroups", "GroupIds", "InvalidGroup.NotFound", "security group"),
    _ec2(RouteTables, "route_table", "RouteTables", "RouteTableIds", "InvalidRouteTableID.NotFound", "routeTable ID"),
    _ec2(InternetGateways, "internet_gateway", "InternetGateways", "InternetGatewayIds", "InvalidInternetGatewayID.NotFound", "internetGateway ID"),
    _ec2(NetworkACLs, "network_acl", "NetworkAcls", "NetworkAclIds", "InvalidNetworkAclID.NotFound", "network acl ID"),
    Described(FlowLogs, "create_flow_logs", "describe_flow_logs", "FlowLogs", {}, EC2ClientError),
    _ec2(VPCs, "vpc_endpoint", "VpcEndpoints", "VpcEndpointIds", "InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id"),
    _ec2(NatGateways, "nat_gateway", "NatGateways", "NatGatewayIds", "NatGatewayNotFound", "Nat Gateway"),
    _elb("load_balancer", "LoadBalancers", "LoadBalancerArns", "LoadBalancerNotFound", "load balancers"),
    _elb("target_group", "TargetGroups", "TargetGroupArns", "TargetGroupNotFound", "target groups"),
    _elb("listener", "Listeners", "ListenerArns", "ListenerNotFound", "listeners"),
    _elb("rule", "Rules", "RuleArns", "RuleNotFound", "rules"),
    Described(RDSResponse, "create_db_instance", "describe_db_instances", "DBInstances", {"db_instance_identifier": "DBInstanceIdentifier"}, _database),
)  # fmt: skip


def install(lab: Lab) -> None:
    """Patches create and describe of every kind."""
    for kind in KINDS:
        _patch(lab, kind)


def _patch(lab: Lab, kind: Described) -> None:
    @patch(kind.owner, kind.create)
    def create(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        for thing in _made(self, kind, answer.result):
            lab.strict.made(thing)
        return answer

    @patch(kind.owner, kind.describe)
    def describe(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        things = result[kind.listed]
        fresh = [t for t in things if lab.strict.is_fresh("describe-after-create", t)]
        for attribute, parameter in kind.names.items():
            asked = self._get_param(parameter) or []
            asked = [asked] if isinstance(asked, str) else asked
            for thing in fresh:
                if (name := getattr(thing, attribute)) in asked:
                    raise kind.error(name)
        result[kind.listed] = [thing for thing in things if thing not in fresh]
        return answer


def _made(response: Any, kind: Described, result: Any) -> list[Any]:
    """The new things; those of security groups and flow logs answer with identifiers instead."""
    if "FlowLogIds" in result:
        return [response.ec2_backend.flow_logs[id] for id in result["FlowLogIds"]]
    if "GroupId" in result:
        return [response.ec2_backend.get_security_group_from_id(result["GroupId"])]
    made = result.get(kind.listed) or result.get(kind.listed.removesuffix("s"))
    return list(made) if isinstance(made, list) else [made]
