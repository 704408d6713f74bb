"""CloudWatch Logs: names as AWS takes them, and lines as AWS finds them."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogsBackend
from moto.logs.responses import LogsResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab

EVENTS_A_PAGE = 10_000
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

    @patch(LogsResponse)
    def filter_log_events(self: Any) -> str:
        return json.dumps(_filtered(self.logs_backend, self._get_param))


def _filtered(backend: LogsBackend, param: Any) -> dict[str, Any]:
    """Always interleaved, in the order of time, from either end."""
    group = backend.groups.get(param("logGroupName"))
    if group is None:
        raise ResourceNotFoundException("The specified log group does not exist.")
    names, prefix = param("logStreamNames") or [], param("logStreamNamePrefix")
    if names and prefix:
        raise InvalidParameterException(
            msg="LogStreamNames and LogStreamNamePrefix cannot both be specified."
        )
    if any(name not in group.streams for name in names):
        raise ResourceNotFoundException("The specified log stream does not exist.")
    chosen = names or [name for name in group.streams if name.startswith(prefix or "")]
    search = (param("startTime"), param("endTime"), param("filterPattern"))
    events = [event for name in chosen for event in group.streams[name].filter_log_events(*search)]
    is_reversed = param("startFromHead") is False
    events.sort(key=_place_in_time, reverse=is_reversed)
    if token := param("nextToken"):
        last = tuple(int(part) for part in token.split("-"))
        events = [e for e in events if (_place_in_time(e) < last) is is_reversed]
        events = [e for e in events if _place_in_time(e) != last]
    shown = events[: param("limit") or EVENTS_A_PAGE]
    more = len(events) > len(shown)
    return {
        "events": shown,
        "searchedLogStreams": [],
        **({"nextToken": "-".join(map(str, _place_in_time(shown[-1])))} if more else {}),
    }


def _place_in_time(event: dict[str, Any]) -> tuple[int, int]:
    return int(event["timestamp"]), int(event["eventId"])
