"""Requests to EventBridge Scheduler as they are read, and its pages."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from lab.aws.common.pages import page
from lab.aws.common.parameters import parameters
from lab.aws.scheduler.checks import Invalid, Missing, check_members
from lab.http import rest
from lab.http.calls import Call
from lab.running.schedules.roster import DEFAULT, Schedules
from lab.running.schedules.schedule import Group
from lab.world.places import of_request

PAGE = 100
Members = dict[str, Any]


def asked(response: Any) -> Members:
    """The members of a request, which are as the model wants them."""
    method, path = response.method, response.raw_path
    found = rest.asked("scheduler", method, path)
    if found is None:
        raise Invalid(f"no operation is at {method} {path}")
    place, body = of_request(response), response.body or b""
    target = f"{path}?{urlsplit(response.uri).query}"
    call = Call("scheduler", found.operation, *place, found.protocol, body, "", method, target)
    members = parameters(call)
    check_members(found.operation, members)
    return members


def group_of(response: Any, schedules: Schedules, name: str | None) -> Group:
    """The group that a request names, or the default one."""
    group = schedules.groups(of_request(response)).get(name or DEFAULT)
    if group is None:
        raise Missing(f"Schedule group {name} does not exist.")
    return group


def tagged_group(response: Any, schedules: Schedules, arn: str) -> Group:
    """The group that an ARN names."""
    for group in schedules.groups(of_request(response)).values():
        if group.arn == arn:
            return group
    raise Missing(f"Schedule group {arn.rsplit('/', 1)[-1]} does not exist.")


def answer(members: Members) -> str:
    """An answer without what is not there."""
    return json.dumps({name: value for name, value in members.items() if value is not None})


def listed(name: str, items: list[Members], request: Members) -> str:
    """One page of a list."""
    try:
        shown, following = page(items, request.get("NextToken"), request.get("MaxResults"), PAGE)
    except ValueError:
        raise Invalid("Invalid NextToken.") from None
    return answer({name: shown, "NextToken": following})
