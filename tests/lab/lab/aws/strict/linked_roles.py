"""What first takes a service-linked role of an account does not see it yet."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend
from moto.iam.models import iam_backends
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches the first calls of ECS and of RDS in an account."""

    @patch(EC2ContainerServiceBackend)
    def create_cluster(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_unseen(lab, self.account_id, self.partition, "ecs.amazonaws.com"):
            raise InvalidParameterException(
                "Unable to assume the service linked role. Please verify that the ECS service linked "
                "role exists."
            )
        return original(self, *args, **kwargs)

    for operation in ("create_db_subnet_group", "create_db_instance"):
        _patch_rds(lab, operation)


def _patch_rds(lab: Lab, operation: str) -> None:
    @patch(RDSResponse, operation)
    def call(original: Any, self: Any) -> Any:
        if _is_unseen(lab, self.current_account, self.partition, "rds.amazonaws.com"):
            raise RDSClientError(
                "InvalidParameterValue",
                "Unable to create the resource. Verify that you have permission to create service "
                "linked role. Otherwise wait and try again later",
            )
        return original(self)


def _is_unseen(lab: Lab, account: str, partition: str, service: str) -> bool:
    """Whether the role is young; a service makes one that is not there."""
    iam = iam_backends[account][partition]
    path = f"/aws-service-role/{service}/"
    linked = [role for role in iam.roles.values() if role.path == path]
    if not linked and lab.strict.is_on("linked-role"):
        linked = [iam.create_service_linked_role(service, "", "")]
    return any(lab.strict.is_fresh("linked-role", role) for role in linked)
