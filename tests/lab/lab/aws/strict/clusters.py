"""The first cluster meets no linked role, and the first service no cluster."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import ClusterNotFoundException, InvalidParameterException
from moto.ecs.models import Cluster, EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.iam.models import iam_backends

from lab.aws.common.patching import patch
from lab.world.lab import Lab

LINKED_ROLES = "/aws-service-role/ecs.amazonaws.com/"


def install(lab: Lab) -> None:
    """Patches clusters and those who name them."""

    @patch(Cluster, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)

    @patch(EC2ContainerServiceBackend)
    def create_cluster(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        iam = iam_backends[self.account_id][self.partition]
        linked = [role for role in iam.roles.values() if role.path == LINKED_ROLES]
        if not linked and lab.strict.is_on("linked-role"):
            linked = [iam.create_service_linked_role("ecs.amazonaws.com", "", "")]
        if any(lab.strict.is_fresh("linked-role", role) for role in linked):
            raise InvalidParameterException(
                "Unable to assume the service linked role. Please verify that the ECS service linked "
                "role exists."
            )
        return original(self, *args, **kwargs)

    for operation in ("create_service", "run_task"):
        _patch_user(lab, operation)


def _patch_user(lab: Lab, operation: str) -> None:
    @patch(EC2ContainerServiceResponse, operation)
    def use(original: Any, self: Any) -> Any:
        cluster = self.ecs_backend._get_cluster(self._get_param("cluster", "default"))
        if lab.strict.is_fresh("cluster", cluster):
            raise ClusterNotFoundException()
        return original(self)
