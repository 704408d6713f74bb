"""The health check of a container: its interval, its retries, and its start period."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.running.tasks.container import Container
    from lab.world.lab import Lab

SHORTEST_INTERVAL = 0.1


class Checks:
    """When the check of one container runs, and what it makes of it."""

    def __init__(self, lab: Lab, container: Container) -> None:
        self._container = container
        self._failures = 0
        check = container.health_check or {}
        scale = lab.options.scale
        self._interval = max(float(check.get("interval") or 30) * scale, SHORTEST_INTERVAL)
        self._retries = int(check.get("retries") or 3)
        self._grace_ends = time.monotonic() + float(check.get("startPeriod") or 0) * scale
        self._next = time.monotonic() + SHORTEST_INTERVAL

    def tick(self) -> None:
        """Runs the check when it is due."""
        if self._container.health_check is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._interval
        if self._container.check():
            self._failures = 0
            self._container.health = "HEALTHY"
        elif time.monotonic() > self._grace_ends:
            self._failures += 1
            if self._failures >= self._retries:
                self._container.health = "UNHEALTHY"
