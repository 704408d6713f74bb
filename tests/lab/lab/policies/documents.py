"""Policy documents: their statements, and what of a call each is about (IAM user guide, "IAM JSON
policy elements reference")."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.policies.conditions import Condition, read
from lab.policies.needs import Need
from lab.policies.patterns import names_action, names_arn

VERSIONS = ("2012-10-17", "2008-10-17")
ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
ACTION = re.compile(r"\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+")
RESOURCE = re.compile(r"\*|arn:[^:]+:.+")


@dataclass(frozen=True)
class Naming:
    """`Action` or `Resource`: what it names, or with `Not` all but that."""

    patterns: tuple[str, ...]
    is_negated: bool

    def names(self, value: str, test: Callable[[str, str], bool]) -> bool:
        """Whether a value is among what is named."""
        return any(test(pattern, value) for pattern in self.patterns) != self.is_negated


@dataclass(frozen=True)
class Statement:
    """One statement."""

    allows: bool
    actions: Naming
    resources: Naming
    conditions: tuple[Condition, ...]

    def names(self, need: Need) -> bool:
        """Whether the statement names the action and the resource of a need."""
        return self.actions.names(need.action, names_action) and self.resources.names(
            need.resource, names_arn
        )

    def is_about(self, need: Need) -> bool:
        """Whether the statement says anything to a need."""
        return self.names(need) and all(condition.holds(need) for condition in self.conditions)


def statements(document: Any) -> list[Statement]:
    """The statements of a document; ValueError says what is wrong with it."""
    if not isinstance(document, dict) or "Statement" not in document:
        raise ValueError("a policy document is an object with a Statement")
    if unknown := sorted(document.keys() - {"Version", "Id", "Statement"}):
        raise ValueError(f"a policy document has no element {unknown[0]}")
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        raise ValueError(f"no version of policies is called {document['Version']!r}")
    return [_statement(one) for one in _listed(document["Statement"])]


def _statement(written: Any) -> Statement:
    if not isinstance(written, dict):
        raise ValueError(f"a statement is an object, not {written!r}")
    if unknown := sorted(written.keys() - ELEMENTS):
        raise ValueError(f"a statement of an identity policy has no element {unknown[0]}")
    if written.get("Effect") not in ("Allow", "Deny"):
        raise ValueError(f"Effect is Allow or Deny, not {written.get('Effect')!r}")
    return Statement(
        written["Effect"] == "Allow",
        _naming(written, "Action", ACTION),
        _naming(written, "Resource", RESOURCE),
        read(written.get("Condition", {})),
    )


def _naming(written: dict[str, Any], element: str, form: re.Pattern[str]) -> Naming:
    present = [name for name in (element, f"Not{element}") if name in written]
    if len(present) != 1:
        raise ValueError(f"a statement has either {element} or Not{element}")
    patterns = tuple(_listed(written[present[0]]))
    for pattern in patterns:
        if not isinstance(pattern, str) or not form.fullmatch(pattern) or "${" in pattern:
            raise ValueError(f"the lab does not know the {element} {pattern!r}")
    if not patterns:
        raise ValueError(f"{present[0]} names nothing")
    return Naming(patterns, present[0] != element)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
