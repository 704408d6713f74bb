"""Points of metrics, kept by what they measure, and statistics of the periods they fall into."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

PERCENTILE = re.compile(r"^p(\d{1,2}(?:\.\d{1,10})?|100)$")
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
# Namespace, name, dimensions.
Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, order=True, slots=True)
class Point:
    """What was measured at one moment: one value so many times, or a set's statistics."""

    at: float
    total: float
    least: float
    most: float
    count: float = 1.0
    unit: str = "None"


class Metrics:
    """The metrics of one place."""

    def __init__(self) -> None:
        self._points: dict[Key, list[Point]] = {}

    def put(self, key: Key, points: Iterable[Point]) -> None:
        """Adds points, in the order of time."""
        kept = self._points.setdefault(key, [])
        for point in points:
            bisect.insort(kept, point)

    def keys(self) -> list[Key]:
        """All metrics that were ever measured."""
        return list(self._points)

    def between(self, key: Key, start: float, end: float, unit: str | None = None) -> list[Point]:
        """The points of a stretch of time, its end left out."""
        kept = self._points.get(key, [])
        first = bisect.bisect_left(kept, start, key=lambda point: point.at)
        last = bisect.bisect_left(kept, end, key=lambda point: point.at)
        return [point for point in kept[first:last] if unit in (None, point.unit)]

    def periods(
        self, key: Key, start: float, end: float, length: float, unit: str | None = None
    ) -> dict[float, list[Point]]:
        """The points by the beginning of their period; periods without points are left out."""
        found: dict[float, list[Point]] = {}
        for point in self.between(key, start, end, unit):
            found.setdefault(point.at // length * length, []).append(point)
        return found


def key_of(metric: Mapping[str, Any]) -> Key:
    """What a request names by namespace, name and dimensions."""
    things = ((str(it["Name"]), str(it["Value"])) for it in metric.get("Dimensions") or [])
    return (str(metric.get("Namespace")), str(metric.get("MetricName")), tuple(sorted(things)))


def is_statistic(name: str) -> bool:
    """Whether the lab knows a statistic."""
    return name in STATISTICS or PERCENTILE.match(name) is not None


def statistic(points: list[Point], name: str) -> float | None:
    """A statistic of points; None for what cannot be said of them."""
    count = sum(point.count for point in points)
    total = sum(point.total for point in points)
    if not points:
        return None
    if found := PERCENTILE.match(name):
        return _percentile(points, float(found[1]))
    return {
        "SampleCount": count,
        "Sum": total,
        "Average": total / count if count else None,
        "Minimum": min(point.least for point in points),
        "Maximum": max(point.most for point in points),
    }.get(name)


def _percentile(points: list[Point], percent: float) -> float | None:
    """Of sets of values there is none, unless all of their values are equal."""
    if any(point.least != point.most for point in points):
        return None
    values = sorted((point.least, point.count) for point in points)
    rank = max(math.ceil(percent / 100 * sum(count for _, count in values)), 1)
    for value, count in values:
        rank -= int(count)
        if rank <= 0:
            return value
    return values[-1][0]


def seconds(moment: datetime | float) -> float:
    """A moment of a request as seconds since 1970; one without a zone is UTC's."""
    if not isinstance(moment, datetime):
        return float(moment)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def moment(at: float) -> datetime:
    """The other way round."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
