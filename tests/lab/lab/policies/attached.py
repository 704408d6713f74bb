"""Which caller has which policies, what they say to a call, and what was asked of them.

IAM user guide, "Policy evaluation logic": what denies counts more than all that allow, and what
nothing allows is denied. A call needs all of what it needs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lab.policies.documents import Statement, statements
from lab.policies.needs import Caller, Need

EVERYBODY = ""
MEMBERS = ("access_key", "documents", "role")


@dataclass(frozen=True)
class Refusal:
    """A need that the policies do not meet, and whether one of them denies it."""

    need: Need
    is_explicit: bool


class Policies:
    """The policies in force, and the needs since they were attached.

    Those of an access key are its own alone, next come those of the session's role, and those of
    everybody are for all others. A caller without any may do everything.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Takes all policies off."""
        with self._lock:
            self._attached: dict[str, list[Statement]] = {}
            self._forget()

    def attach(self, wanted: dict[str, Any]) -> None:
        """Attaches documents, or takes them off; ValueError says what is wrong with them."""
        if unknown := sorted(wanted.keys() - set(MEMBERS)):
            raise ValueError(f"nothing is called {unknown[0]}; there are {', '.join(MEMBERS)}")
        if "documents" not in wanted:
            raise ValueError("documents are missing; null takes the policies off")
        holder = wanted.get("access_key") or wanted.get("role") or EVERYBODY
        documents = wanted["documents"]
        if documents is not None and not isinstance(documents, list):
            raise ValueError("documents are a list, or null")
        read = [one for document in documents or [] for one in statements(document)]
        with self._lock:
            self._forget()
            if documents is not None:
                self._attached[holder] = read
            elif holder:
                self._attached.pop(holder, None)
            else:
                self._attached.clear()

    def of(self, caller: Caller) -> list[Statement] | None:
        """What is attached to a caller; None where nothing is."""
        for holder in (caller.key, caller.role, EVERYBODY):
            if holder is not None and holder in self._attached:
                return self._attached[holder]
        return None

    def binds(self, caller: Caller) -> bool:
        """Whether a caller has policies at all."""
        return self.of(caller) is not None

    def judge(self, caller: Caller, needs: Iterable[Need]) -> Refusal | None:
        """The first need of a call that a caller's policies do not meet; None when they allow it."""
        found = self.of(caller)
        if found is None:
            return None
        met: set[tuple[str, str]] = set()
        for need in needs:
            about = [statement for statement in found if statement.is_about(need)]
            is_explicit = not all(statement.allows for statement in about)
            if is_explicit or not (about or need.granted):
                with self._lock:
                    self._denied.add((need.action, need.resource))
                return Refusal(need, is_explicit)
            met.add((need.action, need.resource))
        with self._lock:
            self._allowed |= met
        return None

    def public(self) -> dict[str, Any]:
        """What was denied, and what was needed by the calls that were allowed."""
        with self._lock:
            return {
                "denied": [
                    {"action": action, "resource": resource}
                    for action, resource in sorted(self._denied)
                ],
                "allowed": [list(need) for need in sorted(self._allowed)],
            }

    def _forget(self) -> None:
        self._denied: set[tuple[str, str]] = set()
        self._allowed: set[tuple[str, str]] = set()
