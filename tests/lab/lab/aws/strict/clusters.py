"""The first service meets no cluster."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import ClusterNotFoundException
from moto.ecs.models import Cluster
from moto.ecs.responses import EC2ContainerServiceResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches clusters and those who name them."""

    @patch(Cluster, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)

    for operation in ("create_service", "run_task"):
        _patch_user(lab, operation)


def _patch_user(lab: Lab, operation: str) -> None:
    @patch(EC2ContainerServiceResponse, operation)
    def use(original: Any, self: Any) -> Any:
        cluster = self.ecs_backend._get_cluster(self._get_param("cluster", "default"))
        if lab.strict.is_fresh("cluster", cluster):
            raise ClusterNotFoundException()
        return original(self)
