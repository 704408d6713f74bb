"""In which order the containers of a task start and stop.

ECS API reference, `ContainerDependency`: what a container waits for, and the reverse when the task
stops.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.running.tasks.container import Container


def may_start(container: Container, beside: Iterable[Container]) -> bool:
    """Whether all that it waits for is so far."""
    return all(_is_met(other, condition) for other, condition in _waits(container, beside))


def never_starts(container: Container, beside: Iterable[Container]) -> bool:
    """Whether something that it waits for cannot happen any more."""
    for other, condition in _waits(container, beside):
        ended = other.poll()
        if ended is None:
            continue
        if condition == "HEALTHY" and other.health != "HEALTHY":
            return True
        if condition == "SUCCESS" and ended != 0:
            return True
    return False


def to_stop(containers: list[Container]) -> list[Container]:
    """Those that waited for others come before these."""
    left, ordered = list(containers), []
    while left:
        awaited = {other.name for it in left for other, _ in _waits(it, left)}
        free = [it for it in left if it.name not in awaited] or left
        ordered += free
        left = [it for it in left if it not in free]
    return ordered


def _is_met(other: Container, condition: str) -> bool:
    ended = other.poll()
    if condition == "HEALTHY":
        return other.health == "HEALTHY"
    if condition == "START":
        return other.status != "PENDING"
    return ended is not None and (condition == "COMPLETE" or ended == 0)


def _waits(container: Container, beside: Iterable[Container]) -> list[tuple[Container, str]]:
    named = {other.name: other for other in beside}
    return [
        (named[item["containerName"]], item["condition"])
        for item in container.definition.get("dependsOn") or []
        if item["containerName"] in named
    ]
