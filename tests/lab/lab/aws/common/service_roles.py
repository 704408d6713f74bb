"""What a service may do under a role that was handed to it: whom the role trusts, what it allows.

IAM user guide, "Policy evaluation logic" and "The confused deputy problem". Conditions are looked
at as far as the lab knows them; a policy that it cannot read allows nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.iam.models import Role, iam_backends

from lab.policies.conditions import read
from lab.policies.documents import Statement, statements
from lab.policies.needs import Need, Values
from lab.world.places import of_arn, partition_in


class NotAllowed(Exception):
    """The text is what AWS answers the role."""


@dataclass(frozen=True)
class Agent:
    """A service that acts under a role: its principal, its session's name, and for which ARN it acts."""

    role: str
    service: str
    session: str
    source: str = ""

    def is_trusted(self) -> bool:
        """Whether the role is there and lets the service take it."""
        role = self.found()
        return role is not None and self._may_assume(role)

    def found(self) -> Role | None:
        """The role, if it is there."""
        account = of_arn(self.role).account
        backend = iam_backends[account][partition_in(self.role)]
        return next((r for r in list(backend.roles.values()) if r.arn == self.role), None)

    def demand(self, needs: Iterable[Need]) -> None:
        """Goes on when the role allows all of it; NotAllowed when it does not."""
        role = self.found()
        if role is None or not self._may_assume(role):
            raise NotAllowed(f"{self.service} is unable to assume the role {self.role}")
        try:
            found = [one for text in _documents(role) for one in statements(json.loads(text))]
        except ValueError as error:
            raise NotAllowed(f"a policy of {self.role} cannot be read: {error}") from None
        for need in needs:
            about = [statement for statement in found if statement.is_about(need)]
            if not about or not all(statement.allows for statement in about):
                raise NotAllowed(self._refusal(need, about))

    def _may_assume(self, role: Role) -> bool:
        facts: Mapping[str, Values] = {"aws:sourceaccount": (of_arn(self.role).account,)}
        if self.source:
            facts = {**facts, "aws:sourcearn": (self.source,)}
        need = Need("sts:AssumeRole", self.role, facts)
        for statement in _listed(json.loads(role.assume_role_policy_document)["Statement"]):
            principal = statement.get("Principal")
            services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
            if (
                statement.get("Effect") == "Allow"
                and self.service in services
                and _holds(statement.get("Condition"), need)
            ):
                return True
        return False

    def _refusal(self, need: Need, about: list[Statement]) -> str:
        account, name = of_arn(self.role).account, self.role.rsplit("/", 1)[-1]
        user = f"arn:{partition_in(self.role)}:sts::{account}:assumed-role/{name}/{self.session}"
        why = f"because no identity-based policy allows the {need.action} action"
        if about:
            why = "with an explicit deny in an identity-based policy"
        return (
            f"User: {user} is not authorized to perform: {need.action} on resource: "
            f"{need.resource} {why}"
        )


def _holds(block: Any, need: Need) -> bool:
    """Whether conditions hold; those that the lab does not know do not."""
    try:
        return all(one.holds(need) for one in read(block or {}))
    except ValueError:
        return False


def _documents(role: Any) -> list[str]:
    managed = [
        version.document
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.is_default
    ]
    texts = [*role.policies.values(), *managed]
    return [text if isinstance(text, str) else json.dumps(text) for text in texts]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
