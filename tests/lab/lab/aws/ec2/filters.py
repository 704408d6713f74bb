"""EC2's filters: a thing is shown when it has one of the values of every filter."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from moto.ec2.exceptions import EC2ClientError

# The values of each filter that a kind knows, read off a thing; those for tags come with them.
Known = Mapping[str, Callable[[Any], Sequence[Any]]]
Filters = Mapping[str, Sequence[str]]


def chosen(things: Iterable[Any], filters: Filters | None, known: Known) -> list[Any]:
    """Those that every filter lets through."""
    wanted = dict(filters or {})
    for name in wanted:
        if name not in known and name != "tag-key" and not name.startswith("tag:"):
            raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return [
        thing
        for thing in things
        if all(_has(_values(thing, name, known), patterns) for name, patterns in wanted.items())
    ]


def _values(thing: Any, name: str, known: Known) -> list[str]:
    if name in known:
        return [_text(value) for value in known[name](thing) if value is not None]
    tags = {tag["key"]: tag["value"] for tag in thing.get_tags()}
    if name == "tag-key":
        return list(tags)
    key = name.removeprefix("tag:")
    return [tags[key]] if key in tags else []


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _has(values: list[str], patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(value, pattern) for value in values for pattern in patterns)
