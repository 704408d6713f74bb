"""One ECS service: keeps its tasks at the desired count and rolls deployments over.

`tick` is called often, under the lab's lock, and takes one look: replace what failed, start
what is missing within the maximum percent, stop what is too much above the minimum percent.
Whether the deployment is done or has failed is then `rollout`'s to judge.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab.aws.common.permissions import unassumable
from lab.running.balancers.targets import Target, Targets
from lab.running.connect.endpoints import Endpoints
from lab.running.services import traffic
from lab.running.services.course import PRE_SCALE_UP
from lab.running.services.deployment import Deployment, breaker_of
from lab.running.services.pauses import reached
from lab.running.services.settings import BalancedPort, Settings
from lab.running.services.spread import following
from lab.running.tasks.roster import Tasks
from lab.running.tasks.shapes import Tag
from lab.running.tasks.task import Launch, Task
from lab.world.places import of_arn

if TYPE_CHECKING:
    from moto.ecs.models import Cluster, TaskDefinition

    from lab.world.lab import Lab

EVENTS_SHOWN = 100
RECORDS_KEPT = 100
SHORTEST_BACKOFF = 0.05
START_SECONDS = 2.0
# A program that ends sooner after its start was never seen to run, however quick AWS is.
NOTICED_SECONDS = 2.0
SEE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."


class CannotAssume(Exception):
    """ECS cannot take a role of a task; the text is what it says."""


class Service:
    """State and scheduler of one service."""

    def __init__(self, lab: Lab, cluster: Cluster, settings: Settings) -> None:
        self.lab = lab
        self.cluster = cluster
        self.place = of_arn(cluster.arn)
        self.settings = settings
        self.name = str(settings["serviceName"])
        self.arn = f"{cluster.arn.replace(':cluster/', ':service/')}/{self.name}"
        self.status = "ACTIVE"
        self.desired = int(settings.get("desiredCount") or 0)
        self.tags: list[Tag] = settings.get("tags") or []
        self.created = _now()
        # Only one that was made with a launch type goes back to it.
        self.had_launch_type = settings.get("launchType") is not None
        self.events: list[dict[str, Any]] = []
        self.deployments: list[Deployment] = []
        self.records: list[Deployment] = []
        self.is_steady = False
        self._registered: set[str] = set()
        self._reported: set[str] = set()

    @property
    def primary(self) -> Deployment:
        """The newest deployment."""
        return self.deployments[0]

    @property
    def present(self) -> list[Task]:
        """All tasks not told to stop."""
        return [task for deployment in self.deployments for task in deployment.present]

    def deploy(self, definition: TaskDefinition) -> None:
        """Begins a new deployment; the one before it becomes ACTIVE."""
        previous = [d.revision_arn for d in self.deployments if d.rollout == "COMPLETED"]
        for deployment in self.deployments:
            deployment.status = "ACTIVE"
        for record in self.records:
            if record.is_ongoing:
                record.finish(record.rollout, record.reason, "STOPPED")
        new = Deployment(
            definition, self.settings.copy(), self.desired, self.arn, replaces=previous
        )
        for deployment in self.deployments:
            deployment.is_kept = new.has_stages and deployment.rollout == "COMPLETED"
        if not new.has_stages:
            now = self.lab.clock.moment()
            new.pauses = list(reached(new.configuration, PRE_SCALE_UP, now))
        new.hosts = self.lab.part(Endpoints).seen(self.place, dict(self.settings))
        self.deployments.insert(0, new)
        self.publish(new)
        self.records = [new, *self.records][:RECORDS_KEPT]
        self.is_steady = False

    def publish(self, deployment: Deployment) -> None:
        """Serves under names what a deployment serves, and nothing else any more."""
        self.lab.part(Endpoints).serve(
            self.place, self.arn, dict(deployment.settings), deployment.ports(), self._serving
        )

    def _serving(self) -> list[Task]:
        """The tasks that get requests which come by a name."""
        return [task for task in self.present if task.passes_checks]

    def scale(self, desired: int) -> None:
        """Changes the desired count without a deployment."""
        self.desired = desired
        for deployment in self.deployments:
            if deployment is self.primary or deployment.is_kept:
                deployment.desired = desired
        self.primary.updated = _now()
        self.is_steady = False

    def drain(self) -> None:
        """Begins to delete the service."""
        self.status = "DRAINING"
        self.desired = self.primary.desired = 0
        self.lab.part(Endpoints).withdraw(self.place, self.arn)
        for task in self.present:
            self.stop_task(task, f"Scaling activity initiated by (deployment {self.primary.id})")

    def event(self, message: str) -> None:
        """Adds one line of history, newest first."""
        entry = {
            "id": str(uuid.uuid4()),
            "createdAt": _now(),
            "message": f"(service {self.name}) {message}",
        }
        self.events = [entry, *self.events][:EVENTS_SHOWN]

    def drain_targets(self, task: Task) -> float:
        """Takes a stopping task out of its target groups; returns the seconds to wait."""
        targets = self.lab.part(Targets)
        longest = 0.0
        for entry in self._balanced(task):
            with self.lab.lock:
                group = traffic.target_group(entry["targetGroupArn"])
                if group is None or task.id not in self._registered:
                    continue
                delay = float(str(group.attributes["deregistration_delay.timeout_seconds"]))
                delay *= self.lab.options.scale
                arn, port = entry["targetGroupArn"], int(entry["containerPort"])
                if targets.deregister(arn, task.address, port, delay):
                    self.event(f"deregistered 1 targets in (target-group {arn})")
                    self.event("has begun draining connections on 1 tasks.")
                    longest = max(longest, delay)
        return longest

    def tick(self) -> bool:
        """Takes one look; true where the deployment is to be judged after it."""
        self._register()
        self._judge_tasks()
        if self.status == "DRAINING":
            if all(task.is_over for d in self.deployments for task in d.tasks):
                self.status = "INACTIVE"
            return False
        if self.status != "ACTIVE":
            return False
        for deployment in self.deployments:
            if deployment is self.primary or deployment.is_kept:
                self._start_missing(deployment)
                self._stop_doomed(deployment)
        self._stop_surplus()
        return True

    def forget_ended(self) -> None:
        """Drops the deployments that have no more tasks, but for the newest."""
        self.deployments = [
            d
            for d in self.deployments
            if d is self.primary or d.is_kept or not all(task.is_over for task in d.tasks)
        ]

    def _balanced(self, task: Task) -> list[BalancedPort]:
        """Where a task is registered: as its own deployment says, whatever came after it."""
        return next((d for d in self.deployments if task in d.tasks), self.primary).balanced

    def healthy(self, deployment: Deployment) -> int:
        """How many tasks of a deployment are healthy."""
        return sum(1 for task in deployment.present if self.is_healthy(task))

    def _register(self) -> None:
        """Puts tasks that began to run into their target groups."""
        targets = self.lab.part(Targets)
        for task in self.present:
            if task.last_status != "RUNNING" or task.id in self._registered:
                continue
            self._registered.add(task.id)
            for entry in self._balanced(task):
                arn = entry["targetGroupArn"]
                targets.register(arn, task.address, int(entry["containerPort"]))
                self.event(f"registered 1 targets in (target-group {arn})")

    def _judge_tasks(self) -> None:
        """Counts failures, and stops tasks whose checks fail."""
        for deployment in self.deployments:
            for task in list(deployment.tasks):
                if task.desired_status == "STOPPED" and task.id not in self._reported:
                    self._reported.add(task.id)
                    if self._failed_to_run(task):
                        self._count_failure(deployment)
                if task.is_over:
                    deployment.tasks.remove(task)
                elif task.last_status == "RUNNING" and task.desired_status == "RUNNING":
                    self._check(deployment, task)

    def _failed_to_run(self, task: Task) -> bool:
        """Whether it ended before it was seen to run: only then does ECS count it as failed."""
        if task.stop_code != "EssentialContainerExited":
            return task.stop_code == "TaskFailedToStart"
        ran = (task.times["stoppingAt"] - task.times["startedAt"]).total_seconds()
        return ran < max(self.lab.timers.seconds("deployment.noticed"), NOTICED_SECONDS)

    def _check(self, deployment: Deployment, task: Task) -> None:
        if self.is_healthy(task):
            if not task.was_healthy:
                task.was_healthy = True
                deployment.failed = 0 if self._resets(deployment) else deployment.failed
            task.doomed = ""
            return
        if task.doomed:
            return
        if task.health == "UNHEALTHY":
            self.event(f"(task {task.id}) failed container health checks.")
            self._fail(deployment, task, "Task failed container health checks")
            return
        given = float(self.settings.get("healthCheckGracePeriodSeconds") or 0)
        # A program has to start, however quick AWS is: none is replaced before it could answer.
        grace = max(given * self.lab.options.scale, min(given, START_SECONDS))
        age = (self.lab.clock.moment() - task.times["startedAt"]).total_seconds()
        for entry, target in self._targets_of(task):
            if target.state[0] == "unhealthy" and age >= grace:
                arn, reason = entry["targetGroupArn"], target.state[2]
                self.event(
                    f"(port {target.port}) is unhealthy in (target-group {arn}) due to "
                    f"(reason {reason})."
                )
                self._fail(
                    deployment, task, f"Task failed ELB health checks in (target-group {arn})"
                )
                return

    def _fail(self, deployment: Deployment, task: Task, reason: str) -> None:
        """Counts a task that is unhealthy. It is stopped once another is there in its place."""
        task.doomed = reason
        self._reported.add(task.id)
        self._count_failure(deployment)

    def _stop_doomed(self, deployment: Deployment) -> None:
        """Stops unhealthy tasks: after their replacements, where the maximum leaves room for these.

        ECS developer guide, service definition parameters, `maximumPercent`: a replacement comes
        first; once it is healthy, or unhealthy itself, one of them goes.
        """
        _, high = self._limits()
        doomed = [task for task in deployment.present if task.doomed]
        if not doomed:
            return
        coming = [t for t in deployment.present if not t.doomed and not self.is_healthy(t)]
        is_full = not self._is_doubled() and len(self.present) >= high
        if len(deployment.present) <= self.desired and is_full:
            # One at a time: not while one is on its way out.
            replaced = 1 if self._alive() == len(self.present) else 0
        else:
            replaced = len(deployment.present) - self.desired - len(coming)
        for task in doomed[: max(replaced, 0)]:
            self.stop_task(task, task.doomed)

    def _count_failure(self, deployment: Deployment) -> None:
        deployment.failed += 1
        deployment.total_failed += 1
        deployment.updated = _now()
        backoff = self.lab.timers.seconds("service.backoff") * deployment.total_failed
        deployment.next_start = time.monotonic() + max(backoff, SHORTEST_BACKOFF)
        self.is_steady = False
        if deployment.total_failed == 2:
            self.event(f"is unable to consistently start tasks successfully. {SEE}")

    @staticmethod
    def _resets(deployment: Deployment) -> bool:
        return bool(breaker_of(deployment.settings).get("resetOnHealthyTask", True))

    def _targets_of(self, task: Task) -> list[tuple[BalancedPort, Target]]:
        targets = self.lab.part(Targets)
        return [
            (entry, target)
            for entry in self._balanced(task)
            for target in targets.of(entry["targetGroupArn"])
            if target.id == task.address and target.port == int(entry["containerPort"])
        ]

    def is_healthy(self, task: Task) -> bool:
        """Whether it runs and passes all checks, its container's and its target groups'."""
        if not task.passes_checks or task.desired_status != "RUNNING":
            return False
        if not task.is_checked and not self._balanced(task):
            age = (self.lab.clock.moment() - task.times["startedAt"]).total_seconds()
            return age >= self.lab.timers.seconds("deployment.steady")
        states = [target.state[0] for _, target in self._targets_of(task)]
        return len(states) == len(self._balanced(task)) and set(states) <= {"healthy", "unused"}

    def _limits(self) -> tuple[int, int]:
        """How many tasks must be healthy, and how many there may be."""
        configuration = self.settings["deploymentConfiguration"]
        low = math.ceil(self.desired * int(configuration["minimumHealthyPercent"]) / 100)
        high = math.floor(self.desired * int(configuration["maximumPercent"]) / 100)
        return low, max(high, 1 if low < self.desired else self.desired)

    def _alive(self) -> int:
        """How many tasks have not ended, whatever they were told."""
        return sum(1 for d in self.deployments for task in d.tasks if not task.is_over)

    def _is_doubled(self) -> bool:
        """Whether two deployments have all of their tasks, so that the percentages do not count."""
        return self.primary.is_staged or any(d.is_kept for d in self.deployments)

    def _start_missing(self, deployment: Deployment) -> None:
        if deployment.rollout == "FAILED" or time.monotonic() < deployment.next_start:
            return
        if deployment.is_held:
            return
        well = sum(1 for task in deployment.present if not task.doomed)
        missing, (_, high) = self.desired - well, self._limits()
        if not self._is_doubled():
            missing = min(missing, high - self._alive())
        started: list[Task] = []
        lacking: list[str] = []
        why = ""
        for _ in range(missing):
            provider = self._provider(deployment, lacking)
            try:
                started.append(self._launch(deployment, provider))
            except CannotAssume as error:
                self.event(f"failed to launch a task with (error {error}).")
                self._count_failure(deployment)
                break
            except Exception as error:  # noqa: BLE001 - told as ECS tells it, in an event
                lacking.append(provider)
                why = str(error)
        if lacking:
            self.event(f"was unable to place a task. Reason: {why}. {SEE}")
            self._count_failure(deployment)
        if started:
            names = " ".join(f"(task {task.id})" for task in started)
            self.event(f"has started {len(started)} tasks: {names}.")

    def _provider(self, deployment: Deployment, lacking: Sequence[str]) -> str:
        """The capacity of the next task. What is lacking somewhere is not made up for elsewhere
        (containers-roadmap issue 852).
        """
        present = [task.launch.capacity_provider for task in deployment.present]
        strategy = deployment.settings.get("capacityProviderStrategy") or []
        return following(strategy, [*present, *lacking])

    def _launch(self, deployment: Deployment, provider: str) -> Task:
        launch = Launch(
            cluster=self.cluster,
            definition=deployment.definition,
            group=f"service:{self.name}",
            started_by=deployment.id,
            capacity_provider=provider,
            network=deployment.settings.get("networkConfiguration") or {},
            tags=self._task_tags(deployment),
            execute_command=bool(self.settings.get("enableExecuteCommand")),
            digests=deployment.digests,
            hosts=deployment.hosts,
        )
        if role := launch.unassumable:
            raise CannotAssume(unassumable(role))
        task = self.lab.part(Tasks).start(launch, self.drain_targets)
        deployment.tasks.append(task)
        return task

    def _task_tags(self, deployment: Deployment) -> list[Tag]:
        source = self.settings.get("propagateTags")
        if source == "SERVICE":
            return list(self.tags)
        return list(deployment.definition.tags) if source == "TASK_DEFINITION" else []

    def _stop_surplus(self) -> None:
        if self.primary.is_held:
            return
        low, _ = self._limits()
        healthy = sum(1 for task in self.present if self.is_healthy(task))
        old = [task for d in self.deployments[1:] if not d.is_kept for task in d.present]
        surplus = [
            task
            for d in self.deployments
            if d is self.primary or d.is_kept
            for task in [it for it in d.present if not it.doomed][self.desired :]
        ]
        for task in [*old, *surplus]:
            counts = self.is_healthy(task)
            if counts and healthy - 1 < low:
                continue
            healthy -= counts
            self.stop_task(task, f"Scaling activity initiated by (deployment {self.primary.id})")

    def stop_task(self, task: Task, reason: str) -> None:
        """Stops a task on purpose."""
        self._reported.add(task.id)
        task.stop(reason, "ServiceSchedulerInitiated")
        self.event(f"has stopped 1 running tasks: (task {task.id}).")


def _now() -> datetime:
    return datetime.now(UTC)
