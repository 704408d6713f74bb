"""All tasks of the lab: started, found, listed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lab.running.tasks.task import Launch, Task
from lab.world.quotas import VCPUS

if TYPE_CHECKING:
    from lab.world.lab import Lab

STOPPED_VISIBLE = timedelta(hours=1)
STOPPED_KEPT = 1000


# ECS guide, service event messages and API failure reasons; sil-org/ecs-deploy issue 277.
NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"

NO_QUOTA = "You've reached the limit on the number of vCPUs you can run concurrently"
SPOT = "FARGATE_SPOT"


class NoPlace(Exception):
    """A task finds no place; the text is why."""


@dataclass
class Shortage:
    """How many more tasks find no place, and why: all of them without a number, and where a capacity
    provider is named those that it would run alone.
    """

    reason: str
    times: int | None
    provider: str

    def strikes(self, launch: Launch) -> bool:
        """Whether this task finds none; counts it."""
        if self.times == 0 or self.provider not in ("", launch.capacity):
            return False
        self.times = None if self.times is None else self.times - 1
        return True


class Tasks:
    """Running tasks, and stopped ones for the hour ECS shows them."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        # Told of every change of a task's status, under the lab's lock.
        self.watchers: list[Callable[[Task], None]] = []
        self._shortage = Shortage("", 0, "")
        lab.resets.append(self._reset)
        lab.parts["tasks"] = self

    def start(self, launch: Launch, drain: Callable[[Task], float] | None = None) -> Task:
        """Starts a task; `drain` is called when it stops and says how long to wait. NoPlace says why
        it is not started.
        """
        if self._shortage.strikes(launch):
            raise NoPlace(self._shortage.reason)
        if self._is_over_quota(launch):
            raise NoPlace(NO_QUOTA)
        task = Task(self._lab, launch, drain, self._changed)
        self._tasks[task.arn] = task
        self._lab.strict.made(task)
        self._changed(task)
        stopped = [other for other in self._tasks.values() if other.is_over]
        for old in stopped[:-STOPPED_KEPT]:
            del self._tasks[old.arn]
        return task

    def _changed(self, task: Task) -> None:
        for watcher in self.watchers:
            watcher(task)

    def lack(self, wanted: dict[str, Any]) -> None:
        """Lets so many of the next tasks find no place: `{"reason": …, "times": 2, "provider": …}`."""
        times = wanted.get("times", 1)
        self._shortage = Shortage(
            str(wanted.get("reason", NO_CAPACITY)),
            None if times is None else int(times),
            str(wanted.get("provider", "")),
        )

    def _is_over_quota(self, launch: Launch) -> bool:
        """Whether it has more vCPUs than a quota leaves, if one was applied."""
        quota = self._lab.quotas.applied(launch.place, *VCPUS[launch.capacity])
        if quota is None:
            return False
        present = [
            task.launch
            for task in self.present
            if (task.launch.place, task.launch.capacity) == (launch.place, launch.capacity)
        ]
        return sum(it.vcpus for it in [launch, *present]) > quota

    def interrupt(self, wanted: str | None) -> list[str]:
        """Interrupts the tasks on Spot, or the one of an id; says which. ValueError where none is it.

        ECS guide, Fargate Spot: with the warning comes SIGTERM, and after the stop timeout, two minutes
        at most, the end.
        """
        found = [
            task
            for task in self.present
            if task.launch.capacity == SPOT and wanted in (None, task.id, task.arn)
        ]
        if wanted and not found:
            raise ValueError(f"no task {wanted} is on Spot")
        for task in found:
            task.stop("Your Spot Task was interrupted.", "SpotInterruption")
        return [task.id for task in found]

    @property
    def present(self) -> list[Task]:
        """Those of any cluster that have not ended."""
        return [task for task in list(self._tasks.values()) if not task.is_over]

    def all(self, cluster: str) -> list[Task]:
        """The visible tasks of a cluster."""
        oldest = self._lab.clock.moment() - STOPPED_VISIBLE
        return [
            task
            for task in list(self._tasks.values())
            if task.launch.cluster.arn == cluster
            and (not task.is_over or task.times.get("stoppedAt", oldest) >= oldest)
        ]

    def find_anywhere(self, arn: str) -> Task | None:
        """A task by its ARN, however long ago it stopped."""
        return self._tasks.get(arn)

    def find(self, cluster: str, id_or_arn: str) -> Task | None:
        """A task of a cluster by its id or ARN."""
        for task in self.all(cluster):
            if id_or_arn in (task.id, task.arn):
                return task
        return None

    def loopback(self, vpc: str, address: str) -> str:
        """Where the task with this address of a VPC really is; others stand for themselves."""
        for task in reversed(list(self._tasks.values())):
            ours = task.interface.subnet.vpc_id == vpc
            if ours and task.address == address and not task.is_over:
                return task.loopback
        return address

    def holder(self, inode: int) -> Task | None:
        """The task that has a socket open."""
        return next((task for task in self.present if task.holds(inode)), None)

    def list(self) -> list[dict[str, Any]]:
        """For `GET /_lab/tasks`."""
        return [
            {
                "id": task.id,
                "group": task.launch.group,
                "status": task.last_status,
                "address": task.address,
                "loopback": task.loopback,
                "reason": task.stopped_reason,
            }
            for task in list(self._tasks.values())
        ]

    def _reset(self) -> None:
        for task in list(self._tasks.values()):
            if not task.is_over:
                task.kill()
        self._tasks.clear()
        self._shortage = Shortage("", 0, "")
