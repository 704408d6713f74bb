"""What ECS refuses of a deployment's strategy, its hooks, and its pairs of target groups.

ECS API reference, `DeploymentConfiguration`, `LinearConfiguration`, `CanaryConfiguration`,
`DeploymentLifecycleHook`, `AdvancedConfiguration`; developer guide, "Required resources for Amazon ECS
blue/green deployments". Most of the words are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ecs.exceptions import InvalidParameterException

from lab.aws.ecs import hooks
from lab.running.balancers.forwards import find
from lab.running.services.records import ongoing
from lab.running.services.service import Service
from lab.running.services.settings import AdvancedConfiguration, BalancedPort, Settings
from lab.running.services.traffic import target_group

STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
LONGEST_BAKE = 1440
LINEAR = {"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}
CANARY = {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10}
# By strategy: the member that only it takes, its defaults, its percentage and the least of that.
OWN: dict[str, tuple[str, dict[str, Any], str, float]] = {
    "LINEAR": ("linearConfiguration", LINEAR, "stepPercent", 3.0),
    "CANARY": ("canaryConfiguration", CANARY, "canaryPercent", 0.1),
}
# What may change while another deployment than a rolling one goes on.
NEVER_WAITS = {"cluster", "service", "desiredCount"}


def complete(merged: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Fills in what a strategy has by default, and drops what another one had."""
    for strategy, (member, defaults, _, _) in OWN.items():
        if merged.get("strategy") == strategy:
            merged[member] = {**defaults, **(merged.get(member) or {})}
        elif member not in given:
            merged.pop(member, None)
    if merged.get("strategy") == "ROLLING" and "bakeTimeInMinutes" not in given:
        merged["bakeTimeInMinutes"] = 0


def check(settings: Settings) -> None:
    """Refuses a configuration that is none."""
    configuration: dict[str, Any] = dict(settings["deploymentConfiguration"])
    strategy = configuration.get("strategy", "ROLLING")
    if strategy not in STRATEGIES:
        raise InvalidParameterException(f"The deployment strategy {strategy} is not supported.")
    for owner, (member, _, percent, least) in OWN.items():
        if configuration.get(member) and strategy != owner:
            kind = owner.capitalize()
            raise InvalidParameterException(
                f"{kind} configuration can only be present with {owner} deployment strategy."
            )
        if strategy == owner:
            _check_shift(configuration[member], percent, least)
    _check_minutes("bakeTimeInMinutes", configuration.get("bakeTimeInMinutes") or 0)
    if strategy == "ROLLING" and configuration.get("bakeTimeInMinutes"):
        raise InvalidParameterException(
            "bakeTimeInMinutes cannot be set with the ROLLING deployment strategy."
        )
    if strategy != "ROLLING" and (configuration.get("deploymentCircuitBreaker") or {}).get(
        "enable"
    ):
        raise InvalidParameterException(
            "Deployment circuit breaker is only supported with the ROLLING deployment strategy."
        )
    hooks.check(configuration.get("lifecycleHooks") or [])


def check_pairs(settings: Settings) -> None:
    """Refuses pairs that do not fit the strategy, or one another."""
    for entry in settings.get("loadBalancers") or []:
        _check_pair(entry, settings["deploymentConfiguration"].get("strategy", "ROLLING"))


def check_new(request: Mapping[str, Any]) -> None:
    """Refuses what is only asked of a service when it is made."""
    given = request.get("deploymentConfiguration") or {}
    if given.get("strategy") == "BLUE_GREEN" and given.get("bakeTimeInMinutes") is None:
        raise InvalidParameterException(
            "bakeTimeInMinutes must be specified with the BLUE_GREEN deployment strategy."
        )


def check_change(service: Service, request: Mapping[str, Any]) -> None:
    """Refuses changes that a deployment is in the way of, and a strategy whose pair of target groups
    is not there yet.
    """
    under_way = ongoing(service)
    if under_way is not None and under_way.has_stages and set(request) - NEVER_WAITS:
        raise InvalidParameterException(
            "The service cannot be updated while there is a deployment in progress."
        )
    current = service.settings["deploymentConfiguration"].get("strategy", "ROLLING")
    wanted = (request.get("deploymentConfiguration") or {}).get("strategy") or current
    if wanted == current:
        return
    if under_way is not None:
        raise InvalidParameterException(
            "The deployment strategy cannot be changed while there is a deployment in progress."
        )
    entries = service.settings.get("loadBalancers") or []
    if current == "ROLLING" and not all(it.get("advancedConfiguration") for it in entries):
        raise InvalidParameterException(
            f"The deployment strategy cannot be changed to {wanted}: the service's load balancers "
            "have no advancedConfiguration. Update these first."
        )


def _check_shift(given: Mapping[str, Any], percent: str, least: float) -> None:
    value = float(given[percent])
    if not least <= value <= 100 or abs(value * 10 - round(value * 10)) > 1e-6:
        raise InvalidParameterException(
            f"{percent} must be a multiple of 0.1 between {least} and 100.0."
        )
    for member, minutes in given.items():
        if member != percent:
            _check_minutes(member, minutes)


def _check_minutes(member: str, minutes: int) -> None:
    if not 0 <= int(minutes) <= LONGEST_BAKE:
        raise InvalidParameterException(f"{member} must be between 0 and {LONGEST_BAKE}.")


def _check_pair(entry: BalancedPort, strategy: str) -> None:
    advanced = entry.get("advancedConfiguration")
    if advanced is None:
        if strategy != "ROLLING" and entry.get("targetGroupArn"):
            raise InvalidParameterException(
                f"advancedConfiguration is required for load balancers with the {strategy} "
                "deployment strategy."
            )
        return
    for member in ("alternateTargetGroupArn", "productionListenerRule", "roleArn"):
        if not advanced.get(member):
            raise InvalidParameterException(f"advancedConfiguration must have a {member}.")
    serving, other = entry["targetGroupArn"], advanced["alternateTargetGroupArn"]
    if serving == other:
        raise InvalidParameterException(
            "targetGroup and alternateTargetGroup must not be the same target group."
        )
    group = target_group(other)
    if group is None:
        raise InvalidParameterException(
            "Unable to assume role and validate the specified targetGroupArn. Please verify that "
            f"the target group {other} exists."
        )
    if group.target_type != "ip":
        raise InvalidParameterException(
            f"The provided target group {other} has target type {group.target_type}, which is "
            "incompatible with the awsvpc network mode specified in the task definition."
        )
    _check_rules(advanced, {serving, other})


def _check_rules(advanced: AdvancedConfiguration, pair: set[str]) -> None:
    reached: set[str] = set()
    rules = [advanced["productionListenerRule"], advanced.get("testListenerRule")]
    for arn in [str(rule) for rule in rules if rule]:
        if ":listener/app/" in arn:
            raise InvalidParameterException(
                f"{arn} is not the ARN of a listener rule. Application Load Balancers need one."
            )
        forward = find(arn)
        if forward is None:
            raise InvalidParameterException(
                "Unable to assume role and validate the listeners configured on your load "
                f"balancer: {arn} does not exist."
            )
        if not forward.is_pure:
            raise InvalidParameterException(
                f"The listener rule {arn} must only have actions of type forward."
            )
        reached |= set(forward.weights())
    if not pair <= reached:
        raise InvalidParameterException(
            "Both targetGroup and alternateTargetGroup must be associated with the "
            "productionListenerRule or the testListenerRule."
        )
