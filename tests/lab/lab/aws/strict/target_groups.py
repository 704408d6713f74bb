"""ECS learns late which target groups a new listener or rule forwards to."""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import InvalidParameterException
from moto.elbv2.models import FakeListener, FakeListenerRule, elbv2_backends

from lab.aws.common.patching import patch
from lab.aws.ecs import service_shape
from lab.running.services.settings import Settings
from lab.world.lab import Lab
from lab.world.places import Place


def install(lab: Lab) -> None:
    """Patches listeners, rules and the check of a service's load balancers."""
    for owner in (FakeListener, FakeListenerRule):
        _patch_made(lab, owner)
    original = service_shape.check

    def check(settings: Settings, definition: Any, place: Place) -> None:
        original(settings, definition, place)
        for entry in settings.get("loadBalancers") or []:
            arn = entry.get("targetGroupArn", "")
            users = list(_users(place, arn))
            if users and all(lab.strict.is_fresh("target-group", user) for user in users):
                raise InvalidParameterException(
                    f"The target group with targetGroupArn {arn} does not have an associated load "
                    "balancer."
                )

    service_shape.check = check


def _patch_made(lab: Lab, owner: type) -> None:
    @patch(owner, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)


def _users(place: Place, arn: str) -> list[Any]:
    """The listeners and rules that forward to a target group."""
    backend: Any = elbv2_backends[place.account][place.region]
    found: list[Any] = []
    for balancer in backend.load_balancers.values():
        for listener in balancer.listeners.values():
            found += [listener] if _forwards(backend, listener.default_actions, arn) else []
            rules = listener._non_default_rules.values()
            found += [rule for rule in rules if _forwards(backend, rule.actions, arn)]
    return found


def _forwards(backend: Any, actions: list[Any], arn: str) -> bool:
    return any(arn in backend._get_target_group_arns_from(action_data=a.data) for a in actions)
