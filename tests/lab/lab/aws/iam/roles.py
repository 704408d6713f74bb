"""IAM: AWS-managed policies on demand, roles that cannot be deleted too early, linked roles once."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from moto.iam.exceptions import EntityAlreadyExists, InvalidInput, ValidationError
from moto.iam.models import AWSManagedPolicy, IAMBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab

ROLE_NAME = re.compile(r"^[\w+=,.@-]{1,64}$")


@cache
def _managed() -> dict[str, dict[str, Any]]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    policies: dict[str, dict[str, Any]] = json.loads(aws_managed_policies_data)
    return {
        f"arn:aws:iam::aws:policy{policy['Path']}{name}": {"name": name, **policy}
        for name, policy in policies.items()
    }


def managed(arn: str) -> dict[str, Any] | None:
    """What an AWS-managed policy says; None where there is none."""
    own = f"arn:aws:{arn.split(':', 2)[-1]}"
    document: dict[str, Any] | None = _managed().get(own, {}).get("Document")
    return document


def install(lab: Lab) -> None:
    """Patches moto's IAM."""

    @patch(IAMBackend)
    def attach_role_policy(original: Any, self: Any, policy_arn: str, role_name: str) -> None:
        known = any(policy.arn == policy_arn for policy in self.managed_policies.values())
        # They are the same in each partition, under its own name.
        own = policy_arn.replace(f"arn:{self.partition}:", "arn:aws:", 1)
        if not known and ":iam::aws:policy/" in policy_arn and own in _managed():
            data = _managed()[own]
            policy = AWSManagedPolicy.from_data(
                data["name"], self.account_id, self.region_name, data
            )
            self.aws_managed_policies.append(policy)
            self.managed_policies[policy.arn] = policy
        original(self, policy_arn, role_name)

    @patch(IAMBackend)
    def create_role(original: Any, self: Any, role_name: str, *args: Any, **kwargs: Any) -> Any:
        if not ROLE_NAME.match(role_name):
            raise ValidationError(
                f"1 validation error detected: Value '{role_name}' at 'roleName' failed to satisfy "
                "constraint: Member must have length less than or equal to 64"
            )
        if any(role.name.lower() == role_name.lower() for role in self.roles.values()):
            raise EntityAlreadyExists(f"Role with name {role_name} already exists.")
        return original(self, role_name, *args, **kwargs)

    @patch(IAMBackend)
    def create_service_linked_role(
        original: Any, self: Any, service_name: str, description: str, suffix: str
    ) -> Any:
        path = f"/aws-service-role/{service_name}/"
        for role in self.roles.values():
            if role.path == path:
                raise InvalidInput(
                    f"Service role name {role.name} has been taken in this account, please try a "
                    "different suffix."
                )
        return original(self, service_name, description, suffix)
