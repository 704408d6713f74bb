"""What Application Auto Scaling says of what is not there or there already, where moto is kinder."""

from __future__ import annotations

from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend as Backend
from moto.applicationautoscaling.models import FakeApplicationAutoscalingPolicy as Policy
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Response
from moto.core.exceptions import JsonRESTError

from lab.aws.cloudwatch.expressions import BadExpression, names_in
from lab.aws.common.patching import patch


def install() -> None:
    """Patches targets, policies and scheduled actions."""
    _patch_targets()
    _patch_policies()
    _patch_actions()


def _patch_targets() -> None:
    @patch(Response)
    def register_scalable_target(original: Any, self: Any) -> str:
        backend = self.applicationautoscaling_backend
        target = _target(backend, self._get_param("ResourceId"))
        if target is not None and self._get_param("Tags"):
            raise AWSValidationException(
                f"The scalable target that you tried to tag already exists: {target.arn}. To update "
                "tags of an existing scalable target, use TagResource."
            )
        answer: str = original(self)
        return answer

    @patch(Backend)
    def deregister_scalable_target(
        original: Any, self: Any, namespace: str, r_id: str, dimension: str
    ) -> None:
        _must_be_there(self, r_id)
        original(self, namespace, r_id, dimension)


def _patch_policies() -> None:
    @patch(Backend)
    def put_scaling_policy(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        named = dict(zip(ARGUMENTS, args, strict=False)) | kwargs
        _must_be_there(self, named["resource_id"])
        _check_customized(named.get("policy_body") or {})
        key = Policy.formulate_key(
            named["service_namespace"],
            named["resource_id"],
            named["scalable_dimension"],
            named["policy_name"],
        )
        before = self.policies.get(key)
        if before is not None:
            if named["policy_type"] not in (None, before.policy_type):
                raise AWSValidationException("The policy type cannot be changed")
            before.delete_alarms(self.account_id, self.region_name)
        policy = original(self, *args, **kwargs)
        if before is not None:
            policy.policy_arn = before.policy_arn
        return policy

    @patch(Backend)
    def describe_scaling_policies(original: Any, self: Any, **kwargs: Any) -> Any:
        following, found = original(self, **kwargs)
        wanted = kwargs.get("resource_id")
        return following, [it for it in found if not wanted or it.resource_id == wanted]

    @patch(Backend)
    def delete_scaling_policy(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            original(self, *args, **kwargs)
        except AWSValidationException as gone:
            raise _not_found(gone.message) from None


def _check_customized(body: dict[str, Any]) -> None:
    """A policy follows one number, computed of what the expressions name ("Create a target tracking
    scaling policy using metric math").
    """
    queries = (body.get("CustomizedMetricSpecification") or {}).get("Metrics") or []
    if not queries:
        return
    if sum(bool(it.get("ReturnData", True)) for it in queries) != 1:
        raise AWSValidationException("Exactly one metric must return data.")
    known = {it["Id"] for it in queries}
    for query in queries:
        if ("Expression" in query) == ("MetricStat" in query):
            raise AWSValidationException("Specify either an expression or a metric.")
        try:
            unknown = names_in(query.get("Expression", "0")) - known
        except BadExpression as wrong:
            raise AWSValidationException(f"Invalid expression: {wrong}") from None
        if unknown:
            raise AWSValidationException(f"Unknown metrics: {', '.join(sorted(unknown))}")


ARGUMENTS = (
    "policy_name",
    "service_namespace",
    "resource_id",
    "scalable_dimension",
    "policy_body",
    "policy_type",
)


def _patch_actions() -> None:
    @patch(Backend)
    def put_scheduled_action(original: Any, self: Any, **kwargs: Any) -> None:
        _must_be_there(self, kwargs["resource_id"])
        change = kwargs["scalable_target_action"] or {}
        if not {"MinCapacity", "MaxCapacity"} & change.keys():
            raise AWSValidationException(
                "At least one of minimum capacity or maximum capacity must be set"
            )
        original(self, **kwargs)
        # What is left out of times goes; all else that is left out stays.
        for action in self.scheduled_actions:
            if _is_named(action, kwargs):
                action.start_time, action.end_time = kwargs["start_time"], kwargs["end_time"]

    @patch(Backend)
    def delete_scheduled_action(original: Any, self: Any, **kwargs: Any) -> None:
        if not any(_is_named(action, kwargs) for action in self.scheduled_actions):
            raise _not_found(f"No scheduled action found: {kwargs['scheduled_action_name']}")
        original(self, **kwargs)


def _is_named(action: Any, named: dict[str, Any]) -> bool:
    names = ("service_namespace", "scheduled_action_name", "resource_id", "scalable_dimension")
    return all(getattr(action, name) == named[name] for name in names)


def _target(backend: Any, resource_id: str) -> Any:
    found = (targets.get(resource_id) for targets in backend.targets.values())
    return next((target for target in found if target is not None), None)


def _must_be_there(backend: Any, resource_id: str) -> None:
    if _target(backend, resource_id) is None:
        raise _not_found(f"No scalable target found for resource ID: {resource_id}")


def _not_found(message: str) -> JsonRESTError:
    return JsonRESTError("ObjectNotFoundException", message)
