"""Where a task may be put: networks that are there, launch types and capacity that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ecs.exceptions import EcsClientException, InvalidParameterException

from lab.aws.common import interfaces
from lab.running.tasks.shapes import AwsvpcConfiguration
from lab.world.places import Place

if TYPE_CHECKING:
    from moto.ecs.models import TaskDefinition

PROVIDERS = ("FARGATE", "FARGATE_SPOT")


def check_definition(
    definition: TaskDefinition, network: AwsvpcConfiguration | None, place: Place
) -> None:
    """Refuses a definition that is gone, and a network that does not suit it."""
    if definition.status != "ACTIVE":
        raise EcsClientException("TaskDefinition is inactive")
    if definition.network_mode == "awsvpc":
        if not network:
            raise InvalidParameterException(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            )
        check_network(network, place)


def check_network(network: AwsvpcConfiguration, place: Place) -> None:
    """Refuses subnets and security groups that do not exist."""
    ec2 = interfaces.backend(place)
    known = {id for zone in ec2.subnets.values() for id in zone}
    if not network.get("subnets"):
        raise InvalidParameterException("subnets can not be empty.")
    for subnet in network["subnets"]:
        if subnet not in known:
            raise InvalidParameterException(
                f"Error retrieving subnet information for [{subnet}]: The subnet ID '{subnet}' does "
                "not exist (ErrorCode: InvalidSubnetID.NotFound)"
            )
    for group in network.get("securityGroups") or []:
        if ec2.get_security_group_from_id(group) is None:
            raise InvalidParameterException(
                f"Error retrieving security group information for [{group}]: The security group "
                f"'{group}' does not exist (ErrorCode: InvalidGroup.NotFound)"
            )


def capacity(request: dict[str, Any], definition: TaskDefinition) -> str:
    """The capacity provider that RunTask asks for, or nothing; there are no instances here."""
    strategy = request.get("capacityProviderStrategy") or []
    if strategy and request.get("launchType"):
        raise InvalidParameterException(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove "
            "one and try again."
        )
    provider = str(strategy[0].get("capacityProvider")) if strategy else ""
    if strategy and provider not in PROVIDERS:
        raise InvalidParameterException(
            "The specified capacity provider was not found. Specify a valid name or ARN and try "
            "again."
        )
    if not strategy and request.get("launchType") != "FARGATE":
        raise InvalidParameterException("No Container Instances were found in your cluster.")
    if "FARGATE" not in (definition.requires_compatibilities or []):
        raise InvalidParameterException("Task definition does not support launch_type FARGATE.")
    return provider
