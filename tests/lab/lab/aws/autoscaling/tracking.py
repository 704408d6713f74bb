"""Policies that keep a load where it is: more tasks soon, fewer late, by two alarms each.

The alarms are those of AWS: three minutes above the target, fifteen below nine tenths of it
("Target tracking scaling policies" in the Application Auto Scaling user guide).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends as backends

from lab.aws.cloudwatch.metrics import answers, metrics_of
from lab.running.services.load import Load, Loads
from lab.running.services.service import Service
from lab.world.lab import Lab
from lab.world.places import Place

MINUTES_ABOVE = 3
MINUTES_BELOW = 15
# Of the target: below it there is room for fewer.
LOW = 0.9
COOLDOWN = 300

# Sets the number of a target's tasks, and says for what cause.
Scale = Callable[[Any, int, str], None]


@dataclass
class Alarms:
    """How long a load has been too much or too little, and when that last led to something."""

    above: int = 0
    below: int = 0
    out: float = 0.0
    inwards: float = 0.0

    def see(self, value: float, target: float) -> None:
        """Takes another minute into account."""
        self.above = self.above + 1 if value > target else 0
        self.below = self.below + 1 if value < target * LOW else 0


class Tracking:
    """What follows from each minute."""

    def __init__(self, lab: Lab, scale: Scale) -> None:
        self._lab = lab
        self._scale = scale
        self._alarms: dict[str, Alarms] = {}
        lab.resets.append(self._alarms.clear)
        lab.part(Loads).watchers.append(self.look)

    def look(self, service: Service, load: Load) -> None:
        """Takes the load of a service's last minute into account."""
        scaled = f"service/{service.cluster.name}/{service.name}"
        backend = backends[service.place.account][service.place.region]
        target = backend.targets.get("ecs:service:DesiredCount", {}).get(scaled)
        policies = [it for it in backend.policies.values() if it.resource_id == scaled]
        if target is None or not policies:
            return
        running = sum(1 for task in service.present if task.last_status == "RUNNING")
        seen = list(self._seen(policies, load, service.place))
        wanted = [
            (math.ceil(running * value / goal), policy, alarms)
            for policy, alarms, value, goal in seen
            if alarms.above >= MINUTES_ABOVE and self._has_cooled(policy, alarms.out, "Out")
        ]
        if wanted:
            count, policy, alarms = max(wanted, key=lambda it: it[0])
            self._apply(target, service, max(count, running + 1), policy, "High")
            alarms.out, alarms.above = time.monotonic(), 0
            return
        # Fewer only where all agree, and none while a deployment goes on.
        is_quiet = service.primary.rollout == "COMPLETED"
        agree = [
            (math.ceil(running * value / goal), policy, alarms)
            for policy, alarms, value, goal in seen
            if alarms.below >= MINUTES_BELOW
            and self._has_cooled(policy, max(alarms.out, alarms.inwards), "In")
        ]
        if is_quiet and agree and len(agree) == len(policies):
            count, policy, alarms = max(agree, key=lambda it: it[0])
            self._apply(target, service, max(count, 1), policy, "Low")
            alarms.inwards = time.monotonic()

    def _seen(
        self, policies: list[Any], load: Load, place: Place
    ) -> Iterator[tuple[Any, Alarms, float, float]]:
        for policy in policies:
            tracking = policy.target_tracking_scaling_policy_configuration or {}
            metric = tracking.get("PredefinedMetricSpecification") or {}
            customized = tracking.get("CustomizedMetricSpecification")
            value = self._computed(place, customized) if customized else _value(metric, load)
            if value is None:
                continue
            goal = float(tracking["TargetValue"])
            alarms = self._alarms.setdefault(policy.policy_arn, Alarms())
            alarms.see(value, goal)
            yield policy, alarms, value, goal

    def _computed(self, place: Place, customized: dict[str, Any]) -> float | None:
        """The newest value of what is computed of several metrics, of the last two minutes: of one
        that is not over yet not all have reported.
        """
        queries = [_each_minute(query) for query in customized.get("Metrics") or []]
        shown = [it["Id"] for it in queries if it.get("ReturnData", True)]
        minute = self._lab.part(Loads).minute
        over = time.time() // minute * minute
        found = answers(metrics_of(place), queries, over - 2 * minute, over, minute)
        values = found.get(shown[0], {}) if len(shown) == 1 else {}
        return values[max(values)] if values else None

    def _has_cooled(self, policy: Any, since: float, way: str) -> bool:
        tracking = policy.target_tracking_scaling_policy_configuration
        seconds = float(tracking.get(f"Scale{way}Cooldown", COOLDOWN))
        return time.monotonic() - since >= seconds / 60 * self._lab.part(Loads).minute

    def _apply(self, target: Any, service: Service, count: int, policy: Any, which: str) -> None:
        bounded = min(max(count, int(target.min_capacity)), int(target.max_capacity))
        if bounded != service.desired and (bounded > service.desired) == (which == "High"):
            cause = (
                f"monitor alarm TargetTracking-{target.resource_id}-Alarm{which} in state ALARM "
                f"triggered policy {policy.policy_name}"
            )
            self._scale(target, bounded, cause)


def _each_minute(query: dict[str, Any]) -> dict[str, Any]:
    """A query of a policy, which says no period where it is a minute."""
    asked = query.get("MetricStat")
    return {**query, "MetricStat": {"Period": 60, **asked}} if asked else query


def _value(metric: dict[str, str], load: Load) -> float | None:
    """What a policy measures; None where there is nothing to measure."""
    kind = metric.get("PredefinedMetricType")
    if kind == "ECSServiceAverageCPUUtilization":
        return fmean(load.cpu) if load.cpu else None
    if kind == "ECSServiceAverageMemoryUtilization":
        return fmean(load.memory) if load.memory else None
    group = str(metric.get("ResourceLabel", "")).partition("/targetgroup/")[2]
    counts = [it for arn, it in load.requests.items() if arn.endswith(f":targetgroup/{group}")]
    return counts[0] if counts and group else None
