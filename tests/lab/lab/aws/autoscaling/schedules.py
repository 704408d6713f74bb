"""Schedules of Application Auto Scaling: `at(...)`, `rate(...)` and `cron(...)`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

AT = re.compile(r"^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$")
RATE = re.compile(r"^rate\((\d+) (minute|hour|day)s?\)$")
CRON = re.compile(r"^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$")
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def is_due(schedule: str, zone: str | None, created: float, last: float, now: float) -> bool:
    """Whether a schedule has come round between two looks, given as seconds since 1970."""
    place = ZoneInfo(zone or "UTC")
    if found := AT.match(schedule):
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=place).timestamp()
        return last < moment <= now
    if found := RATE.match(schedule):
        every = timedelta(**{f"{found[2]}s": int(found[1])}).total_seconds()
        return int((now - created) / every) > int((max(last, created) - created) / every)
    if found := CRON.match(schedule):
        minute = datetime.fromtimestamp(now, place).replace(second=0, microsecond=0)
        return last < minute.timestamp() <= now and _matches(found.groups(), minute)
    return False


def is_valid(schedule: str) -> bool:
    """Whether it has the form of a schedule."""
    return any(form.match(schedule) for form in (AT, RATE, CRON))


def _matches(fields: tuple[str, ...], moment: datetime) -> bool:
    weekday = moment.isoweekday() % 7 + 1
    values = (moment.minute, moment.hour, moment.day, moment.month, weekday, moment.year)
    lowest = (0, 0, 1, 1, 1, 1970)
    return all(_holds(f, v, low) for f, v, low in zip(fields, values, lowest, strict=True))


def _holds(field: str, value: int, lowest: int) -> bool:
    for number, name in enumerate(DAYS, 1):
        field = field.replace(name, str(number))
    for number, name in enumerate(MONTHS, 1):
        field = field.replace(name, str(number))
    if field in ("*", "?"):
        return True
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        start = lowest if low == "*" else int(low)
        end = int(high) if high else (10**6 if step or low == "*" else start)
        if start <= value <= end and (value - start) % int(step or 1) == 0:
            return True
    return False
