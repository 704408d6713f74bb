"""What requests to Step Functions name, and its pages."""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult

from lab.aws.common.pages import page
from lab.aws.stepfunctions.checks import Refusal
from lab.running.machines.machine import Machine
from lab.running.machines.roster import Machines
from lab.world.places import of_request

PAGE, MOST = 100, 1000


def members(response: Any) -> dict[str, Any]:
    """The members of a request."""
    found: dict[str, Any] = json.loads(response.body or "{}")
    return found


def machine_of(response: Any, machines: Machines) -> Machine:
    """The state machine that a request names."""
    arn = response._get_param("stateMachineArn")
    if found := next((it for it in machines.of(of_request(response)) if it.arn == arn), None):
        return found
    if not str(arn).startswith("arn:") or ":stateMachine:" not in arn:
        raise Refusal("InvalidArn", f"Invalid Arn: '{arn}'")
    raise Refusal("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def listed(response: Any, name: str, items: list[dict[str, Any]]) -> ActionResult:
    """One page of a list."""
    wanted = response._get_int_param("maxResults") or PAGE
    try:
        shown, following = page(items, response._get_param("nextToken"), wanted, MOST)
    except ValueError:
        raise Refusal("InvalidToken", "Invalid Token: 'Invalid token'") from None
    return ActionResult({name: shown, "nextToken": following})
