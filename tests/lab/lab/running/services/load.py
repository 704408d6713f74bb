"""What the tasks of services have to do, minute for minute: their CPU, their memory, their requests.

A minute is as much shorter as the scale makes AWS's waits, and never less than a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from lab.running.balancers.targets import Targets
from lab.running.services.scheduler import Services
from lab.world.usage import cpu_seconds, resident_bytes

if TYPE_CHECKING:
    from lab.running.services.service import Service
    from lab.running.tasks.task import Task
    from lab.world.lab import Lab

SHORTEST_MINUTE = 1.0
MIB = 1024 * 1024
UNITS_A_CORE = 1024


@dataclass(frozen=True)
class Load:
    """What a service had to do in one minute: in percent for each task, and requests for each target
    of a group.
    """

    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    requests: dict[str, float] = field(default_factory=dict)


Watcher = Callable[["Service", Load], None]


class Loads:
    """The thread that measures, and who is told."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.watchers: list[Watcher] = []
        # Called after each minute, without the lab's lock.
        self.each_minute: list[Callable[[], None]] = []
        self._spent: dict[str, float] = {}
        self._served: dict[str, int] = {}
        lab.parts["loads"] = self
        lab.resets.append(self._forget)
        threading.Thread(target=self._run, name="loads", daemon=True).start()

    @property
    def minute(self) -> float:
        """How long a minute is."""
        return max(60 * self._lab.options.scale, SHORTEST_MINUTE)

    def _forget(self) -> None:
        self._spent.clear()
        self._served.clear()

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(self.minute)
            now = time.monotonic()
            if not self._lab.options.hollow:
                with self._lab.lock:
                    self._lab.guard("loads", partial(self._measure, now - last))
                for look in self.each_minute:
                    self._lab.guard("measures", look)
            last = now

    def _measure(self, seconds: float) -> None:
        spent: dict[str, float] = {}
        for service in self._lab.part(Services).all():
            if service.status != "ACTIVE":
                continue
            tasks = [task for task in service.present if task.last_status == "RUNNING"]
            spent.update({task.id: cpu_seconds(_processes(task)) for task in tasks})
            load = Load(
                [
                    (spent[task.id] - self._spent[task.id]) / seconds / _cores(task) * 100
                    for task in tasks
                    if task.id in self._spent
                ],
                [_memory(task) for task in tasks],
                dict(self._requests(service, seconds)),
            )
            for watcher in self.watchers:
                watcher(service, load)
        self._spent = spent

    def _requests(self, service: Service, seconds: float) -> Iterator[tuple[str, float]]:
        """Of each target group of the service, those that each of its targets had."""
        targets = self._lab.part(Targets)
        for balanced in service.primary.balanced:
            group = balanced.get("targetGroupArn")
            if not group:
                continue
            served = targets.served(group)
            before = self._served.get(group, served)
            self._served[group] = served
            healthy = sum(1 for target in targets.of(group) if target.state[0] == "healthy")
            if healthy:
                yield group, (served - before) / healthy / seconds * self.minute


def _memory(task: Task) -> float:
    """How much of its memory it has taken, in percent."""
    taken = resident_bytes(_processes(task)) / MIB
    return taken / int(task.launch.definition.memory or 512) * 100


def _cores(task: Task) -> float:
    return int(task.launch.definition.cpu or 256) / UNITS_A_CORE


def _processes(task: Task) -> Iterator[int]:
    for container in task.containers:
        yield from container.processes()
