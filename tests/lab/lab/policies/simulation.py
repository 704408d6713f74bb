"""What policies would say to a call that nobody makes (IAM API reference, SimulatePrincipalPolicy)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lab.policies.documents import Statement
from lab.policies.needs import Need, Values

# The most restrictive is the last one.
ALLOWED, IMPLICIT, EXPLICIT = DECISIONS = ("allowed", "implicitDeny", "explicitDeny")


@dataclass(frozen=True)
class Imagined(Need):
    """A need of which nothing is known but what the context says."""

    def values(self, key: str) -> Values | None:
        """The values of a condition key, in any case."""
        return self.facts.get(key.lower())


class Policy(NamedTuple):
    """A policy by its name, and of which kind it is."""

    name: str
    kind: str
    statements: Sequence[Statement]


class Verdict(NamedTuple):
    """What comes of a need, because of which policies, and which keys the context lacks.

    Whether a boundary allows it is None where there is none.
    """

    decision: str
    because: list[Policy]
    missing: list[str]
    in_bounds: bool | None


def judge(need: Need, policies: Sequence[Policy], boundary: Policy | None) -> Verdict:
    """What identity policies say to a need, within a boundary that allows nothing by itself."""
    own = _decide(need, (one for policy in policies for one in policy.statements))
    within = _decide(need, boundary.statements) if boundary else ALLOWED
    decision = strictest([own, within])
    bounds = [boundary] if boundary else []
    because = [
        policy
        for policy in (bounds if decision != own else policies)
        if any(one.is_about(need) and one.allows != (decision == EXPLICIT) for one in policy[2])
    ]
    missing = {
        condition.key
        for policy in (*policies, *bounds)
        for statement in policy.statements
        if statement.names(need)
        for condition in statement.conditions
        if condition.operator != "Null" and need.values(condition.key) is None
    }
    in_bounds = within == ALLOWED if boundary else None
    return Verdict(decision, because, sorted(missing), in_bounds)


def strictest(decisions: Iterable[str]) -> str:
    """The most restrictive of several decisions."""
    return max(decisions, key=DECISIONS.index)


def _decide(need: Need, statements: Iterable[Statement]) -> str:
    about = [statement for statement in statements if statement.is_about(need)]
    if not all(statement.allows for statement in about):
        return EXPLICIT
    return ALLOWED if about else IMPLICIT
