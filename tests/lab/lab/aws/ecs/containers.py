"""What RegisterTaskDefinition refuses of containers together: number, order, shares, mounts.

ECS API reference, `ContainerDefinition`, `ContainerDependency`, `MountPoint`, `Ulimit`; ECS quotas.
The words are assumed.
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
