"""Targets of load balancers: registered, really checked, draining, gone.

States, reasons and descriptions are ELB's. A new target is healthy after its first passed
check; afterwards the thresholds of its target group count.
"""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from h2.exceptions import ProtocolError

from lab.running.balancers.health import judge, probe
from lab.running.balancers.stickiness import place
from lab.running.reach.groups import is_open
from lab.running.tasks.roster import Tasks

if TYPE_CHECKING:
    from moto.elbv2.models import FakeTargetGroup

    from lab.world.lab import Lab

SHORTEST_INTERVAL = 0.1
INITIAL = ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = ("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = ("healthy", None, None)
UNUSED = (
    "unused",
    "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)
DRAINING = (
    "draining",
    "Target.DeregistrationInProgress",
    "Target deregistration is in progress",
)
NOT_REGISTERED = (
    "unused",
    "Target.NotRegistered",
    "Target is not registered to the target group",
)
State = tuple[str, str | None, str | None]


@dataclass
class Target:
    """One address and port in one target group."""

    group: str
    id: str
    port: int
    state: State = INITIAL
    passed: int = 0
    failed: int = 0
    next_check: float = 0.0
    checking: bool = False
    active: int = 0

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes a target one of its own."""
        return (self.group, self.id, self.port)


class Targets:
    """Every target of every group, and the thread that checks them."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._targets: dict[tuple[str, str, int], Target] = {}
        self._lock = threading.Lock()
        self._turns: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="health")
        lab.resets.append(self._targets.clear)
        threading.Thread(target=self._watch, name="health", daemon=True).start()

    def register(self, group: str, id: str, port: int) -> None:
        """Adds a target, or takes it back while it drains."""
        with self._lock:
            target = self._targets.setdefault((group, id, port), Target(group, id, port))
            if target.state == DRAINING:
                target.state, target.passed, target.failed = INITIAL, 0, 0

    def deregister(self, group: str, id: str, port: int, delay: float) -> bool:
        """Lets a target drain for `delay` seconds; false when there is no such target."""
        with self._lock:
            target = self._targets.get((group, id, port))
            if target is None:
                return False
            target.state = DRAINING
        self._lab.timers.after(delay, lambda: self._remove(target))
        return True

    def forget_group(self, group: str) -> None:
        """Drops all targets of a group that was deleted."""
        with self._lock:
            for key in [key for key in self._targets if key[0] == group]:
                del self._targets[key]

    def of(self, group: str) -> list[Target]:
        """The targets of a group, in the order of their registration."""
        with self._lock:
            return [target for target in self._targets.values() if target.group == group]

    def described(self, group: str, asked: list[tuple[str, int]]) -> list[Target]:
        """The targets of a group, or those that are asked for, known or not."""
        known = self.of(group)
        if not asked:
            return known
        by_place = {(target.id, target.port): target for target in known}
        return [
            by_place.get(place) or Target(group, *place, state=NOT_REGISTERED) for place in asked
        ]

    def version(self, group: str) -> str:
        """The protocol version that a group's targets are spoken to in."""
        found = self._groups().get(group)
        return str(found.protocol_version or "HTTP1") if found else "HTTP1"

    def host(self, target: Target, group: FakeTargetGroup | None = None) -> str:
        """Where a target really is."""
        found = group or self._groups().get(target.group)
        vpc = str(found.vpc_id) if found else ""
        return self._lab.part(Tasks).loopback(vpc, target.id)

    def is_reached(self, target: Target, protocol: str = "tcp") -> bool:
        """Whether security groups let its load balancer in to a target."""
        found = self._groups().get(target.group)
        return found is None or is_open(found, target.id, target.port, protocol)

    def is_encrypted(self, group: str) -> bool:
        """Whether a group's targets are spoken to by TLS."""
        found = self._groups().get(group)
        return found is not None and found.protocol in ("HTTPS", "TLS")

    def stickiness(self, group: str) -> int:
        """How many seconds a client stays with a target of a group by cookie; 0 for not at all."""
        found = self._groups().get(group)
        if found is None or found.attributes.get("stickiness.enabled") != "true":
            return 0
        return int(str(found.attributes["stickiness.lb_cookie.duration_seconds"]))

    def choose(self, group: str, stuck: str = "") -> Target | None:
        """The one that a client is stuck to, else the next healthy target in turn; the next unhealthy
        one when none is, as ELB fails open.

        A new target gets nothing before its first passed check (ELB user guide, "Register targets").
        """
        present = self.of(group)
        healthy = [target for target in present if target.state[0] == "healthy"]
        candidates = healthy or [target for target in present if target.state[0] == "unhealthy"]
        if not candidates:
            return None
        if stuck and self.stickiness(group):
            for target in healthy:
                if place(*target.key) == stuck:
                    return target
        with self._lock:
            turn = self._turns[group] = self._turns.get(group, -1) + 1
        return candidates[turn % len(candidates)]

    def served(self, group: str) -> int:
        """How many requests a group's targets have had."""
        with self._lock:
            return self._turns.get(group, -1) + 1

    def _remove(self, target: Target) -> None:
        with self._lock:
            if target.state == DRAINING:
                self._targets.pop(target.key, None)

    def _watch(self) -> None:
        while True:
            time.sleep(0.02)
            now = time.monotonic()
            with self._lock:
                due = [t for t in self._targets.values() if t.next_check <= now and not t.checking]
            if due:
                self._lab.guard("health checks", partial(self._begin, due, now))

    def _begin(self, due: list[Target], now: float) -> None:
        groups = self._groups()
        for target in due:
            group = groups.get(target.group)
            if group is None or target.state == DRAINING:
                target.next_check = now + SHORTEST_INTERVAL
                continue
            interval = float(group.health_check_interval_seconds) * self._lab.options.scale
            target.next_check = now + max(interval, SHORTEST_INTERVAL)
            if not group.load_balancer_arns:
                target.state = UNUSED
                continue
            if target.state in (UNUSED, INITIAL):
                target.state = CHECKING
            target.checking = True
            self._pool.submit(self._check, target, group)

    @staticmethod
    def _groups() -> dict[str, FakeTargetGroup]:
        from moto.elbv2.models import elbv2_backends

        return {
            arn: group
            for account in list(elbv2_backends.values())
            for backend in list(account.values())
            for arn, group in list(backend.target_groups.items())
        }

    def _check(self, target: Target, group: FakeTargetGroup) -> None:
        try:
            failure = self._probe(target, group)
        finally:
            target.checking = False
        if target.state == DRAINING:
            return
        if failure is None:
            target.passed, target.failed = target.passed + 1, 0
            enough = 1 if target.state[0] == "initial" else int(group.healthy_threshold_count)
            if target.passed >= enough:
                target.state = HEALTHY
            return
        target.passed, target.failed = 0, target.failed + 1
        if target.state[0] == "unhealthy" or target.failed >= int(group.unhealthy_threshold_count):
            target.state = ("unhealthy", *failure)

    def _probe(self, target: Target, group: FakeTargetGroup) -> tuple[str, str] | None:
        if self._lab.options.hollow:
            return None
        port = group.health_check_port
        number = target.port if port in (None, "traffic-port") else int(port)
        timeout = float(group.health_check_timeout_seconds)
        if self._lab.options.scale < 1:
            timeout = min(timeout, max(1.0, timeout * self._lab.options.scale))
        if not is_open(group, target.id, number):
            return ("Target.Timeout", "Request timed out")
        host = self.host(target, group)
        try:
            return judge(probe(host, number, timeout, group), group)
        except TimeoutError:
            return ("Target.Timeout", "Request timed out")
        except (OSError, http.client.HTTPException, ProtocolError):
            return ("Target.FailedHealthChecks", "Health checks failed")


def describe(target: Target, group: FakeTargetGroup) -> dict[str, Any]:
    """One entry of DescribeTargetHealth."""
    state, reason, description = target.state
    health = {"State": state, "Reason": reason, "Description": description}
    port = group.health_check_port
    return {
        "Target": {"Id": target.id, "Port": target.port},
        "HealthCheckPort": str(target.port if port in (None, "traffic-port") else port),
        "TargetHealth": {key: value for key, value in health.items() if value is not None},
    }
