"""What RegisterTaskDefinition refuses of containers together: number, order, shares, mounts.

ECS API reference, `ContainerDefinition`, `ContainerDependency`, `MountPoint`, `Ulimit`; ECS quotas;
ECS guide, FireLens. The words are assumed, but for those about routers of logs that lack a router or
lines (ecs-deploy#164, amazon-cloudwatch-logs-for-fluent-bit#20).
"""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import EcsClientException

MOST = 10
CONDITIONS = ("START", "COMPLETE", "SUCCESS", "HEALTHY")
MOST_FILES = 1048576


def check(containers: list[dict[str, Any]], volumes: list[dict[str, Any]]) -> None:
    """Refuses containers that cannot run together."""
    if len(containers) > MOST:
        raise EcsClientException(f"Container list cannot have more than {MOST} containers.")
    named = {str(container["name"]): container for container in containers}
    known = {volume.get("name") for volume in volumes}
    for name, container in named.items():
        for item in container.get("dependsOn") or []:
            _check_dependency(name, item, named)
        for point in container.get("mountPoints") or []:
            if point.get("sourceVolume") not in known:
                raise EcsClientException(f"Unknown volume '{point.get('sourceVolume')}'.")
    _check_ring(named)
    _check_routers(containers)


def check_fargate(containers: list[dict[str, Any]], cpu: int, memory: int) -> None:
    """Refuses what Fargate does not have for containers."""
    for what, most in (("cpu", cpu), ("memory", memory)):
        if sum(int(container.get(what) or 0) for container in containers) > most:
            raise EcsClientException(
                f"The '{what}' of all containers is greater than the value for the task."
            )
    for container in containers:
        for limit in container.get("ulimits") or []:
            if limit.get("name") != "nofile":
                raise EcsClientException(f"Fargate does not support ulimit '{limit.get('name')}'.")
            if not 0 <= limit["softLimit"] <= limit["hardLimit"] <= MOST_FILES:
                raise EcsClientException("Invalid 'nofile' ulimit.")
        routing = container.get("firelensConfiguration") or {}
        if (routing.get("options") or {}).get("config-file-type") == "s3":
            raise EcsClientException("Fargate does not support the config-file-type 's3'.")


def complete(containers: list[dict[str, Any]]) -> None:
    """Fills in what ECS does: a router of logs runs as the user 0."""
    for container in containers:
        if container.get("firelensConfiguration") and not container.get("user"):
            container["user"] = "0"


def _check_dependency(name: str, item: dict[str, Any], named: dict[str, dict[str, Any]]) -> None:
    other, condition = named.get(str(item.get("containerName"))), item.get("condition")
    if condition not in CONDITIONS:
        raise EcsClientException(f"Invalid container dependency condition '{condition}'.")
    if other is None or other is named[name]:
        raise EcsClientException(f"Invalid container dependency of container '{name}'.")
    if condition in ("COMPLETE", "SUCCESS") and other.get("essential", True):
        raise EcsClientException(
            f"Container '{other['name']}' is essential and cannot have a dependency condition "
            f"'{condition}'."
        )
    if condition == "HEALTHY" and not other.get("healthCheck"):
        raise EcsClientException(
            f"Container '{other['name']}' needs a health check for the dependency condition "
            "'HEALTHY'."
        )


def _check_routers(containers: list[dict[str, Any]]) -> None:
    """One container routes what others write, if any of them wants that."""
    routers = [container for container in containers if container.get("firelensConfiguration")]
    drivers = [(it.get("logConfiguration") or {}).get("logDriver") for it in containers]
    if len(routers) > 1:
        raise EcsClientException("Only one container can have a firelensConfiguration object.")
    if "awsfirelens" in drivers and not routers:
        raise EcsClientException(
            "When awsfirelens log driver is specified in log configuration, a firelens "
            "configuration object must be configured in one of the containers."
        )
    if routers and "awsfirelens" not in drivers:
        raise EcsClientException(
            "When a firelensConfiguration object is specified, at least one container has to be "
            "configured with the awsfirelens log driver."
        )


def _check_ring(named: dict[str, dict[str, Any]]) -> None:
    left = {
        name: {item["containerName"] for item in container.get("dependsOn") or []}
        for name, container in named.items()
    }
    while left:
        free = [name for name, waits in left.items() if not waits & left.keys()]
        if not free:
            raise EcsClientException("Cycle detected in the container dependencies.")
        for name in free:
            del left[name]
