"""What an alias to a load balancer answers, and whether Route 53 takes it for healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.running.balancers.targets import Targets
from lab.running.balancers.way import all_balancers

if TYPE_CHECKING:
    from moto.elbv2.models import FakeLoadBalancer

    from lab.world.lab import Lab

# The console writes it before the names of load balancers; it stands for the same one.
PREFIX = "dualstack."


def balancer_called(name: str) -> FakeLoadBalancer | None:
    """The load balancer with a DNS name, in whatever form the name is."""
    wanted = name.lower().removeprefix(PREFIX).removesuffix(".").replace("\\072", ":")
    return next((it for it in all_balancers() if str(it.dns_name).lower() == wanted), None)


def address_of(balancer: FakeLoadBalancer) -> str:
    """Where it listens: its DNS name is a loopback address, or one with a port."""
    return str(balancer.dns_name).partition(":")[0]


def is_healthy(lab: Lab, balancer: FakeLoadBalancer) -> bool:
    """Whether each of its groups that has targets has a healthy one, and one of them has any."""
    targets = lab.part(Targets)
    groups = [found for arn in _groups(balancer) if (found := targets.of(arn))]
    return bool(groups) and all(
        any(target.state[0] == "healthy" for target in group) for group in groups
    )


def _groups(balancer: FakeLoadBalancer) -> set[str]:
    from moto.elbv2.models import elbv2_backends

    from lab.world.places import of_arn

    account, region = of_arn(balancer.arn)
    backend: Any = elbv2_backends[account][region]
    return {
        arn
        for listener in list(balancer.listeners.values())
        for rule in list(listener.rules.values())
        for action in rule.actions
        for arn in backend._get_target_group_arns_from(action_data=action.data)
    }
