"""Alarms that let a deployment fail.

ECS developer guide, "How CloudWatch alarms detect Amazon ECS deployment failures": one that is in
`ALARM` when the deployment starts does not count for it.
"""

from __future__ import annotations

import time
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from lab.running.services.settings import DeploymentConfiguration
from lab.world.places import Place

# How long a rolling deployment is watched after it is stable, at most: ECS computes it out of the
# alarms, and says no more of it.
LONGEST_BAKE = 300.0


class Watch:
    """What one deployment makes of its alarms."""

    def __init__(self, place: Place, configuration: DeploymentConfiguration) -> None:
        given = configuration.get("alarms") or {}
        self._place = place
        self.is_on = bool(given.get("enable"))
        self.goes_back = bool(given.get("rollback"))
        self.names = list(given.get("alarmNames") or [])
        self._ignored = self._alarming()
        self._next = 0.0
        self.triggered: list[str] = []

    @property
    def bake(self) -> float:
        """For how many of AWS's seconds they are watched once a rolling deployment is stable."""
        spans = [
            float(alarm.settings.get("Period") or 60)
            * float(alarm.settings.get("EvaluationPeriods") or 1)
            for name, alarm in self._alarms().items()
            if name in self.names
        ]
        return min(max(spans, default=0.0), LONGEST_BAKE) if self.is_on else 0.0

    def look(self, pause: float) -> bool:
        """Asks how they are, when it is time again; whether one went off."""
        if self.is_on and not self.triggered and time.monotonic() >= self._next:
            self._next = time.monotonic() + pause
            self.triggered = [it for it in self._alarming() if it not in self._ignored]
        return bool(self.triggered)

    def describe(self, is_over: bool) -> dict[str, Any]:
        """As it stands in a service deployment."""
        status = "MONITORING_COMPLETE" if is_over else "MONITORING"
        if self.triggered:
            status = "TRIGGERED"
        return {
            "status": status if self.is_on else "DISABLED",
            "alarmNames": self.names,
            "triggeredAlarmNames": self.triggered,
        }

    def _alarming(self) -> list[str]:
        alarms = self._alarms()
        return [name for name in self.names if name in alarms and alarms[name].state == "ALARM"]

    def _alarms(self) -> dict[str, Any]:
        alarms: Any = cloudwatch_backends[self._place.account][self._place.region].alarms
        found: dict[str, Any] = alarms
        return found
