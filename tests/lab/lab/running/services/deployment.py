"""One deployment of a service: what it runs, how far it is, and whether the circuit breaker trips."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from lab.running.services import course, traffic
from lab.running.services.alarms import Watch
from lab.running.services.course import Course
from lab.running.services.pauses import WAITS, Pause
from lab.running.services.settings import (
    BalancedPort,
    CircuitBreaker,
    DeploymentConfiguration,
    Settings,
)
from lab.running.tasks.shapes import ContainerDefinition
from lab.running.tasks.task import Task
from lab.world.places import of_arn

if TYPE_CHECKING:
    from moto.ecs.models import TaskDefinition

LONG_ID_DIGITS = 19
# The states of a service deployment that is not over.
ONGOING = ("IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


@dataclass
class Deployment:
    """A revision of a service being brought up, running, or being taken down."""

    definition: TaskDefinition
    settings: Settings
    desired: int
    service_arn: str
    id: str = ""
    status: str = "PRIMARY"
    rollout: str = "IN_PROGRESS"
    reason: str = ""
    record: str = "IN_PROGRESS"
    record_reason: str = ""
    failed: int = 0
    total_failed: int = 0
    breaker: str = "MONITORING"
    tasks: list[Task] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished: datetime | None = None
    next_start: float = 0.0
    replaces: list[str] = field(default_factory=list)
    # The revision that it was given up for, and since when.
    rolled_back_to: str | None = None
    rolled_back_at: datetime | None = None
    # Whether the service has come back to it.
    is_back: bool = False
    # Since when all of its tasks are healthy, and no others are left.
    stable: float | None = None
    course: Course | None = None
    # Whether its tasks stay beside those of the one that is to follow it.
    is_kept: bool = False
    pauses: list[Pause] = field(default_factory=list)
    # The addresses and names of what its tasks see of Service Connect.
    hosts: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        digits = "".join(random.choice("0123456789") for _ in range(LONG_ID_DIGITS))
        self.id = self.id or f"ecs-svc/{digits}"
        self.reason = self.reason or f"ECS deployment {self.id} in progress."
        self.watch = Watch(of_arn(self.service_arn), self.configuration)
        if self.has_stages:
            reconciles = len(self.replaces) > 1
            self.course = Course(course.plan(self.configuration, reconciles))

    @property
    def configuration(self) -> DeploymentConfiguration:
        """How it goes."""
        return self.settings.get("deploymentConfiguration") or {}

    @property
    def has_stages(self) -> bool:
        """Whether it brings all of its tasks up beside those that serve."""
        return self.configuration.get("strategy", "ROLLING") != "ROLLING"

    @property
    def is_ongoing(self) -> bool:
        """Whether its service deployment is not over."""
        return self.record in ONGOING

    @property
    def is_staged(self) -> bool:
        """Whether it is in one of its stages."""
        return self.has_stages and self.is_ongoing and self.rolled_back_to is None

    @property
    def is_held(self) -> bool:
        """Whether its tasks are not to start yet."""
        if not self.is_ongoing:
            return False
        if self.is_staged and self.course:
            return not self.course.starts_tasks
        return not self.tasks and any(pause.status == WAITS for pause in self.pauses)

    @property
    def balanced(self) -> list[BalancedPort]:
        """The ports that are targets, and in which groups: the other ones of their pairs where it is to
        take over from the tasks that serve.
        """
        return traffic.balanced(self.settings, is_other=self.has_stages)

    @property
    def number(self) -> str:
        """The id without its prefix."""
        return self.id.split("/")[1]

    @property
    def revision_arn(self) -> str:
        """The service revision it brings up."""
        return f"{self.service_arn.replace(':service/', ':service-revision/')}/{self.number}"

    @property
    def record_arn(self) -> str:
        """Its entry among the service deployments."""
        return f"{self.service_arn.replace(':service/', ':service-deployment/')}/{self.number}"

    @property
    def present(self) -> list[Task]:
        """Tasks that were not told to stop."""
        return [task for task in self.tasks if task.desired_status == "RUNNING"]

    @property
    def running(self) -> int:
        """Tasks that run."""
        return sum(1 for task in self.tasks if task.last_status == "RUNNING")

    @property
    def pending(self) -> int:
        """Tasks that are on their way."""
        return sum(1 for task in self.present if task.last_status != "RUNNING")

    @property
    def requested(self) -> int:
        """How many tasks it is to have."""
        return self.desired if self.status == "PRIMARY" or self.is_kept else 0

    def ports(self) -> dict[str, int]:
        """Its containers' ports that have names."""
        definitions = cast("list[ContainerDefinition]", self.definition.container_definitions)
        return {
            str(mapping["name"]): int(mapping["containerPort"])
            for container in definitions
            for mapping in container.get("portMappings") or []
            if mapping.get("name")
        }

    def finish(self, rollout: str, reason: str, record: str) -> None:
        """Ends the rollout, well or badly."""
        self.rollout, self.reason, self.record, self.record_reason = rollout, reason, record, reason
        self.finished = self.updated = datetime.now(UTC)
        self.breaker = "MONITORING_COMPLETE" if rollout == "COMPLETED" else "TRIGGERED"

    def threshold(self) -> int:
        """How many failed tasks trip the circuit breaker."""
        configuration = breaker_of(self.settings).get("thresholdConfiguration") or {}
        kind, value = configuration.get("type", "BOUNDED_PERCENT"), configuration.get("value", 50)
        if kind == "COUNT":
            return max(int(value), 1)
        share = math.ceil(self.desired * float(value) / 100)
        return max(share, 1) if kind == "UNBOUNDED_PERCENT" else min(max(share, 3), 200)

    def describe(self) -> dict[str, Any]:
        """As it stands in a service's `deployments`."""
        return {
            "id": self.id,
            "status": self.status,
            "taskDefinition": self.definition.arn,
            "desiredCount": self.requested,
            "pendingCount": self.pending,
            "runningCount": self.running,
            "failedTasks": self.failed,
            "createdAt": self.created,
            "updatedAt": self.updated,
            **self.capacity(),
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "networkConfiguration": self.settings.get("networkConfiguration"),
            "rolloutState": self.rollout,
            "rolloutStateReason": self.reason,
            **self._connect(),
        }

    def _connect(self) -> dict[str, Any]:
        """What it does with Service Connect; nothing where that was never said."""
        configuration = self.settings.get("serviceConnectConfiguration")
        return {"serviceConnectConfiguration": configuration} if configuration else {}

    def capacity(self) -> dict[str, Any]:
        """The strategy or the launch type, whichever its settings have."""
        if strategy := self.settings.get("capacityProviderStrategy"):
            return {"capacityProviderStrategy": strategy}
        return {"launchType": self.settings.get("launchType") or "FARGATE"}


def breaker_of(settings: Settings) -> CircuitBreaker:
    """The circuit breaker part of a service's settings."""
    configuration = settings.get("deploymentConfiguration") or {}
    return configuration.get("deploymentCircuitBreaker") or {}
