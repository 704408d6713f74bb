"""What AWS does to a client who is hasty or greedy, in parts that are switched one by one.

A late part answers as if a thing were not there yet while the thing is younger than the part's
duration, and never for less than a second, whatever the scale. A limit is there or is not.
"""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from lab.world.times import Timers

SHORTEST = 1.0
# What one service sees later than another: later even where the scale makes all of them short.
SHORTEST_OF = {"network-elsewhere": 2.0, "schedule-group": 2.0}
# The late parts, each with its entry in the table of durations.
LATE = {
    "describe-after-create": "consistency.describe",
    "changed-attribute": "consistency.describe",
    "second-call": "consistency.describe",
    "network-elsewhere": "consistency.network",
    "address": "consistency.address",
    "role": "consistency.role",
    "role-definition": "consistency.role-policy",
    "role-policy": "consistency.role-policy",
    "linked-role": "consistency.linked-role",
    "cluster": "consistency.describe",
    "service": "consistency.describe",
    "scalable-target": "consistency.describe",
    "schedule-group": "schedule-group.deleting",
    "state-machine": "consistency.describe",
    "task": "consistency.describe",
    "log-lines": "consistency.describe",
    "target-group": "consistency.describe",
    "certificate": "consistency.describe",
    "certificate-in-use": "consistency.certificate-in-use",
    "issued-certificate": "consistency.certificate",
    "validation-record": "consistency.validation-record",
    "zone-change": "consistency.zone-change",
    "alarm": "consistency.describe",
    "topic": "consistency.topic",
    "tag-index": "consistency.tag-index",
    "secret-name": "consistency.secret-name",
    "parameter-name": "consistency.parameter-name",
    "queue": "consistency.queue",
    "rule": "consistency.describe",
    "queue-name": "consistency.queue-name",
    "queue-attributes": "consistency.queue-attributes",
}
LIMITS = ("quotas", "buckets", "pages")
PARTS = (*LATE, *LIMITS)


def parts_of(text: str) -> frozenset[str]:
    """Reads `all`, `none` or names between commas; ValueError names the one nobody knows."""
    names = {"all": set(PARTS), "none": set()}.get(text)
    if names is None:
        names = set(text.split(","))
    _check(names)
    return frozenset(names)


class Strict:
    """Which parts are on, and how old each thing is."""

    def __init__(self, at_first: frozenset[str], timers: Timers) -> None:
        self._at_first = at_first
        self._timers = timers
        self._made: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._on: set[str] = set()
        self.reset()

    def reset(self) -> None:
        """Goes back to what the command line said."""
        self._on = set(self._at_first)

    def is_on(self, part: str) -> bool:
        """Whether a part is on."""
        return part in self._on

    def switch(self, wanted: dict[str, bool]) -> None:
        """Switches parts on and off; ValueError names the one nobody knows."""
        _check(set(wanted))
        self._on |= {part for part, on in wanted.items() if on}
        self._on -= {part for part, on in wanted.items() if not on}

    def public(self) -> dict[str, bool]:
        """Every part, for `GET /_lab/strict`."""
        return {part: part in self._on for part in PARTS}

    def made(self, thing: Any) -> None:
        """Notes when a thing was made; the first time counts."""
        self._made.setdefault(thing, time.monotonic())

    def is_fresh(self, part: str, thing: Any) -> bool:
        """Whether a late part does not know the thing yet."""
        began = self._made.get(thing)
        return began is not None and time.monotonic() - began < self.seconds(part)

    def seconds(self, part: str) -> float:
        """How long a late part lags; 0 when it is off."""
        if part not in self._on:
            return 0.0
        return max(self._timers.seconds(LATE[part]), SHORTEST_OF.get(part, SHORTEST))


def _check(names: set[str]) -> None:
    if unknown := sorted(names - set(PARTS)):
        raise ValueError(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
