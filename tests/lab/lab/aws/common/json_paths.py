"""Paths into JSON, as EventBridge and Step Functions write them: `$.a.b[0]`, and no more."""

from __future__ import annotations

import re
from typing import Any

STEP = re.compile(r"\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]")


def steps(path: str) -> list[str | int]:
    """The names and numbers of a path; ValueError for one that is more than that."""
    rest, found = path.removeprefix("$"), list(STEP.finditer(path, 1))
    if not path.startswith("$") or "".join(step[0] for step in found) != rest:
        raise ValueError(f"the lab does not know the path {path}")
    return [int(step[3]) if step[3] else step[1] or step[2] for step in found]


def look(path: str, document: Any) -> Any:
    """What is at a path; KeyError where nothing is."""
    for step in steps(path):
        try:
            document = document[step]
        except (IndexError, TypeError):
            raise KeyError(path) from None
    return document


def put(path: str, document: Any, value: Any) -> Any:
    """A document with a value at a path of names, whose way is made."""
    names = steps(path)
    if not names:
        return value
    name, rest = str(names[0]), path[STEP.match(path, 1).end() :]  # type: ignore[union-attr]
    there = document if isinstance(document, dict) else {}
    return {**there, name: put(f"${rest}", there.get(name), value)}
