"""A schedule and its group, as EventBridge Scheduler keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.aws.common.schedules import comes_once, moments
from lab.world.places import Place

Settings = dict[str, Any]
DEFAULTS: Settings = {
    "ScheduleExpressionTimezone": "UTC",
    "State": "ENABLED",
    "ActionAfterCompletion": "NONE",
}
RETRIES: dict[str, int] = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
# What a request names a schedule by; it is none of its settings.
NAMES = ("Name", "GroupName", "ClientToken")


@dataclass(eq=False)
class Schedule:
    """What it starts, and when; `began` is what rates count from."""

    place: Place
    group: str
    name: str
    settings: Settings
    created: float
    changed: float = 0.0
    began: float = 0.0

    def __post_init__(self) -> None:
        self.changed = self.began = self.created

    @property
    def arn(self) -> str:
        """Its ARN, in which its group stands."""
        return self.place.arn("scheduler", f"schedule/{self.group}/{self.name}")

    @property
    def group_arn(self) -> str:
        """What its role may be narrowed to."""
        return self.place.arn("scheduler", f"schedule-group/{self.group}")

    @property
    def target(self) -> Settings:
        """What it starts."""
        found: Settings = self.settings["Target"]
        return found

    @property
    def vanishes(self) -> bool:
        """Whether it goes once it has come round for the last time."""
        return bool(self.settings["ActionAfterCompletion"] == "DELETE")

    def update(self, settings: Settings, now: float) -> None:
        """Replaces all that it is; a rate counts anew when it is another one."""
        if settings["ScheduleExpression"] != self.settings["ScheduleExpression"]:
            self.began = now
        self.settings, self.changed = settings, now

    def due(self, last: float, now: float) -> list[float]:
        """When it came round between two looks."""
        if self.settings["State"] != "ENABLED":
            return []
        expression, zone = self.settings["ScheduleExpression"], self.settings[ZONE]
        if comes_once(expression):
            return moments(expression, zone, self.began, last, now)
        start = self.settings.get("StartDate") or self.began
        last = max(last, start - 1)
        now = min(now, self.settings.get("EndDate") or now)
        return moments(expression, zone, start, last, now, at_once=True)

    def is_over(self, now: float) -> bool:
        """Whether it never comes round again, having been due."""
        expression, zone = self.settings["ScheduleExpression"], self.settings[ZONE]
        if comes_once(expression):
            return bool(moments(expression, zone, 0.0, self.created - 1, now))
        end = self.settings.get("EndDate")
        return end is not None and end <= now


ZONE = "ScheduleExpressionTimezone"


@dataclass(eq=False)
class Group:
    """A group of schedules, which carries their tags."""

    place: Place
    name: str
    created: float
    tags: dict[str, str] = field(default_factory=dict)
    state: str = "ACTIVE"
    schedules: dict[str, Schedule] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.place.arn("scheduler", f"schedule-group/{self.name}")


def complete(request: Settings) -> Settings:
    """The settings of a request with AWS's defaults."""
    settings = {
        **DEFAULTS,
        **{k: v for k, v in request.items() if k not in NAMES and v is not None},
    }
    target = dict(settings["Target"])
    target["RetryPolicy"] = {**RETRIES, **(target.get("RetryPolicy") or {})}
    return settings | {"Target": target}
