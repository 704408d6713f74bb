"""How long AWS takes, and the one clock that lets things happen later.

Durations are typical real ones in seconds; `--scale` multiplies them, and 0 makes
everything happen at once, before the call that caused it is answered.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

DURATIONS: dict[str, float] = {
    "load-balancer.provisioning": 150,
    "load-balancer.interfaces-linger": 60,
    "vpc.associating": 5,
    "nat-gateway.pending": 100,
    "nat-gateway.deleting": 50,
    "endpoint.creating": 120,
    "endpoint.modifying": 60,
    "endpoint.deleting": 120,
    "endpoint.gateway-deleting": 5,
    "database.creating": 300,
    "database.backing-up": 60,
    "database.modifying": 120,
    "database.storage-optimization": 1800,
    "database.rebooting": 45,
    "database.deleting": 285,
    "database.snapshot": 60,
    "database.secret": 20,
    "cluster.creating": 43,
    "cluster.deleting": 60,
    "cache.creating": 300,
    "cache.modifying": 120,
    "cache.deleting": 180,
    "certificate.records": 5,
    "certificate.issuing": 60,
    "certificate.validation": 72 * 3600,
    "namespace.creating": 4,
    "namespace.deleting": 4,
    "namespace.services-linger": 60,
    "record.in-sync": 30,
    "task.provisioning": 15,
    "task.pending": 10,
    "task.no-way-out": 180,
    "task.dependency": 180,
    "task.exec-agent": 3,
    "task.deprovisioning": 15,
    "task.interface-lingers": 30,
    "schedule-group.deleting": 30,
    "state-machine.deleting": 15,
    "service.draining": 10,
    "service.backoff": 10,
    "deployment.steady": 40,
    "deployment.noticed": 5,
    "deployment.stage": 5,
    "deployment.network-shift": 600,
    "deployment.stopping": 5,
    "deployment.denied": 60,
    "deployment.alarm-poll": 10,
    "subscription.token": 172800,
    "subscription.pending": 259200,
    "consistency.describe": 3,
    "consistency.network": 6,
    "consistency.address": 5,
    "consistency.certificate": 25,
    "consistency.certificate-in-use": 10,
    "consistency.validation-record": 5,
    "consistency.zone-change": 2,
    "consistency.role": 7,
    "consistency.role-policy": 2,
    "consistency.linked-role": 5,
    "consistency.secret-name": 5,
    "consistency.parameter-name": 30,
    "consistency.queue": 1,
    "consistency.queue-name": 60,
    "consistency.queue-attributes": 30,
    "consistency.topic": 10,
    "consistency.tag-index": 10,
    "task-definition.deleting": 60,
}


class Timers:
    """One thread that runs what is due, holding the lab's lock."""

    def __init__(
        self, lock: threading.RLock, scale: float, guard: Callable[[str, Callable[[], None]], bool]
    ) -> None:
        self._lock = lock
        self._scale = scale
        self._guard = guard
        self._due: list[tuple[float, int, int, Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._order = itertools.count()
        self._generation = 0
        threading.Thread(target=self._run, name="timers", daemon=True).start()

    def seconds(self, duration: str) -> float:
        """The scaled length of one entry of the table."""
        return DURATIONS[duration] * self._scale

    def after(self, duration: str | float, action: Callable[[], None]) -> None:
        """Runs `action` when the duration has passed; at once when it is 0."""
        seconds = self.seconds(duration) if isinstance(duration, str) else duration
        if seconds <= 0:
            with self._lock:
                action()
            return
        with self._changed:
            entry = (time.monotonic() + seconds, next(self._order), self._generation, action)
            heapq.heappush(self._due, entry)
            self._changed.notify()

    def forget(self) -> None:
        """Drops everything that was to happen; for a reset."""
        with self._changed:
            self._generation += 1
            self._due.clear()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due:
                    self._changed.wait()
                wait = self._due[0][0] - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, generation, action = heapq.heappop(self._due)
            with self._lock:
                if generation == self._generation:
                    self._guard("timer", action)
