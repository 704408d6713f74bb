"""CloudWatch Logs: nothing of its own but a way for tasks to write."""

from __future__ import annotations

import time
from typing import Any

from moto.logs.models import LogsBackend, logs_backends

from lab.world import ACCOUNT, Lab


def install(lab: Lab) -> None:
    """Patches nothing: moto's log groups do what is needed."""


def has_group(region: str, group: str) -> bool:
    """Whether a log group exists."""
    backend: LogsBackend = logs_backends[ACCOUNT][region]
    return group in backend.groups


def create_group(region: str, group: str) -> None:
    """Makes a log group unless it is there."""
    backend: LogsBackend = logs_backends[ACCOUNT][region]
    if group not in backend.groups:
        backend.create_log_group(group, {})


def write(region: str, group: str, stream: str, lines: list[str]) -> None:
    """Appends lines to a stream, which is made when it is not there."""
    backend: LogsBackend = logs_backends[ACCOUNT][region]
    if group not in backend.groups:
        return
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    now = int(time.time() * 1000)
    events: list[dict[str, Any]] = [{"timestamp": now, "message": line} for line in lines]
    backend.put_log_events(group, stream, events)
