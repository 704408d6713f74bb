"""A service of ECS is shown late: as it was before it was made or changed, and so are its rollouts."""

from __future__ import annotations

import time
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from lab.aws.common.patching import patch
from lab.aws.ecs.service_shape import describe
from lab.running.services.scheduler import Services
from lab.running.services.service import Service
from lab.world.lab import Lab


class Former:
    """What each service was like before its last change, by its ARN; nothing for a new one."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._shapes: dict[str, tuple[float, dict[str, Any] | None]] = {}
        lab.resets.append(self._shapes.clear)

    def keep(self, arn: str, shape: dict[str, Any] | None) -> None:
        """Notes what it was like; while an earlier change is not shown yet, that counts."""
        if not self.lags(arn):
            self._shapes[arn] = (time.monotonic(), shape)

    def lags(self, arn: str) -> bool:
        """Whether it is still shown as it was."""
        began, _ = self._shapes.get(arn, (0.0, None))
        delay = self._lab.strict.seconds("service")
        return arn in self._shapes and time.monotonic() - began < delay

    def shape(self, arn: str) -> dict[str, Any] | None:
        """As it was."""
        return self._shapes[arn][1]


def install(lab: Lab) -> None:
    """Patches what changes services, and what shows them."""
    former = Former(lab)
    for operation in ("create_service", "update_service"):
        _patch_change(lab, former, operation)
    _patch_description(former)
    _patch_lists(former)


def _patch_change(lab: Lab, former: Former, operation: str) -> None:
    @patch(Response, operation)
    def change(original: Any, self: Any) -> ActionResult:
        name = self._get_param("serviceName") or self._get_param("service")
        cluster = self.ecs_backend._get_cluster(self._get_param("cluster", "default"))
        before: Service | None = lab.part(Services).find(cluster, name)
        shape = describe(before, with_tags=True) if before else None
        answer: ActionResult = original(self)
        result: Any = answer.result
        # The same token again is no change.
        if lab.part(Services).find(cluster, name) is not before or operation != "create_service":
            former.keep(result["service"]["serviceArn"], shape)
        return answer


def _patch_description(former: Former) -> None:
    @patch(Response)
    def describe_services(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        with_tags = "TAGS" in (self._get_param("include") or [])
        shown: list[dict[str, Any]] = []
        for service in result["services"]:
            arn = service["serviceArn"]
            was = former.shape(arn) if former.lags(arn) else service
            if was is None:
                result["failures"].append({"arn": arn, "reason": "MISSING"})
            else:
                shown.append({k: v for k, v in was.items() if with_tags or k != "tags"})
        result["services"] = shown
        return answer


def _patch_lists(former: Former) -> None:
    @patch(Response)
    def list_services(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        result["serviceArns"] = [
            arn for arn in result["serviceArns"] if not (former.lags(arn) and _is_new(former, arn))
        ]
        return answer

    @patch(Response)
    def list_service_deployments(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        listed = result["serviceDeployments"]
        if listed and former.lags(arn := listed[0]["serviceArn"]):
            was = former.shape(arn) or {"deployments": []}
            began = max((d["createdAt"] for d in was["deployments"]), default=None)
            result["serviceDeployments"] = [
                entry for entry in listed if began is not None and entry["createdAt"] <= began
            ]
        return answer


def _is_new(former: Former, arn: str) -> bool:
    was = former.shape(arn)
    return was is None or was["status"] == "INACTIVE"
