"""What load balancers are measured by ("CloudWatch metrics for your Application Load Balancer").

Requests count where a target was chosen; answers by who gave them; codes that nobody gave and
times of targets that did not answer are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from lab.running.balancers.listening import Balancers
from lab.running.balancers.targets import Targets
from lab.running.balancers.traffic import Passage
from lab.running.balancers.way import all_balancers
from lab.world.lab import Lab
from lab.world.places import Place, of_arn

NAMESPACE = "AWS/ApplicationELB"
OF_NETWORK = "AWS/NetworkELB"
HOSTS = {"HealthyHostCount": "healthy", "UnHealthyHostCount": "unhealthy"}
Found = tuple[Place, str, str, Mapping[str, str], list[float], str]
# Of a load balancer, and of each of its groups.
Groups = dict[str, set[str]]


def measured(lab: Lab) -> Iterator[Found]:
    """What the last minute brought."""
    with lab.lock:
        groups = _groups()
    by_balancer: dict[str, list[Passage]] = defaultdict(list)
    for passage in lab.part(Balancers).traffic.take():
        by_balancer[passage.balancer].append(passage)
    for balancer, its_groups in groups.items():
        passages = by_balancer[balancer]
        whose = {"LoadBalancer": balancer.partition(":loadbalancer/")[2]}
        place = of_arn(balancer)
        yield from of_requests(place, whose, passages)
        for code in ("4XX", "5XX"):
            many = [it for it in passages if it.seconds is None and _class(it) == code]
            if many:
                yield _count(place, f"HTTPCode_ELB_{code}_Count", whose, len(many))
        for group in sorted(its_groups):
            both = {**whose, "TargetGroup": group.rsplit(":", 1)[-1]}
            mine = [passage for passage in passages if passage.group == group]
            yield from of_requests(place, both, mine)
            yield from _hosts(lab.part(Targets), group, place, both, len(mine))
    yield from _of_network(lab)


def _of_network(lab: Lab) -> Iterator[Found]:
    """Of network load balancers the hosts alone ("CloudWatch metrics for your Network Load
    Balancer").
    """
    with lab.lock:
        groups = _groups("net")
    for balancer, its_groups in groups.items():
        for group in sorted(its_groups):
            whose = {
                "LoadBalancer": balancer.partition(":loadbalancer/")[2],
                "TargetGroup": group.rsplit(":", 1)[-1],
            }
            states = [target.state[0] for target in lab.part(Targets).of(group)]
            for name, state in HOSTS.items() if states else ():
                many = [float(states.count(state))]
                yield of_arn(balancer), OF_NETWORK, name, whose, many, "Count"


def _groups(kind: str = "app") -> Groups:
    """The target groups behind every load balancer of a type that is active."""
    from moto.elbv2.models import elbv2_backends

    active = [it.arn for it in all_balancers() if it.state == "active"]
    found: Groups = {arn: set() for arn in active if f":loadbalancer/{kind}/" in arn}
    for account in list(elbv2_backends.values()):
        for backend in list(account.values()):
            for group in list(backend.target_groups.values()):
                for balancer in group.load_balancer_arns:
                    found.get(balancer, set()).add(group.arn)
    return found


def _class(passage: Passage) -> str:
    return f"{passage.status // 100}XX"


def _count(place: Place, name: str, whose: Mapping[str, str], many: float) -> Found:
    return place, NAMESPACE, name, whose, [float(many)], "Count"


def of_requests(place: Place, whose: Mapping[str, str], passages: list[Passage]) -> Iterator[Found]:
    """What requests are counted as."""
    yield _count(place, "RequestCount", whose, sum(it.group is not None for it in passages))
    answered = [it for it in passages if it.seconds is not None]
    for code in ("2XX", "3XX", "4XX", "5XX"):
        if many := sum(_class(it) == code for it in answered):
            yield _count(place, f"HTTPCode_Target_{code}_Count", whose, many)
    times = [it.seconds for it in answered if it.seconds is not None]
    if times:
        yield place, NAMESPACE, "TargetResponseTime", whose, times, "Seconds"


def _hosts(
    targets: Targets, group: str, place: Place, both: Mapping[str, str], requests: int
) -> Iterator[Found]:
    states = [target.state[0] for target in targets.of(group)]
    healthy = states.count("healthy")
    if states:
        yield _count(place, "HealthyHostCount", both, healthy)
        yield _count(place, "UnHealthyHostCount", both, states.count("unhealthy"))
    if healthy:
        for whose in (both, {"TargetGroup": both["TargetGroup"]}):
            yield _count(place, "RequestCountPerTarget", whose, requests / healthy)
