"""Which target groups tasks are in, and how their traffic is moved from one to the other.

Of each port with a pair of target groups the first one serves; the tasks of a deployment that is to
take over are in the other one. Once they have, ECS turns the pair round: who sends the pair as it
was before lets ECS take the wrong group for the one that serves
(hashicorp/terraform-provider-aws#45678). It does not look at the weights that are there
(aws/containers-roadmap#2853).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.aws.common.service_roles import Agent
from lab.policies.needs import Need
from lab.running.balancers.forwards import Forward, find
from lab.running.services.course import ALL
from lab.running.services.settings import AdvancedConfiguration, BalancedPort, Settings

if TYPE_CHECKING:
    from moto.elbv2.models import FakeTargetGroup

ECS = "ecs.amazonaws.com"
SESSION = "ECSNetworkingWithELB"


def balanced(settings: Settings, is_other: bool) -> list[BalancedPort]:
    """The ports that are targets, each in the group that serves, or in the other one."""
    entries = [e for e in settings.get("loadBalancers") or [] if e.get("targetGroupArn")]
    if not is_other:
        return entries
    return [{**e, "targetGroupArn": _pair(e)[1]} for e in entries]


def turned(entries: list[BalancedPort]) -> list[BalancedPort]:
    """The same ports once the other groups serve."""
    return [
        {
            **entry,
            "targetGroupArn": _pair(entry)[1],
            "advancedConfiguration": {**advanced, "alternateTargetGroupArn": _pair(entry)[0]},
        }
        if (advanced := entry.get("advancedConfiguration"))
        else entry
        for entry in entries
    ]


def move(settings: Settings, service: str, rule: str, share: float) -> None:
    """Gives the other groups of a service a share of what comes by the rules of a kind, in percent;
    NotAllowed where a role may not.
    """
    moves = [
        (entry, forward)
        for entry in settings.get("loadBalancers") or []
        if (forward := _forward(entry.get("advancedConfiguration") or {}, rule)) is not None
    ]
    for entry, forward in moves:
        _demand(entry, service, [_change(forward)])
    for entry, forward in moves:
        serving, other = _pair(entry)
        forward.move({serving: ALL - share, other: share})


def demand_targets(settings: Settings, service: str) -> None:
    """Goes on where the roles of a service may put tasks into its groups; NotAllowed where one may not."""
    for entry in settings.get("loadBalancers") or []:
        if entry.get("advancedConfiguration"):
            groups = _pair(entry)
            _demand(entry, service, [Need(_elb("RegisterTargets"), group) for group in groups])


def has_rule(settings: Settings, rule: str) -> bool:
    """Whether traffic comes by a rule of a kind."""
    entries = settings.get("loadBalancers") or []
    return any((it.get("advancedConfiguration") or {}).get(rule) for it in entries)


def target_group(arn: str) -> FakeTargetGroup | None:
    """A target group of any region."""
    from moto.elbv2.models import elbv2_backends

    for account in list(elbv2_backends.values()):
        for backend in list(account.values()):
            if arn in backend.target_groups:
                return backend.target_groups[arn]
    return None


def is_of_network(settings: Settings) -> bool:
    """Whether one of its load balancers passes connections on as they come."""
    entries = settings.get("loadBalancers") or []
    rules = [(e.get("advancedConfiguration") or {}).get("productionListenerRule") for e in entries]
    return any(":listener/net/" in rule for rule in rules if rule)


def _pair(entry: BalancedPort) -> tuple[str, str]:
    serving = entry["targetGroupArn"]
    advanced = entry.get("advancedConfiguration") or {}
    return serving, advanced.get("alternateTargetGroupArn") or serving


def _forward(advanced: AdvancedConfiguration, rule: str) -> Forward | None:
    arn = str(advanced.get(rule) or "")
    return find(arn) if arn else None


def _change(forward: Forward) -> Need:
    action = "ModifyListener" if ":listener/" in forward.arn else "ModifyRule"
    return Need(_elb(action), forward.arn)


def _demand(entry: BalancedPort, service: str, needs: list[Need]) -> None:
    role = entry["advancedConfiguration"].get("roleArn", "")
    Agent(role, ECS, SESSION, service).demand(needs)


def _elb(action: str) -> str:
    return f"elasticloadbalancing:{action}"
