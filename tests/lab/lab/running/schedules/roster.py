"""All schedules of the lab, and the thread that lets them come round."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from moto.scheduler.models import scheduler_backends as backends

from lab.running.schedules.invocations import Invocations
from lab.running.schedules.schedule import Group, Schedule
from lab.world.places import Place, everywhere

if TYPE_CHECKING:
    from lab.world.lab import Lab

LOOK_SECONDS = 0.1
# How often one comes round where the clock was put far ahead.
MOST_AT_ONCE = 100
DEFAULT = "default"


class Schedules:
    """Groups and what is inside of them, which lie where moto has its own."""

    def __init__(self, lab: Lab, invocations: Invocations) -> None:
        self._lab = lab
        self._invocations = invocations
        self._last = lab.clock.now()
        lab.resets.append(self._reset)
        lab.parts["schedules"] = self
        threading.Thread(target=self._run, name="scheduler", daemon=True).start()

    def groups(self, place: Place) -> dict[str, Group]:
        """The groups of a place; the default one is AWS's own."""
        groups: dict[str, Any] = backends[place.account][place.region].schedule_groups
        if not isinstance(groups[DEFAULT], Group):
            groups[DEFAULT] = Group(place, DEFAULT, self._lab.clock.now())
        return groups

    def remove_group(self, group: Group) -> None:
        """Deletes a group; until it is gone, what is inside comes round as before."""
        group.state = "DELETING"

        def gone() -> None:
            if self.groups(group.place).get(group.name) is group:
                del self.groups(group.place)[group.name]

        strict = self._lab.strict.seconds("schedule-group")
        self._lab.timers.after(
            max(self._lab.timers.seconds("schedule-group.deleting"), strict), gone
        )

    def named(self, place: Place, name: str) -> Schedule:
        """A schedule by the names of its group and its own, `jobs/nightly`; ValueError without one."""
        group, _, own = name.rpartition("/")
        found = self.groups(place).get(group or DEFAULT)
        if found is None or own not in found.schedules:
            raise ValueError(f"there is no schedule {name}")
        return found.schedules[own]

    def fire(self, schedule: Schedule) -> None:
        """Lets one come round now."""
        self._invocations.begin(schedule, self._lab.clock.now())

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._lab.lock:
                self._lab.guard("scheduler", self._look)

    def _look(self) -> None:
        last, now = self._last, self._lab.clock.now()
        self._last = now
        for group, schedule in _all():
            for moment in schedule.due(last, now)[-MOST_AT_ONCE:]:
                begin = partial(self._invocations.begin, schedule, moment)
                self._lab.timers.after(self._flexible(schedule.settings), begin)
            if schedule.vanishes and schedule.is_over(now):
                group.schedules.pop(schedule.name, None)

    def _flexible(self, settings: dict[str, Any]) -> float:
        """How long after its time it starts: somewhere in its window."""
        window = settings["FlexibleTimeWindow"].get("MaximumWindowInMinutes") or 0
        return random.uniform(0, window * 60) * self._lab.options.scale

    def _reset(self) -> None:
        with self._lab.lock:
            self._last = self._lab.clock.now()


def made(place: Place) -> list[Group]:
    """The groups of a place where anything was asked for, but for those that are only AWS's own."""
    account, region = place
    if account not in backends or region not in backends[account].keys():
        return []
    groups: list[Any] = list(backends[account][region].schedule_groups.values())
    return [group for group in groups if isinstance(group, Group)]


def _all() -> Iterator[tuple[Group, Schedule]]:
    for backend in everywhere(backends):
        for group in list(backend.schedule_groups.values()):
            for schedule in list(group.schedules.values()):
                yield group, schedule
