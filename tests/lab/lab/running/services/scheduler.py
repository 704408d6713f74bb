"""All services, and the thread that looks at each of them again and again."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.running.services.rollout import judge
from lab.running.services.service import Service
from lab.running.services.settings import Settings

if TYPE_CHECKING:
    from moto.ecs.models import Cluster

    from lab.running.tasks.roster import Tasks
    from lab.world.lab import Lab
    from lab.world.places import Place

TICK = 0.05


class Services:
    """Services by cluster and name."""

    def __init__(self, lab: Lab, tasks: Tasks) -> None:
        self._lab = lab
        self._tasks = tasks
        self._services: dict[tuple[str, str], Service] = {}
        # Before the tasks' own, or a service would start others in their place.
        lab.resets.insert(0, self._reset)
        lab.parts["services"] = self
        threading.Thread(target=self._run, name="services", daemon=True).start()

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        return {service.arn: service.status for service in list(self._services.values())}

    def add(self, cluster: Cluster, settings: Settings) -> Service:
        """Makes a service; one of the same name that is gone is forgotten."""
        service = Service(self._lab, cluster, settings)
        self._services[cluster.arn, service.name] = service
        return service

    def find(self, cluster: Cluster, name_or_arn: str) -> Service | None:
        """A service of a cluster by name or ARN."""
        return self._services.get((cluster.arn, name_or_arn.rsplit("/", 1)[-1]))

    def named(self, place: Place, cluster: str, name: str) -> Service | None:
        """A service of a place by the names of its cluster and its own."""
        for service in self.in_place(place):
            if service.cluster.name == cluster and service.name == name:
                return service
        return None

    def by_arn(self, arn: str) -> Service | None:
        """A service by its ARN."""
        return next((s for s in self._services.values() if s.arn == arn), None)

    def of(self, cluster: Cluster) -> list[Service]:
        """The services of a cluster, in the order of their creation."""
        return [s for s in self._services.values() if s.cluster.arn == cluster.arn]

    def all(self) -> list[Service]:
        """Every service."""
        return list(self._services.values())

    def in_place(self, place: Place) -> list[Service]:
        """The services of a place."""
        return [s for s in list(self._services.values()) if s.place == place]

    def _reset(self) -> None:
        with self._lab.lock:
            self._services.clear()

    def _run(self) -> None:
        while True:
            time.sleep(TICK)
            for service in list(self._services.values()):
                with self._lab.lock:
                    if service.status != "INACTIVE" and self.by_arn(service.arn) is service:
                        self._lab.guard(f"service {service.name}", partial(_look, service))
            for cluster in {service.cluster for service in list(self._services.values())}:
                self.count(cluster)

    def count(self, cluster: Cluster) -> None:
        """Brings the counts in a cluster's description up to date."""
        present = [task for task in self._tasks.all(cluster.arn) if not task.is_over]
        running = sum(1 for task in present if task.last_status == "RUNNING")
        cluster.running_tasks_count = running
        cluster.pending_tasks_count = sum(
            1 for t in present if t.last_status in ("PROVISIONING", "PENDING", "ACTIVATING")
        )
        cluster.active_services_count = sum(1 for s in self.of(cluster) if s.status == "ACTIVE")


def _look(service: Service) -> None:
    if service.tick():
        judge(service)
        service.forget_ended()
