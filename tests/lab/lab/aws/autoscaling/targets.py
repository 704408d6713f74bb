"""Application Auto Scaling over our services: counts are clamped, schedules run, tags are kept."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend as Backend,
)
from moto.applicationautoscaling.models import (
    FakeScalableTarget,
)
from moto.applicationautoscaling.models import (
    applicationautoscaling_backends as backends,
)
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse, _build_target
from moto.core.exceptions import JsonRESTError
from moto.core.resource_tagging import TaggedResource

from lab.aws.autoscaling import manners
from lab.aws.autoscaling.tracking import Tracking
from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.aws.common.schedules import is_due, is_valid
from lab.running.services.scheduler import Services
from lab.running.services.service import Service
from lab.world.lab import Lab
from lab.world.places import Place, everywhere, of_arn, of_backend, of_request

LOOK_SECONDS = 0.25
# Brings a service's count into the bounds of a target, and says for what cause.
Clamp = Callable[[FakeScalableTarget, str], None]
Activities = dict[tuple[Place, str], list[dict[str, Any]]]
PAGE = 50


def install(lab: Lab) -> None:
    """Patches moto's Application Auto Scaling and starts its clock."""
    services = lab.part(Services)
    activities: Activities = {}
    lab.resets.append(activities.clear)

    def scale(target: Any, wanted: int, cause: str) -> None:
        service = _service(services, of_arn(target.arn), target.resource_id)
        if service is not None:
            activities.setdefault((of_arn(target.arn), target.resource_id), []).insert(
                0, _activity(target, wanted, cause)
            )
            service.scale(wanted)

    def clamp(target: Any, cause: str) -> None:
        service = _service(services, of_arn(target.arn), target.resource_id)
        if service is None or target.min_capacity is None or target.max_capacity is None:
            return
        wanted = min(max(service.desired, int(target.min_capacity)), int(target.max_capacity))
        if wanted != service.desired:
            scale(target, wanted, cause)

    manners.install()
    _patch_targets(services, clamp)
    _patch_tags()
    _patch_activities(activities)
    Tracking(lab, scale)
    threading.Thread(
        target=_run, args=(lab, services, clamp), name="schedules", daemon=True
    ).start()


def tagged(place: Place) -> Iterator[TaggedResource]:
    """Scalable targets, for the tagging API and the inventory."""
    account, region = place
    if account in backends and region in backends[account].keys():
        for targets in list(backends[account][region].targets.values()):
            scalable: list[Any] = list(targets.values())
            for target in scalable:
                kind = "application-autoscaling:scalable-target"
                yield TaggedResource(target.arn, dict(target.lab_tags), kind)


def _service(services: Services, place: Place, resource_id: str) -> Service | None:
    _, cluster, name = resource_id.split("/")
    service = services.named(place, cluster, name)
    return service if service is not None and service.status == "ACTIVE" else None


