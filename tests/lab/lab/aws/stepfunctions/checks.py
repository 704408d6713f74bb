"""What Step Functions refuses in a state machine, and how it says so."""

from __future__ import annotations

import re
from typing import Any

from moto.core.exceptions import JsonRESTError

from lab.aws.common.model_check import problems
from lab.aws.common.service_roles import NotAllowed
from lab.policies.needs import Need
from lab.running.machines.definition import Invalid, State, read, waits_for_tasks
from lab.running.machines.machine import Machine
from lab.running.machines.roster import Machines

NAME = re.compile(r"^[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}$")
ROLE = re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")
MANAGED_RULE = "rule/StepFunctionsGetEventsForECSTaskRule"
RULE_ACTIONS = ("events:PutRule", "events:PutTargets", "events:DescribeRule")
UNTRUSTED = (
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized "
    "to assume the provided role."
)


class Refusal(JsonRESTError):
    """One of the service's errors."""


def check_request(operation: str, members: dict[str, Any]) -> None:
    """Holds a request against the service's model, but for names, which have an error of their own."""
    found = [one for one in problems("stepfunctions", operation, members) if "name:" not in one]
    if found:
        raise Refusal("ValidationException", f"{len(found)} validation error: {'; '.join(found)}")


def check_name(name: str) -> None:
    """Refuses signs that a name has none of, and more than 80."""
    if not NAME.match(name):
        raise Refusal("InvalidName", f"Invalid Name: '{name}'")


def check_definition(text: str) -> State:
    """Refuses a definition that is none; what the lab does not run is NotImplementedError."""
    try:
        return read(text)
    except Invalid as error:
        raise Refusal("InvalidDefinition", f"Invalid State Machine Definition: '{error}'") from None


def check_role(machines: Machines, machine: Machine, role: str, definition: State) -> None:
    """Refuses a role that Step Functions cannot take, or that may not wait for tasks."""
    if not ROLE.match(role):
        raise Refusal("InvalidArn", f"Invalid Role Arn: '{role}'")
    agent = machines.agent(machine, role)
    if not agent.is_trusted():
        raise Refusal("AccessDeniedException", UNTRUSTED)
    if not waits_for_tasks(definition):
        return
    rule = machine.place.arn("events", MANAGED_RULE)
    try:
        agent.demand(Need(action, rule) for action in RULE_ACTIONS)
    except NotAllowed:
        raise Refusal(
            "AccessDeniedException", f"'{role}' is not authorized to create managed-rule."
        ) from None
