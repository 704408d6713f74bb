"""What EventBridge Scheduler refuses in a schedule."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError

from lab.aws.common.model_check import problems
from lab.aws.common.schedules import comes_once, is_valid, is_zone
from lab.running.schedules.schedule import Schedule
from lab.running.schedules.targets import CLUSTER, agent, knows

UNTRUSTED = (
    "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
)


class Invalid(JsonRESTError):
    """The request is none."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class Conflict(JsonRESTError):
    """The name is taken, or the thing is on its way out."""

    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ConflictException", message)


class Missing(JsonRESTError):
    """It is not there."""

    code = 404

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFoundException", message)


def check_members(operation: str, members: dict[str, Any]) -> None:
    """Holds a request against the service's model."""
    if found := problems("scheduler", operation, members):
        raise Invalid(f"{len(found)} validation error detected: {'; '.join(found)}")


def check_schedule(schedule: Schedule, now: float) -> None:
    """Refuses expressions, windows, dates, targets and roles that are none."""
    settings = schedule.settings
    expression, zone = settings["ScheduleExpression"], settings["ScheduleExpressionTimezone"]
    if not is_valid(expression):
        raise Invalid(f"Invalid Schedule Expression {expression}.")
    if not is_zone(zone):
        raise Invalid(f"Invalid Schedule Expression Timezone {zone}.")
    _check_window(settings["FlexibleTimeWindow"])
    if not comes_once(expression):
        _check_dates(settings, now)
    _check_target(settings["Target"])
    if not agent(schedule).is_trusted():
        raise Invalid(UNTRUSTED)


def _check_window(window: dict[str, Any]) -> None:
    minutes = window.get("MaximumWindowInMinutes")
    if window["Mode"] == "FLEXIBLE" and minutes is None:
        raise Invalid("MaximumWindowInMinutes must be provided for a FLEXIBLE time window.")
    if window["Mode"] == "OFF" and minutes is not None:
        raise Invalid("MaximumWindowInMinutes must not be provided where the time window is OFF.")


def _check_dates(settings: dict[str, Any], now: float) -> None:
    start, end = settings.get("StartDate"), settings.get("EndDate")
    if start is not None and start < now - 300:
        raise Invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end is not None and end <= max(now, start or now):
        raise Invalid("The EndDate you specify must come after the StartDate and the current time.")


def _check_target(target: dict[str, Any]) -> None:
    arn = str(target["Arn"])
    if not knows(arn):
        raise NotImplementedError(f"a schedule that starts {arn}")
    has_parameters = "EcsParameters" in target
    if has_parameters != (CLUSTER in arn):
        raise Invalid(f"EcsParameters do not suit the target {arn}.")
    dead_letters = str((target.get("DeadLetterConfig") or {}).get("Arn"))
    if dead_letters.endswith(".fifo"):
        raise Invalid("The dead-letter queue must be a standard queue.")
