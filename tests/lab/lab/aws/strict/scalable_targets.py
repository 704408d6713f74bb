"""A scalable target just registered: it is not listed at first, and takes no policy."""

from __future__ import annotations

from typing import Any

from moto.applicationautoscaling.models import ApplicationAutoscalingBackend as Backend
from moto.applicationautoscaling.models import FakeScalableTarget
from moto.core.exceptions import JsonRESTError

from lab.aws.common.patching import patch
from lab.world.lab import Lab

INSIDE = ("put_scaling_policy", "put_scheduled_action")


def install(lab: Lab) -> None:
    """Patches targets and what is put into them."""

    @patch(FakeScalableTarget, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)

    @patch(Backend)
    def describe_scalable_targets(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, *args, **kwargs)
        return [it for it in found if not lab.strict.is_fresh("scalable-target", it)]

    for operation in INSIDE:
        _patch_inside(lab, operation)


def _patch_inside(lab: Lab, operation: str) -> None:
    @patch(Backend, operation)
    def put(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        for targets in self.targets.values():
            for target in targets.values():
                is_named = target.resource_id in (*args, *kwargs.values())
                if is_named and lab.strict.is_fresh("scalable-target", target):
                    raise JsonRESTError(
                        "ObjectNotFoundException",
                        f"No scalable target found for resource ID: {target.resource_id}",
                    )
        return original(self, *args, **kwargs)
