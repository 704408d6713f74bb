"""The metrics that AWS itself puts: each minute those of services, load balancers, databases, caches
and queues, as far as the lab runs them; of schedules as they come round, of executions as they begin and
end.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from lab.aws.cloudwatch import of_balancers, of_queues, of_servers
from lab.aws.cloudwatch.metrics import measure
from lab.running.machines.machine import Execution
from lab.running.machines.roster import Machines
from lab.running.schedules.invocations import Invocations
from lab.running.schedules.schedule import Schedule
from lab.running.services.load import Load, Loads
from lab.running.services.service import Service
from lab.world.lab import Lab
from lab.world.places import Place

Found = tuple[Place, str, str, Mapping[str, str], list[float], str]


def install(lab: Lab) -> None:
    """Puts what each minute brings."""
    loads = lab.part(Loads)
    loads.watchers.append(_put)
    servers = of_servers.Usage(lab)
    sources = (of_balancers.measured, servers.measured, of_queues.measured)
    loads.each_minute.append(partial(_put_all, lab, *sources))
    lab.part(Invocations).watchers.append(_count)
    lab.part(Machines).watchers.append(_count_execution)


def _count(schedule: Schedule, metric: str) -> None:
    whose = {"ScheduleGroup": schedule.group}
    _measure((schedule.place, "AWS/Scheduler", metric, whose, [1.0], "Count"))


def _count_execution(run: Execution) -> None:
    began = {"RUNNING": "Started", "TIMED_OUT": "TimedOut"}
    name = f"Executions{began.get(run.status, run.status.capitalize())}"
    whose = {"StateMachineArn": run.machine.arn}
    _measure((run.machine.place, "AWS/States", name, whose, [1.0], "Count"))


def _put(service: Service, load: Load) -> None:
    whose = {"ClusterName": service.cluster.name, "ServiceName": service.name}
    for name, values in (("CPUUtilization", load.cpu), ("MemoryUtilization", load.memory)):
        _measure((service.place, "AWS/ECS", name, whose, values, "Percent"))


def _put_all(lab: Lab, *sources: of_servers.Source) -> None:
    generation = lab.generation
    for source in sources:
        found = list(source(lab))
        with lab.lock:
            if generation == lab.generation:
                for one in found:
                    _measure(one)


def _measure(found: Found) -> None:
    place, namespace, name, whose, values, unit = found
    now = time.time()
    measure(
        {
            **place._asdict(),
            "namespace": namespace,
            "name": name,
            "dimensions": whose,
            "points": [(now, value) for value in values],
            "unit": unit,
        }
    )
