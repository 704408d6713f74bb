"""The strict profile: replies that lag behind the truth, quotas, and roles that are not there yet.

Delays come from `lab/times.py`, and are never shorter than a moment, whatever the scale.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.internet_gateways import InternetGateways
from moto.ec2.responses.nat_gateways import NatGateways
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.subnets import Subnets
from moto.ec2.responses.vpcs import VPCs
from moto.ecs.exceptions import ClusterNotFoundException, InvalidParameterException
from moto.ecs.models import Cluster, EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import FakeListener
from moto.iam.models import Role, iam_backends

from lab import service_shape
from lab.overlay import tagging
from lab.patching import patch
from lab.world import ACCOUNT, Lab

SHORTEST = 0.3
VPC_QUOTA = ADDRESS_QUOTA = 5
# Response class, method, list, identifier, parameter with identifiers, error code, noun.
DESCRIBED = (
    (VPCs, "vpc", "Vpcs", "VpcIds", "InvalidVpcID.NotFound", "vpc ID"),
    (Subnets, "subnet", "Subnets", "SubnetIds", "InvalidSubnetID.NotFound", "subnet ID"),
    (SecurityGroups, "security_group", "SecurityGroups", "GroupIds", "InvalidGroup.NotFound", "security group"),
    (RouteTables, "route_table", "RouteTables", "RouteTableIds", "InvalidRouteTableID.NotFound", "routeTable ID"),
    (InternetGateways, "internet_gateway", "InternetGateways", "InternetGatewayIds", "InvalidInternetGatewayID.NotFound", "internetGateway ID"),
    (NatGateways, "nat_gateway", "NatGateways", "NatGatewayIds", "NatGatewayNotFound", "Nat Gateway"),
)  # fmt: skip


class Ages:
    """When each thing was first seen."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._born: dict[str, float] = {}
        lab.resets.append(self._born.clear)

    def born(self, id: str) -> None:
        """Notes that a thing was made just now."""
        self._born[id] = time.monotonic()

    def is_fresh(self, id: str, duration: str) -> bool:
        """Whether the thing is younger than the duration."""
        age = time.monotonic() - self._born.get(id, 0.0)
        return age < max(self._lab.timers.seconds(duration), SHORTEST)


def install(lab: Lab) -> None:
    """Patches what lags; called last, and in the strict profile only."""
    ages = Ages(lab)
    lab.parts["ages"] = ages
    for entry in DESCRIBED:
        _patch_describe(ages, *entry)
    _patch_changes(lab)
    _patch_quotas()
    _patch_roles(ages)
    _patch_clusters(ages)
    _patch_listeners(ages)
    _patch_index(lab)


def _patch_describe(
    ages: Ages, owner: type, noun: str, key: str, parameter: str, code: str, words: str
) -> None:
    @patch(owner, f"create_{noun}")
    def create(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        made = result.get(key.removesuffix("s"))
        ages.born(made.id if made is not None else result["GroupId"])
        return answer

    @patch(owner, f"describe_{noun}s")
    def describe(original: Any, self: Any) -> ActionResult:
        for id in self._get_param(parameter, []):
            if ages.is_fresh(id, "consistency.describe"):
                raise EC2ClientError(code, f"The {words} '{id}' does not exist")
        answer: ActionResult = original(self)
        result: Any = answer.result
        found = [i for i in result[key] if not ages.is_fresh(i.id, "consistency.describe")]
        return ActionResult({**result, key: found})


def _patch_changes(lab: Lab) -> None:
    """A change of an attribute is answered at once and seen a little later."""

    def later(action: Callable[[], None]) -> None:
        lab.timers.after(max(lab.timers.seconds("consistency.describe"), SHORTEST), action)

    @patch(SubnetBackend)
    def modify_subnet_attribute(original: Any, self: Any, subnet_id: str, *args: Any) -> None:
        self.get_subnet(subnet_id)
        later(lambda: original(self, subnet_id, *args))

    @patch(VPCBackend)
    def modify_vpc_attribute(original: Any, self: Any, vpc_id: str, *args: Any) -> None:
        self.get_vpc(vpc_id)
        later(lambda: original(self, vpc_id, *args))


def _patch_quotas() -> None:
    @patch(VPCBackend)
    def create_vpc(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(self.vpcs) >= VPC_QUOTA and not kwargs.get("is_default"):
            raise EC2ClientError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
        return original(self, *args, **kwargs)

    @patch(ElasticAddressBackend)
    def allocate_address(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(self.addresses) >= ADDRESS_QUOTA:
            raise EC2ClientError(
                "AddressLimitExceeded", "The maximum number of addresses has been reached."
            )
        return original(self, *args, **kwargs)


def _patch_roles(ages: Ages) -> None:
    @patch(Role, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        ages.born(self.arn)

    @patch(EC2ContainerServiceResponse)
    def create_service(original: Any, self: Any) -> Any:
        arn = self._get_param("taskDefinition")
        definition = self.ecs_backend.describe_task_definition(arn)
        for role in (
            getattr(definition, "execution_role_arn", None),
            getattr(definition, "task_role_arn", None),
        ):
            if role and ages.is_fresh(role, "consistency.role"):
                raise InvalidParameterException(
                    "Unable to assume role and validate the specified task definition. Please verify "
                    f"that the ECS service role being passed has the proper permissions: {role}"
                )
        return original(self)


def _patch_clusters(ages: Ages) -> None:
    @patch(Cluster, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        ages.born(self.arn)

    @patch(EC2ContainerServiceBackend)
    def create_cluster(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        iam = iam_backends[ACCOUNT]["aws"]
        path = "/aws-service-role/ecs.amazonaws.com/"
        if not any(role.path == path for role in iam.roles.values()):
            iam.create_service_linked_role("ecs.amazonaws.com", "", "")
            raise InvalidParameterException(
                "Unable to assume the service linked role. Please verify that the ECS service linked "
                "role exists."
            )
        return original(self, *args, **kwargs)

    @patch(EC2ContainerServiceResponse, "create_service")
    def create_service(original: Any, self: Any) -> Any:
        cluster = self.ecs_backend._get_cluster(self._get_param("cluster", "default"))
        if ages.is_fresh(cluster.arn, "consistency.describe"):
            raise ClusterNotFoundException()
        return original(self)


def _patch_listeners(ages: Ages) -> None:
    @patch(FakeListener, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        for action in self.default_actions:
            for group in (action.data.get("ForwardConfig") or {}).get("TargetGroups", []):
                ages.born(f"listener of {group['TargetGroupArn']}")

    original = service_shape.check

    def check(settings: dict[str, Any], definition: Any, region: str) -> None:
        original(settings, definition, region)
        for entry in settings.get("loadBalancers") or []:
            arn = entry.get("targetGroupArn")
            if ages.is_fresh(f"listener of {arn}", "consistency.describe"):
                raise InvalidParameterException(
                    f"The target group with targetGroupArn {arn} does not have an associated load "
                    "balancer."
                )

    service_shape.check = check


def _patch_index(lab: Lab) -> None:
    """The tagging index learns late of what was made, and late of what is gone."""
    indexes: dict[str, tuple[float, list[TaggedResource]]] = {}
    lab.resets.append(indexes.clear)
    original = tagging.everything

    def everything(region: str) -> Iterator[TaggedResource]:
        now = time.monotonic()
        age = max(lab.timers.seconds("consistency.tag-index"), SHORTEST)
        if region not in indexes or now - indexes[region][0] > age:
            indexes[region] = (now, list(original(region)))
        yield from indexes[region][1]

    tagging.indexed = everything
