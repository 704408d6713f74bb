"""What first takes a service-linked role of an account makes it, and may not see it yet."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend
from moto.elbv2.models import ELBv2Backend
from moto.iam.models import iam_backends
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches the calls that may be the first of an account."""

    @patch(EC2ContainerServiceBackend)
    def create_cluster(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_unseen(lab, self.account_id, self.partition, "ecs.amazonaws.com"):
            raise InvalidParameterException(
                "Unable to assume the service linked role. Please verify that the ECS service linked "
                "role exists."
            )
        return original(self, *args, **kwargs)

    @patch(ELBv2Backend)
    def create_load_balancer(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        _linked(self.account_id, self.partition, "elasticloadbalancing.amazonaws.com")
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
    """Whether the role is young."""
    roles = _linked(account, partition, service)
    return any(lab.strict.is_fresh("linked-role", role) for role in roles)


def _linked(account: str, partition: str, service: str) -> list[Any]:
    """The roles of a service, which makes one where there is none."""
    iam = iam_backends[account][partition]
    path = f"/aws-service-role/{service}/"
    linked = [role for role in iam.roles.values() if role.path == path]
    return linked or [iam.create_service_linked_role(service, "", "")]