def _patch_targets(services: Services, clamp: Clamp) -> None:
    @patch(FakeScalableTarget, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.lab_tags = {}
        self.role_arn = self.role_arn or (
            of_arn(self.arn).arn_of_iam(
                "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
                "AWSServiceRoleForApplicationAutoScaling_ECSService"
            )
        )
        self.suspended_state = self.suspended_state or {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        }

    @patch(Backend)
    def _ecs_service_exists_for_target(self: Any, r_id: str) -> bool:
        if _service(services, of_backend(self), r_id) is None:
            raise AWSValidationException(f"ECS service doesn't exist: {r_id}")
        return True

    @patch(ApplicationAutoScalingResponse)
    def register_scalable_target(original: Any, self: Any) -> str:
        answer: str = original(self)
        target = _find(of_request(self), json.loads(answer)["ScalableTargetARN"])
        target.lab_tags |= self._get_param("Tags") or {}
        if target.service_namespace == "ecs":
            clamp(target, "minimum or maximum capacity was changed")
        return answer

    @patch(ApplicationAutoScalingResponse)
    def describe_scalable_targets(self: Any) -> str:
        self._validate_params()
        found = self.applicationautoscaling_backend.describe_scalable_targets(
            self._get_param("ServiceNamespace"),
            self._get_param("ResourceIds"),
            self._get_param("ScalableDimension"),
        )
        wanted = self._get_int_param("MaxResults")
        shown, following = page(found, self._get_param("NextToken"), wanted, PAGE)
        return json.dumps(
            {"ScalableTargets": [_build_target(t) for t in shown], "NextToken": following}
        )

    @patch(Backend)
    def deregister_scalable_target(
        original: Any, self: Any, namespace: str, r_id: str, dimension: str
    ) -> None:
        original(self, namespace, r_id, dimension)
        for policy in list(self.policies.values()):
            if policy.resource_id == r_id and policy.scalable_dimension == dimension:
                self.delete_scaling_policy(policy.policy_name, namespace, r_id, dimension)
        self.scheduled_actions = [
            a
            for a in self.scheduled_actions
            if (a.resource_id, a.scalable_dimension) != (r_id, dimension)
        ]

    @patch(Backend)
    def put_scheduled_action(original: Any, self: Any, **kwargs: Any) -> None:
        if kwargs["schedule"] and not is_valid(kwargs["schedule"]):
            raise AWSValidationException(f"Invalid schedule expression: {kwargs['schedule']}")
        original(self, **kwargs)


def _patch_tags() -> None:
    @patch(ApplicationAutoScalingResponse)
    def list_tags_for_resource(self: Any) -> str:
        return json.dumps(
            {"Tags": _find(of_request(self), self._get_param("ResourceARN")).lab_tags}
        )

    @patch(ApplicationAutoScalingResponse)
    def tag_resource(self: Any) -> str:
        _find(of_request(self), self._get_param("ResourceARN")).lab_tags |= self._get_param("Tags")
        return "{}"

    @patch(ApplicationAutoScalingResponse)
    def untag_resource(self: Any) -> str:
        target = _find(of_request(self), self._get_param("ResourceARN"))
        for key in self._get_param("TagKeys"):
            target.lab_tags.pop(key, None)
        return "{}"


def _patch_activities(activities: Activities) -> None:
    @patch(ApplicationAutoScalingResponse)
    def describe_scaling_activities(self: Any) -> str:
        wanted = self._get_param("ResourceId")
        found = [
            activity
            for (place, id), many in activities.items()
            if place == of_request(self) and wanted in (None, id)
            for activity in many
        ]
        size = self._get_int_param("MaxResults")
        shown, following = page(found, self._get_param("NextToken"), size, PAGE)
        return json.dumps({"ScalingActivities": shown, "NextToken": following})


def _activity(target: Any, wanted: int, cause: str) -> dict[str, Any]:
    return {
        "ActivityId": str(uuid.uuid4()),
        "ServiceNamespace": "ecs",
        "ResourceId": target.resource_id,
        "ScalableDimension": target.scalable_dimension,
        "Description": f"Setting desired count to {wanted}.",
        "Cause": cause,
        "StartTime": time.time(),
        "EndTime": time.time(),
        "StatusCode": "Successful",
        "StatusMessage": f"Successfully set desired count to {wanted}. Change successfully "
        "fulfilled by ecs.",
    }


def _find(place: Place, arn: str) -> Any:
    for targets in backends[place.account][place.region].targets.values():
        for target in targets.values():
            if target.arn == arn:
                return target
    raise JsonRESTError("ResourceNotFoundException", f"No scalable target found for {arn}")


def _run(lab: Lab, services: Services, clamp: Clamp) -> None:
    last = lab.clock.now()
    while True:
        time.sleep(LOOK_SECONDS)
        now = lab.clock.now()
        last = min(last, now)
        with lab.lock:
            lab.guard("targets", partial(_let_go, services))
            lab.guard("schedules", partial(_look, clamp, last, now))
        last = now


def _let_go(services: Services) -> None:
    """A target goes with its service, and all that is inside of it."""
    for backend in everywhere(backends):
        for dimension, targets in backend.targets.items():
            for scaled, target in list(targets.items()):
                is_ours = target.service_namespace == "ecs"
                if is_ours and _service(services, of_backend(backend), scaled) is None:
                    backend.deregister_scalable_target("ecs", scaled, dimension)


def _look(clamp: Clamp, last: float, now: float) -> None:
    """Runs the scheduled actions that came round."""
    for backend in everywhere(backends):
        for action in backend.scheduled_actions:
            if not is_due(action.schedule, action.timezone, action.creation_time, last, now):
                continue
            target = backend.targets.get(action.scalable_dimension, {}).get(action.resource_id)
            change = action.scalable_target_action or {}
            if target is not None:
                target.update(change.get("MinCapacity"), change.get("MaxCapacity"), None)
                clamp(target, f"scheduled action name {action.scheduled_action_name} was triggered")
