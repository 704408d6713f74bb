"""How long a delayed call waits beside the fixed part: distributions to draw from."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from random import Random

DISTRIBUTIONS: dict[str, Callable[[Random, float, float], float]] = {
    "uniform": lambda random, mean, spread: random.uniform(0.0, 2 * mean),
    "exponential": lambda random, mean, spread: random.expovariate(1.0) * mean,
    "lognormal": lambda random, mean, spread: random.lognormvariate(
        math.log(mean) - spread * spread / 2, spread
    ),
}


def check_percentiles(percentiles: dict[str, float]) -> None:
    """Refuses percentiles outside 0 to 100, and delays that get shorter as these rise."""
    points = points_of(percentiles)
    if any(not 0 <= place <= 100 for place, _ in points):
        raise ValueError("percentiles are between 0 and 100")
    if any(before > after for (_, before), (_, after) in pairwise(points)):
        raise ValueError("delays may not get shorter as percentiles rise")


def from_percentiles(random: Random, percentiles: dict[str, float]) -> float:
    """Draws between the percentiles given, and never more than the last one's delay."""
    place, points = random.random() * 100, points_of(percentiles)
    for (low, shorter), (high, longer) in pairwise(points):
        if place < high:
            return shorter + (longer - shorter) * (place - low) / (high - low)
    return points[-1][1]


def points_of(percentiles: dict[str, float]) -> list[tuple[float, float]]:
    """The percentiles in order, from 0 on."""
    return sorted({0.0: 0.0, **{float(p): float(ms) for p, ms in percentiles.items()}}.items())
