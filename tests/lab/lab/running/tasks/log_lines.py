"""Lines that tasks write into the groups of CloudWatch Logs."""

from __future__ import annotations

import time
from typing import Any

from moto.logs.models import LogsBackend, logs_backends

from lab.world.places import Place


def has_group(place: Place, group: str) -> bool:
    """Whether a log group exists."""
    backend: LogsBackend = logs_backends[place.account][place.region]
    return group in backend.groups


def create_group(place: Place, group: str) -> None:
    """Makes a log group unless it is there."""
    backend: LogsBackend = logs_backends[place.account][place.region]
    if group not in backend.groups:
        backend.create_log_group(group, {})


def write(
    place: Place, group: str, stream: str, lines: list[str], said: float | None = None
) -> None:
    """Appends lines to a stream, which is made when it is not there; `said` is when they were."""
    backend: LogsBackend = logs_backends[place.account][place.region]
    if group not in backend.groups:
        return
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    now = int((said or time.time()) * 1000)
    events: list[dict[str, Any]] = [{"timestamp": now, "message": line} for line in lines]
    backend.put_log_events(group, stream, events)
