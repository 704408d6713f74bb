"""Which capacity services ask for, and what ECS refuses of it.

ECS API reference, `CapacityProviderStrategyItem`, CreateService, UpdateService. Some words are assumed.
"""

from __future__ import annotations

from typing import Any, cast

from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import Cluster

from lab.running.services.settings import Settings
from lab.running.tasks.placing import PROVIDERS

MOST_WEIGHT, MOST_BASE = 1000, 100000
NOT_FOUND = (
    "The specified capacity provider was not found. Specify a valid name or ARN and try again."
)
BOTH = (
    "Specifying both a launch type and capacity provider strategy is not supported. Remove one and "
    "try again."
)


def check_known(providers: list[str]) -> None:
    """Refuses capacity that Fargate does not have."""
    if not set(providers) <= set(PROVIDERS):
        raise InvalidParameterException(NOT_FOUND)


def of(settings: Settings) -> set[str]:
    """The capacity providers that a service has."""
    return {
        str(item["capacityProvider"]) for item in settings.get("capacityProviderStrategy") or []
    }


def check(request: dict[str, Any], cluster: Cluster) -> None:
    """Refuses a strategy that a cluster has no capacity for."""
    strategy = request.get("capacityProviderStrategy") or []
    if strategy and request.get("launchType"):
        raise InvalidParameterException(BOTH)
    names = [str(item.get("capacityProvider")) for item in strategy]
    check_known(names)
    if len(set(names)) < len(names):
        raise InvalidParameterException("A capacity provider is named more than once.")
    for name in names:
        if name not in (cluster.capacity_providers or []):
            raise InvalidParameterException(
                f"The capacity provider {name} is not associated with the cluster."
            )
    if sum(1 for item in strategy if item.get("base")) > 1:
        raise InvalidParameterException("Only one capacity provider can have a base value.")
    for item in strategy:
        within = 0 <= int(item.get("weight") or 0) <= MOST_WEIGHT
        if not within or not 0 <= int(item.get("base") or 0) <= MOST_BASE:
            raise InvalidParameterException("A weight or base is out of range.")
    if strategy and not any(item.get("weight") for item in strategy):
        raise InvalidParameterException("At least one capacity provider must have a weight.")


def apply(settings: Settings, request: dict[str, Any], had_launch_type: bool) -> None:
    """Puts a strategy into the settings of a service; an empty one is its launch type again."""
    strategy = request.get("capacityProviderStrategy")
    if strategy is None:
        return
    if not strategy and not had_launch_type:
        raise InvalidParameterException(
            "The capacity provider strategy cannot be empty: the service has no launch type."
        )
    shown = [{"weight": 0, "base": 0, **item} for item in strategy]
    changed = cast("dict[str, Any]", settings)
    changed["capacityProviderStrategy"] = shown
    changed["launchType"] = None if shown else "FARGATE"
