"""What an alarm makes of its last periods, some of which may lack points.

CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data". It looks at more
periods than it needs, and fills as few as it can.
"""

from __future__ import annotations

from typing import NamedTuple

# How many more periods than it evaluates an alarm looks at.
MORE = 2


class Verdict(NamedTuple):
    """The state that follows, None when it stays; the points that count, and how many lacked."""

    state: str | None
    points: list[float]
    missing: int


def judge(
    periods: list[float | None], breaching: list[bool], needed: int, enough: int, treatment: str
) -> Verdict:
    """What follows from the latest periods, the newest first.

    `breaching` says it of each that has a point; `needed` are those that are evaluated, and
    `enough` how many of them have to breach.
    """
    ages = [age for age, value in enumerate(periods, 1) if value is not None][:needed]
    points = [value for value in periods if value is not None][:needed]
    beyond = sum(breaching[:needed])
    missing = needed - len(points)
    if missing and treatment == "breaching":
        return Verdict("ALARM" if beyond + missing >= enough else "OK", points, missing)
    if beyond >= enough:
        return Verdict("ALARM", points, missing)
    if not missing or treatment == "notBreaching":
        return Verdict("OK", points, missing)
    if not points:
        return Verdict("INSUFFICIENT_DATA" if treatment == "missing" else None, points, missing)
    if beyond < len(points):
        return Verdict("OK", points, missing)
    # All that is there breaches: an alarm, as soon as the oldest could not be a hasty one.
    is_old = ages[-1] >= enough
    return Verdict("ALARM" if is_old and treatment == "missing" else None, points, missing)
