"""Schedules as AWS writes them: `at(...)`, `rate(...)` and `cron(...)`, in time zones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from lab.aws.common.cron import Cron

AT = re.compile(r"^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$")
RATE = re.compile(r"^rate\(([1-9]\d*) (minute|hour|day)s?\)$")
CRON = re.compile(r"^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$")
MINUTE = 60


def moments(
    schedule: str,
    zone: str | None,
    began: float,
    last: float,
    now: float,
    at_once: bool = False,
) -> list[float]:
    """When a schedule came round between two looks, given as seconds since 1970.

    A rate counts from when it began, and its first time is that moment itself where it is `at_once`.
    """
    place = ZoneInfo(zone or "UTC")
    if found := AT.match(schedule):
        moment = _moment(found[1], place)
        return [moment] if moment is not None and last < moment <= now else []
    if found := RATE.match(schedule):
        every = timedelta(**{f"{found[2]}s": int(found[1])}).total_seconds()
        first = max(int((last - began) // every) + 1, 0 if at_once else 1)
        final = int((now - began) // every)
        return [began + number * every for number in range(first, final + 1)]
    if cron := _cron(schedule):
        return [at for at in _minutes(last, now) if _is_time(cron, at, place)]
    return []


def is_due(schedule: str, zone: str | None, created: float, last: float, now: float) -> bool:
    """Whether a schedule has come round between two looks."""
    return bool(moments(schedule, zone, created, last, now))


def is_valid(schedule: str) -> bool:
    """Whether it is a schedule at all."""
    if found := AT.match(schedule):
        return _is_date(found[1])
    return bool(RATE.match(schedule)) or _cron(schedule) is not None


def is_zone(name: str) -> bool:
    """Whether there is such a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def comes_once(schedule: str) -> bool:
    """Whether it comes round once only."""
    return AT.match(schedule) is not None


@lru_cache(maxsize=256)
def _cron(schedule: str) -> Cron | None:
    found = CRON.match(schedule)
    try:
        return Cron.read(found.groups()) if found else None
    except ValueError:
        return None


def _minutes(last: float, now: float) -> Iterator[float]:
    at = (int(last) // MINUTE + 1) * MINUTE
    while at <= now:
        yield float(at)
        at += MINUTE


def _is_time(cron: Cron, at: float, place: ZoneInfo) -> bool:
    """An hour that a zone skips does not come, and of one that comes twice the first counts."""
    local = datetime.fromtimestamp(at, place)
    return local.fold == 0 and cron.matches(local)


def _moment(text: str, place: ZoneInfo) -> float | None:
    """The moment of a local time; None for one that its zone skips."""
    local = datetime.fromisoformat(text)
    moment = local.replace(tzinfo=place).timestamp()
    back = datetime.fromtimestamp(moment, UTC).astimezone(place).replace(tzinfo=None)
    return moment if back == local else None


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
