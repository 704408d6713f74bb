"""What ECS refuses of the hooks of a deployment.

ECS API reference, `DeploymentLifecycleHook`; developer guide, "Lifecycle hooks for Amazon ECS service
deployments". The words are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.ecs.exceptions import InvalidParameterException

MOST_OF_A_TYPE = 10
LAMBDA = "AWS_LAMBDA"
PAUSE = "PAUSE"
# Where a Lambda function may be called, and where a deployment may wait.
SHIFTS = {"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"}
STAGES = SHIFTS | {
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
}
ACTIONS = ("CONTINUE", "ROLLBACK")
LONGEST_TIMEOUT = 20160


def check(hooks: Sequence[Mapping[str, Any]]) -> None:
    """Refuses hooks that are none, and too many of them."""
    for kind in (LAMBDA, PAUSE):
        if sum(hook.get("targetType", LAMBDA) == kind for hook in hooks) > MOST_OF_A_TYPE:
            raise InvalidParameterException(
                f"A service has at most {MOST_OF_A_TYPE} lifecycle hooks of type {kind}."
            )
    for hook in hooks:
        _check(hook)


def _check(hook: Mapping[str, Any]) -> None:
    kind, stages = hook.get("targetType", LAMBDA), set(hook.get("lifecycleStages") or [])
    if kind not in (LAMBDA, PAUSE):
        raise InvalidParameterException(f"The lifecycle hook target type {kind} is not supported.")
    allowed = STAGES if kind == LAMBDA else STAGES - SHIFTS
    if not stages or not stages <= allowed:
        raise InvalidParameterException(
            f"lifecycleStages of a hook of type {kind} are of {', '.join(sorted(allowed))}."
        )
    needed = ("hookTargetArn", "roleArn")
    if kind == LAMBDA and not all(hook.get(member) for member in needed):
        raise InvalidParameterException(
            f"A lifecycle hook of type {LAMBDA} must have a hookTargetArn and a roleArn."
        )
    if kind == PAUSE and any(hook.get(member) for member in needed):
        raise InvalidParameterException(
            f"A lifecycle hook of type {PAUSE} has neither a hookTargetArn nor a roleArn."
        )
    timeout = hook.get("timeoutConfiguration") or {}
    if not 1 <= int(timeout.get("timeoutInMinutes") or 1) <= LONGEST_TIMEOUT:
        raise InvalidParameterException(
            f"timeoutInMinutes must be between 1 and {LONGEST_TIMEOUT}."
        )
    if timeout.get("action", ACTIONS[0]) not in ACTIONS:
        raise InvalidParameterException(f"action must be one of {', '.join(ACTIONS)}.")
