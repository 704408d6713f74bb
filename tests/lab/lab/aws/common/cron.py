"""Cron expressions of AWS's six fields, with `L`, `W` and `#` (EventBridge user guide, "Cron-based
schedules")."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
# From the left: lowest and highest value, and what names stand for numbers.
FIELDS: list[tuple[int, int, list[str]]] = [
    (0, 59, []),
    (0, 23, []),
    (1, 31, []),
    (1, 12, MONTHS),
    (1, 7, DAYS),
    (1970, 2199, []),
]
DAY, WEEKDAY = 2, 4
NEAREST = re.compile(r"^(\d{1,2}|L)W$")
LAST = re.compile(r"^([1-7]?)L$")
NTH = re.compile(r"^([1-7])#([1-5])$")
FRIDAY, WEEK = 5, 7


@dataclass(frozen=True)
class Cron:
    """The values that each field allows; what days have beside numbers stays as it is written."""

    values: tuple[frozenset[int], ...]
    day: str
    weekday: str

    @classmethod
    def read(cls, fields: Sequence[str]) -> Cron:
        """Reads six fields; ValueError where they are none, or name both kinds of days."""
        if (fields[DAY] == "?") == (fields[WEEKDAY] == "?"):
            raise ValueError("one of the two fields for days is a question mark")
        values = []
        for number, field in enumerate(fields):
            is_special = number in (DAY, WEEKDAY) and _is_special(field, number)
            values.append(frozenset() if is_special else _values(field, number))
        return cls(tuple(values), fields[DAY], _numbered(fields[WEEKDAY], DAYS))

    def matches(self, moment: datetime) -> bool:
        """Whether a local time is one of those."""
        minute, hour, day, month, weekday, year = self.values
        return (
            moment.minute in minute
            and moment.hour in hour
            and moment.month in month
            and moment.year in year
            and (moment.day in day or _is_day(self.day, moment))
            and (_weekday(moment) in weekday or _is_weekday(self.weekday, moment))
        )


def _is_special(field: str, number: int) -> bool:
    if number == DAY:
        return field == "L" or bool(NEAREST.match(field))
    field = _numbered(field, DAYS)
    return bool(LAST.match(field) or NTH.match(field))


def _values(field: str, number: int) -> frozenset[int]:
    low, high, names = FIELDS[number]
    if field == "?" and number not in (DAY, WEEKDAY):
        raise ValueError("a question mark stands for days alone")
    found: set[int] = set()
    for part in _numbered(field, names).split(","):
        span, slash, step = part.partition("/")
        if slash and not 1 <= int(step) <= high:
            raise ValueError(f"no step is {step}")
        first, dash, last = span.partition("-")
        if span in ("*", "?"):
            first, last = str(low), str(high)
        elif not dash:
            last = str(high) if slash else first
        start, end = int(first), int(last)
        if not (low <= start <= high and low <= end <= high):
            raise ValueError(f"{part} is out of bounds")
        # A span may go over the end, from Friday to Monday.
        span_length = (end - start) % (high - low + 1)
        every = range(0, span_length + 1, int(step or 1))
        found |= {low + (start - low + offset) % (high - low + 1) for offset in every}
    return frozenset(found)


def _numbered(field: str, names: list[str]) -> str:
    for number, name in enumerate(names, 1):
        field = field.upper().replace(name, str(number))
    return field


def _weekday(moment: datetime) -> int:
    return moment.isoweekday() % WEEK + 1


def _is_day(field: str, moment: datetime) -> bool:
    """`L` is a month's last day, `15W` the weekday next to its fifteenth."""
    length = monthrange(moment.year, moment.month)[1]
    if field == "L":
        return moment.day == length
    if not (found := NEAREST.match(field)):
        return False
    wanted = length if found[1] == "L" else min(int(found[1]), length)
    weekday = moment.replace(day=wanted).isoweekday()
    if weekday == FRIDAY + 1:
        wanted += -1 if wanted > 1 else 2
    elif weekday == FRIDAY + 2:
        wanted += 1 if wanted < length else -2
    return moment.day == wanted


def _is_weekday(field: str, moment: datetime) -> bool:
    """`6L` is a month's last Friday, `3#2` its second Tuesday, `L` any Saturday."""
    if found := NTH.match(field):
        return _weekday(moment) == int(found[1]) and (moment.day - 1) // WEEK == int(found[2]) - 1
    if not (found := LAST.match(field)):
        return False
    is_last = moment.day + WEEK > monthrange(moment.year, moment.month)[1]
    return _weekday(moment) == int(found[1] or WEEK) and (is_last or not found[1])
