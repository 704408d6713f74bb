"""Whether a resource's own policy lets a service of AWS put something into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.policies.conditions import read
from lab.policies.needs import Need
from lab.policies.patterns import names_action, names_arn
from lab.world.places import of_arn


@dataclass(frozen=True)
class Delivery:
    """What a service does, to what, and for which ARN."""

    service: str
    action: str
    resource: str
    source: str

    def is_permitted(self, policy: dict[str, Any] | None) -> bool:
        """Whether a policy allows it, and none of its statements denies it."""
        effects = {
            statement.get("Effect")
            for statement in _listed((policy or {}).get("Statement") or [])
            if self._is_meant(statement)
        }
        return effects == {"Allow"}

    def _is_meant(self, statement: dict[str, Any]) -> bool:
        principal = statement.get("Principal")
        named = [principal]
        if isinstance(principal, dict):
            named = [*_listed(principal.get("Service")), *_listed(principal.get("AWS"))]
        known = {
            "aws:sourcearn": (self.source,),
            "aws:sourceaccount": (of_arn(self.source).account,),
        }
        try:
            conditions = read(statement.get("Condition") or {})
        except ValueError:
            return False
        need = Need(self.action, self.resource, known)
        return (
            (self.service in named or "*" in named)
            and any(names_action(one, self.action) for one in _listed(statement.get("Action")))
            and any(names_arn(one, self.resource) for one in _listed(statement.get("Resource")))
            and all(condition.holds(need) for condition in conditions)
        )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
