"""What the role of a task, or of a flow log, may do, by the policies it has.

IAM user guide, "Policy evaluation logic": what no policy allows is denied, and one that denies
counts more than all that allow. Conditions and boundaries are not looked at. A role that does not
trust ECS for this account cannot be taken at all (ECS developer guide, "Task IAM role").
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.iam.access_control import IAMPolicy, PermissionResult

from lab.world.places import of_arn, partition_in

if TYPE_CHECKING:
    from moto.iam.models import Role

OF_TASKS = "ecs-tasks.amazonaws.com"


class Denied(Exception):
    """The text is what AWS answers the role."""


def unassumable(role: str) -> str:
    """What ECS says of a role that it cannot take (aws-modern-application-workshop issue 88)."""
    return (
        f"ECS was unable to assume the role '{role}' that was provided for this task. Please verify "
        "that the role being passed has the proper trust relationship and permissions and that your "
        "IAM user has permissions to pass this role."
    )


@dataclass(frozen=True)
class Reader:
    """A role that a service takes: by default a task's execution role, in a session named after
    the task.

    A task without such a role is not judged.
    """

    role: str | None
    session: str
    service: str = OF_TASKS

    @property
    def is_trusted(self) -> bool:
        """Whether there is such a role, and the service may take it."""
        if not self.role:
            return False
        account = of_arn(self.role).account
        role = _find(account, self.role)
        return role is not None and _trusts(role, account, self.service)

    def demand(self, action: str, resource: str) -> None:
        """Goes on when the role may; Denied when it may not."""
        if not self.role:
            return
        account, name = of_arn(self.role).account, self.role.rsplit("/", 1)[-1]
        role = _find(account, self.role)
        if role is None or not _trusts(role, account, self.service):
            raise Denied(unassumable(self.role))
        policies = [*role.policies.values(), *role.managed_policies.values()]
        results = [IAMPolicy(policy).is_action_permitted(action, resource) for policy in policies]
        if PermissionResult.DENIED in results or PermissionResult.PERMITTED not in results:
            partition = partition_in(self.role)
            user = f"arn:{partition}:sts::{account}:assumed-role/{name}/{self.session}"
            raise Denied(
                f"AccessDeniedException: User: {user} is not authorized to perform: {action} on "
                f"resource: {resource} because no identity-based policy allows the {action} action"
            )


def _trusts(role: Role, account: str, service: str) -> bool:
    """Whether a service may take it for this account. Of conditions, whose it is counts."""
    for statement in _listed(json.loads(role.assume_role_policy_document)["Statement"]):
        principal = statement.get("Principal")
        services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
        equals = (statement.get("Condition") or {}).get("StringEquals") or {}
        accounts = _listed(equals.get("aws:SourceAccount", account))
        if service in services and account in accounts:
            return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _find(account: str, arn: str) -> Role | None:
    from moto.iam.models import iam_backends

    backend = iam_backends[account][partition_in(arn)]
    return next((role for role in list(backend.roles.values()) if role.arn == arn), None)
