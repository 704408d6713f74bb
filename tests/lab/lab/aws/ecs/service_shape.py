"""Services as ECS's API takes them and shows them: defaults, merging updates, refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from moto.ecs.exceptions import InvalidParameterException

from lab.aws.ecs import capacity, service_connect, strategies
from lab.running.services.records import ongoing
from lab.running.services.service import Service
from lab.running.services.settings import BalancedPort, Settings
from lab.running.services.traffic import target_group
from lab.running.tasks.placing import check_definition
from lab.running.tasks.shapes import ContainerDefinition
from lab.world.places import Place, of_arn

if TYPE_CHECKING:
    from moto.ecs.models import TaskDefinition

NAME = re.compile(r"^[a-zA-Z0-9_-]{1,255}$")
STARTS_DEPLOYMENT = (
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)
# What is looked at again when it changes.
CHECKED = (
    "networkConfiguration",
    "serviceConnectConfiguration",
    "loadBalancers",
    "deploymentConfiguration",
)
SET_OTHERWISE = ("desiredCount", "taskDefinition", "capacityProviderStrategy")
KEPT_ELSEWHERE = ("cluster", "service", "clientToken", "forceNewDeployment", "tags", "role")
DEPLOYMENT_CONFIGURATION: dict[str, Any] = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}


def complete(request: dict[str, Any]) -> Settings:
    """A CreateService request with ECS's defaults."""
    settings: dict[str, Any] = {
        "launchType": None if request.get("capacityProviderStrategy") else "FARGATE",
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "enableECSManagedTags": False,
        "enableExecuteCommand": False,
        "propagateTags": "NONE",
        "availabilityZoneRebalancing": "ENABLED",
        "platformVersion": "LATEST",
        "loadBalancers": [],
        "serviceRegistries": [],
        **{key: value for key, value in request.items() if value is not None},
    }
    settings["deploymentConfiguration"] = merge_configuration(
        DEPLOYMENT_CONFIGURATION, request.get("deploymentConfiguration") or {}
    )
    if settings["loadBalancers"]:
        settings.setdefault("healthCheckGracePeriodSeconds", 0)
    _complete_network(settings)
    completed = cast("Settings", settings)
    if strategy := request.get("capacityProviderStrategy"):
        capacity.apply(completed, {"capacityProviderStrategy": strategy}, had_launch_type=False)
    return completed


def merge_configuration(current: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Top-level keys merge; the circuit breaker keeps its optional members."""
    merged = {**current, **change}
    breaker = change.get("deploymentCircuitBreaker")
    if breaker is not None:
        merged["deploymentCircuitBreaker"] = {**current["deploymentCircuitBreaker"], **breaker}
    strategies.complete(merged, change)
    return merged


def update(service: Service, request: dict[str, Any], definition: TaskDefinition) -> bool:
    """Merges an UpdateService request; true when it begins a new deployment."""
    settings = cast("dict[str, Any]", service.settings)
    before = {key: settings.get(key) for key in STARTS_DEPLOYMENT}
    capacity.apply(service.settings, request, service.had_launch_type)
    for key, value in request.items():
        if key in KEPT_ELSEWHERE or key in SET_OTHERWISE or value is None:
            continue
        merges = key == "deploymentConfiguration"
        settings[key] = merge_configuration(settings[key], value) if merges else value
    _complete_network(settings)
    changed = any(settings.get(key) != before[key] for key in STARTS_DEPLOYMENT)
    if definition.arn != settings["taskDefinition"]:
        settings["taskDefinition"] = definition.arn
        changed = True
    return changed or bool(request.get("forceNewDeployment"))


def check(settings: Settings, definition: TaskDefinition, place: Place) -> None:
    """Refuses what CreateService and UpdateService refuse."""
    network = (settings.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    check_definition(definition, network, place)
    for entry in settings.get("loadBalancers") or []:
        _check_balancer(entry, definition)
    strategies.check(settings)
    if connect := settings.get("serviceConnectConfiguration"):
        service_connect.check(connect, definition, place)


def describe(service: Service, with_tags: bool) -> dict[str, Any]:
    """One service as DescribeServices shows it."""
    hidden = (*KEPT_ELSEWHERE, "serviceConnectConfiguration")
    settings = {k: v for k, v in service.settings.items() if k not in hidden}
    shown = {
        **settings,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": sum(d.running for d in service.deployments),
        "pendingCount": sum(d.pending for d in service.deployments),
        "platformFamily": "Linux",
        "deployments": []
        if service.status == "INACTIVE"
        else [deployment.describe() for deployment in service.deployments],
        "events": list(service.events),
        "createdAt": service.created,
        "createdBy": of_arn(service.arn).arn_of_iam("user/lab"),
        "placementConstraints": [],
        "placementStrategy": [],
        "roleArn": of_arn(service.arn).arn_of_iam(
            "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
        ),
        "currentServiceRevisions": [
            {
                "arn": deployment.revision_arn,
                "requestedTaskCount": deployment.desired,
                "runningTaskCount": deployment.running,
                "pendingTaskCount": deployment.pending,
            }
            for deployment in service.deployments
            if deployment.rollout == "COMPLETED" or deployment.status == "PRIMARY"
        ],
    }
    if under_way := ongoing(service):
        shown["currentServiceDeployment"] = under_way.record_arn
    if with_tags:
        shown["tags"] = list(service.tags)
    return {key: value for key, value in shown.items() if value is not None}


def _complete_network(settings: dict[str, Any]) -> None:
    network = (settings.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if network is not None:
        network.setdefault("assignPublicIp", "DISABLED")
        network.setdefault("securityGroups", [])


def _check_balancer(entry: BalancedPort, definition: TaskDefinition) -> None:
    definitions = cast("list[ContainerDefinition]", definition.container_definitions)
    containers = {c["name"]: c for c in definitions}
    name, port = entry.get("containerName"), entry.get("containerPort")
    if name not in containers:
        raise InvalidParameterException(
            f"The container {name} does not exist in the task definition."
        )
    ports = {mapping.get("containerPort") for mapping in containers[name].get("portMappings") or []}
    if port not in ports:
        raise InvalidParameterException(
            f"The container {name} did not have a container port {port} defined."
        )
    arn = entry.get("targetGroupArn")
    group = target_group(str(arn))
    if group is None:
        raise InvalidParameterException(
            f"Unable to assume role and validate the specified targetGroupArn. Please verify that the target group {arn} exists."
        )
    if group.target_type != "ip" and definition.network_mode == "awsvpc":
        raise InvalidParameterException(
            f"The provided target group {arn} has target type {group.target_type}, which is "
            "incompatible with the awsvpc network mode specified in the task definition."
        )
    if not group.load_balancer_arns:
        raise InvalidParameterException(
            f"The target group with targetGroupArn {arn} does not have an associated load balancer."
        )
