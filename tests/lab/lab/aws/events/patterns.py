"""Event patterns (EventBridge user guide, "Comparison operators"): whether an event is as they say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Pattern = dict[str, Any]
OR = "$or"
COMPARES: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "<": lambda value, wanted: value < wanted,
    "<=": lambda value, wanted: value <= wanted,
    ">": lambda value, wanted: value > wanted,
    ">=": lambda value, wanted: value >= wanted,
}


def read(text: str) -> Pattern:
    """Reads a pattern; ValueError says what is wrong with it."""
    try:
        pattern = json.loads(text)
    except ValueError:
        raise ValueError("Filter is not an object") from None
    _check(pattern)
    found: Pattern = pattern
    return found


def matches(pattern: Pattern, event: Any) -> bool:
    """Whether an event has all that a pattern wants."""
    for key, wanted in pattern.items():
        if key == OR:
            if not any(matches(one, event) for one in wanted):
                return False
            continue
        value = event.get(key) if isinstance(event, dict) else None
        is_there = isinstance(event, dict) and key in event
        values = value if isinstance(value, list) else [value] if is_there else []
        if isinstance(wanted, dict):
            if not any(matches(wanted, one) for one in values or [{}]):
                return False
        elif not any(_suits(one, values) for one in wanted):
            return False
    return True


def _suits(wanted: Any, values: list[Any]) -> bool:
    if isinstance(wanted, dict) and "exists" in wanted:
        return bool(values) is wanted["exists"]
    return any(_is_as(wanted, value) for value in values)


def _is_as(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return _same(wanted, value)
    ((kind, argument),) = wanted.items()
    if kind == "anything-but":
        several = argument if isinstance(argument, list) else [argument]
        return not any(_is_as(one, value) for one in several)
    if kind == "numeric":
        pairs = zip(argument[::2], argument[1::2], strict=True)
        return _is_number(value) and all(COMPARES[sign](value, limit) for sign, limit in pairs)
    several = argument if isinstance(argument, list) else [argument]
    return isinstance(value, str) and any(_like(kind, one, value) for one in several)


def _like(kind: str, wanted: Any, value: str) -> bool:
    if isinstance(wanted, dict):
        return _like(kind, wanted["equals-ignore-case"].lower(), value.lower())
    if kind == "prefix":
        return value.startswith(wanted)
    if kind == "suffix":
        return value.endswith(wanted)
    if kind == "wildcard":
        form = ".*".join(re.escape(part) for part in wanted.split("*"))
        return re.fullmatch(form, value, re.DOTALL) is not None
    return bool(value.lower() == wanted.lower())


def _same(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    return bool(wanted == value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check(pattern: Any) -> None:
    if not isinstance(pattern, dict):
        raise ValueError("Filter is not an object")
    if not pattern:
        raise ValueError("Empty objects are not allowed")
    for key, wanted in pattern.items():
        if key == OR and isinstance(wanted, list):
            for one in wanted:
                _check(one)
        elif isinstance(wanted, dict):
            _check(wanted)
        elif not isinstance(wanted, list):
            raise ValueError(f'"{key}" must be an object or an array')
        elif not wanted:
            raise ValueError("Empty arrays are not allowed")
        else:
            for one in wanted:
                _check_filter(one)


def _check_filter(wanted: Any) -> None:
    if isinstance(wanted, list):
        raise ValueError("Match value must be String, number, true, false, or null")
    if not isinstance(wanted, dict):
        return
    if len(wanted) != 1:
        raise ValueError("Only one key allowed in match expression")
    ((kind, argument),) = wanted.items()
    if kind == "anything-but":
        for one in argument if isinstance(argument, list) else [argument]:
            _check_filter(one)
    elif kind == "numeric":
        _check_numbers(argument)
    elif kind == "exists":
        if not isinstance(argument, bool):
            raise ValueError("exists match pattern must be either true or false.")
    elif kind not in ("prefix", "suffix", "wildcard", "equals-ignore-case"):
        raise ValueError(f"Unrecognized match type {kind}")


def _check_numbers(argument: Any) -> None:
    is_pairs = isinstance(argument, list) and len(argument) in (2, 4)
    if not is_pairs or not all(sign in COMPARES for sign in argument[::2]):
        raise ValueError("Invalid member in numeric match")
    if not all(_is_number(limit) for limit in argument[1::2]):
        raise ValueError("Value of numeric must be numeric")
