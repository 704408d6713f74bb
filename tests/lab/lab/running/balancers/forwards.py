"""Where a rule or a listener forwards to, and how ECS moves its traffic from one target group to
another.

ECS developer guide, "Application Load Balancer resources for blue/green, linear, and canary
deployments": of an application load balancer a rule is named, of a network load balancer a listener.
That listeners get weights too is an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.running.balancers.way import all_balancers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.elbv2.models import FakeAction, FakeListener

# A weight is a whole number up to 999 (ELB API reference, `TargetGroupTuple`).
PARTS = 10


@dataclass(frozen=True)
class Forward:
    """A rule, or a listener by what it does otherwise."""

    arn: str
    listener: FakeListener
    rule: Any

    @property
    def actions(self) -> list[FakeAction]:
        """What it does."""
        return list(self.rule.actions)

    @property
    def is_pure(self) -> bool:
        """Whether it does nothing but forward."""
        return all(action.data.get("Type") == "forward" for action in self.actions)

    def weights(self) -> dict[str, int]:
        """The target groups that it leads to, and what share each has."""
        return dict(self._weights())

    def _weights(self) -> Iterator[tuple[str, int]]:
        for action in self.actions:
            groups = (action.data.get("ForwardConfig") or {}).get("TargetGroups") or []
            yield from ((it["TargetGroupArn"], int(it.get("Weight", 1))) for it in groups)
            if not groups and (arn := action.data.get("TargetGroupArn")):
                yield arn, 1

    def move(self, shares: dict[str, float]) -> None:
        """Forwards by these percentages, and no other way; who stays with a group stays so."""
        was = (self.actions[-1].data if self.actions else {}).get("ForwardConfig") or {}
        whole = all(share == int(share) for share in shares.values())
        groups: list[dict[str, Any]] = [
            {"TargetGroupArn": arn, "Weight": round(share if whole else share * PARTS)}
            for arn, share in shares.items()
        ]
        config: dict[str, Any] = {"TargetGroups": groups}
        if stickiness := was.get("TargetGroupStickinessConfig"):
            config["TargetGroupStickinessConfig"] = stickiness
        self.put([{"Type": "forward", "Order": 1, "ForwardConfig": config}])

    def put(self, actions: list[dict[str, Any]]) -> None:
        """Lets it do this instead."""
        from moto.elbv2.models import FakeAction

        self.rule.actions = [FakeAction(action) for action in actions]
        if self.rule.is_default:
            self.listener.default_actions = self.rule.actions


def find(arn: str) -> Forward | None:
    """The rule or listener under an ARN."""
    for balancer in all_balancers():
        for listener in balancer.listeners.values():
            rules = listener.rules.values()
            found = next((rule for rule in rules if rule.arn == arn), None)
            if found is None and listener.arn == arn:
                found = listener._default_rule[0]
            if found is not None:
                return Forward(arn, listener, found)
    return None
