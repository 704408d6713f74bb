"""Which target groups tasks are in, and how their traffic is moved from one to the other.

Of each port with a pair of target groups the first one serves; the tasks of a deployment that is to
take over are in the other one. Once they have, ECS turns the pair round: who sends the pair as it
was before lets ECS take the wrong group for the one that serves
(hashicorp/terraform-provider-aws#45678). It does not look at the weights that are there
(aws/containers-roadmap#2853).
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.common.service_roles import Agent
from lab.policies.needs import Need
from lab.running.balancers.forwards import Forward, find
from lab.running.services.settings import AdvancedConfiguration, BalancedPort, Settings

ECS = "ecs.amazonaws.com"
SESSION = "ECSNetworkingWithELB"
ALL = 100.0


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


def move(settings: Settings, rule: str, share: float) -> None:
    """Gives the other groups a share of what comes by the rules of a kind, in percent; NotAllowed
    where a role may not.
    """
    moves = [
        (entry, forward)
        for entry in settings.get("loadBalancers") or []
        if (forward := _forward(entry.get("advancedConfiguration") or {}, rule)) is not None
    ]
    for entry, forward in moves:
        _demand(entry, [_change(forward)])
    for entry, forward in moves:
        serving, other = _pair(entry)
        forward.move({serving: ALL - share, other: share})


def demand_targets(settings: Settings) -> None:
    """Goes on where the roles may put tasks into the other groups; NotAllowed where one may not."""
    for entry in settings.get("loadBalancers") or []:
        if entry.get("advancedConfiguration"):
            groups = _pair(entry)
            _demand(entry, [Need(_elb("RegisterTargets"), group) for group in groups])


def has_rule(settings: Settings, rule: str) -> bool:
    """Whether traffic comes by a rule of a kind."""
    entries = settings.get("loadBalancers") or []
    return any((it.get("advancedConfiguration") or {}).get(rule) for it in entries)


def is_of_network(settings: Settings) -> bool:
    """Whether one of its load balancers passes connections on as they come."""
    return any(":targetgroup" in _pair(e)[0] and _by_network(e) for e in _advanced(settings))


def _advanced(settings: Settings) -> Iterator[BalancedPort]:
    return (e for e in settings.get("loadBalancers") or [] if e.get("advancedConfiguration"))


def _by_network(entry: BalancedPort) -> bool:
    return ":listener/net/" in entry["advancedConfiguration"].get("productionListenerRule", "")


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


def _demand(entry: BalancedPort, needs: list[Need]) -> None:
    role = entry["advancedConfiguration"].get("roleArn", "")
    Agent(role, ECS, SESSION).demand(needs)


def _elb(action: str) -> str:
    return f"elasticloadbalancing:{action}"
