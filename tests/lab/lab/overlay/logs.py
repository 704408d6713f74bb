"""CloudWatch Logs: names as AWS takes them, and a way for tasks to write."""

from __future__ import annotations

import re
import time
from typing import Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogsBackend, logs_backends

from lab.patching import patch
from lab.places import Place
from lab.world import Lab

NAME = re.compile(r"^[.\-_/#A-Za-z0-9]{1,512}$")


def install(lab: Lab) -> None:
    """Patches moto's log groups."""

    @patch(LogsBackend)
    def create_log_group(
        original: Any, self: Any, log_group_name: str, *args: Any, **kwargs: Any
    ) -> Any:
        if not NAME.match(log_group_name):
            raise InvalidParameterException(
                constraint="Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
                parameter="logGroupName",
                value=log_group_name,
            )
        if log_group_name.startswith("aws/"):
            raise InvalidParameterException(
                msg="Log groups starting with AWS/ are reserved for AWS."
            )
        return original(self, log_group_name, *args, **kwargs)


def has_group(place: Place, group: str) -> bool:
    """Whether a log group exists."""
    backend: LogsBackend = logs_backends[place.account][place.region]
    return group in backend.groups


def create_group(place: Place, group: str) -> None:
    """Makes a log group unless it is there."""
    backend: LogsBackend = logs_backends[place.account][place.region]
    if group not in backend.groups:
        backend.create_log_group(group, {})


def write(place: Place, group: str, stream: str, lines: list[str]) -> None:
    """Appends lines to a stream, which is made when it is not there."""
    backend: LogsBackend = logs_backends[place.account][place.region]
    if group not in backend.groups:
        return
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    now = int(time.time() * 1000)
    events: list[dict[str, Any]] = [{"timestamp": now, "message": line} for line in lines]
    backend.put_log_events(group, stream, events)
