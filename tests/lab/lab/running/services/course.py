"""The stages that a deployment goes through which brings its own tasks up beside those that serve.

ECS API reference, `ServiceDeployment`, `LinearConfiguration`, `CanaryConfiguration`; developer guide,
"Amazon ECS blue/green service deployments workflow".
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from lab.running.services.settings import DeploymentConfiguration

RECONCILE = "RECONCILE_SERVICE"
PRE_SCALE_UP = "PRE_SCALE_UP"
SCALE_UP = "SCALE_UP"
POST_SCALE_UP = "POST_SCALE_UP"
TEST_SHIFT = "TEST_TRAFFIC_SHIFT"
POST_TEST_SHIFT = "POST_TEST_TRAFFIC_SHIFT"
PRE_SHIFT = "PRE_PRODUCTION_TRAFFIC_SHIFT"
SHIFT = "PRODUCTION_TRAFFIC_SHIFT"
POST_SHIFT = "POST_PRODUCTION_TRAFFIC_SHIFT"
BAKE = "BAKE_TIME"
CLEAN_UP = "CLEAN_UP"
ALL = 100.0


class Stage(NamedTuple):
    """One stage: how much of the production traffic the new tasks have from it on, where it changes
    that, and how many minutes it lasts beyond its work.
    """

    name: str
    share: float | None = None
    minutes: float = 0


@dataclass
class Course:
    """How far such a deployment is."""

    stages: list[Stage]
    position: int = 0
    entered: float = field(default_factory=time.monotonic)
    # The same by the lab's clock.
    since: datetime | None = None
    # Since when its role is not let do what this stage needs.
    denied: float | None = None
    is_begun: bool = False
    share: float = 0.0
    test_share: float = 0.0

    @property
    def stage(self) -> Stage:
        """Where it is."""
        return self.stages[self.position]

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after this stage."""
        return self.position + 1 == len(self.stages)

    @property
    def starts_tasks(self) -> bool:
        """Whether its own tasks are to run by now."""
        return self.was_in(SCALE_UP)

    def was_in(self, stage: str) -> bool:
        """Whether it has begun with a stage."""
        reached = self.stages[: self.position + self.is_begun]
        return any(it.name == stage for it in reached)

    def is_too_long(self, now: datetime, longest: timedelta) -> bool:
        """Whether it is in its stage for longer than this."""
        self.since = self.since or now
        return now - self.since > longest

    def go_on(self, now: datetime) -> datetime:
        """Enters the next stage; says when."""
        self.position += 1
        self.entered, self.since, self.denied = time.monotonic(), now, None
        self.is_begun = False
        return now


def plan(configuration: DeploymentConfiguration, reconciles: bool) -> list[Stage]:
    """The stages in their order; the first where there is more than one revision to replace."""
    before = (PRE_SCALE_UP, SCALE_UP, POST_SCALE_UP, TEST_SHIFT, POST_TEST_SHIFT)
    stages = [Stage(name) for name in ((RECONCILE, *before) if reconciles else before)]
    for share, minutes in _shifts(configuration):
        stages += [Stage(PRE_SHIFT), Stage(SHIFT, share, minutes)]
    bake = Stage(BAKE, minutes=float(configuration.get("bakeTimeInMinutes") or 0))
    return [*stages, Stage(POST_SHIFT), bake, Stage(CLEAN_UP)]


def _shifts(configuration: DeploymentConfiguration) -> Iterator[tuple[float, float]]:
    """The shares of the new tasks one after the other, and how long each lasts; nothing is waited for
    after the last one.
    """
    if configuration.get("strategy") == "LINEAR":
        linear = configuration["linearConfiguration"]
        step, number = float(linear["stepPercent"]), 1
        while (share := round(step * number, 1)) < ALL:
            yield share, float(linear["stepBakeTimeInMinutes"])
            number += 1
    if configuration.get("strategy") == "CANARY":
        canary = configuration["canaryConfiguration"]
        if float(canary["canaryPercent"]) < ALL:
            yield float(canary["canaryPercent"]), float(canary["canaryBakeTimeInMinutes"])
    yield ALL, 0
