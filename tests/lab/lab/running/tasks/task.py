"""One ECS task, from PROVISIONING to STOPPED, in a thread of its own."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from lab.aws.common import interfaces
from lab.aws.common.permissions import Denied, Reader
from lab.running.images.pull import CannotPull, Image, resolve
from lab.running.reach import sockets
from lab.running.reach.routes import lead_out
from lab.running.tasks import log_lines
from lab.running.tasks import secrets as task_secrets
from lab.running.tasks.container import CannotStart, Container
from lab.running.tasks.shapes import ContainerDefinition, NetworkConfiguration, Overrides, Tag
from lab.world.places import Place, of_arn

if TYPE_CHECKING:
    from collections.abc import Callable

    from moto.ecs.models import Cluster, TaskDefinition

    from lab.world.lab import Lab

TICK = 0.02
SHORTEST_INTERVAL = 0.1


@dataclass
class Launch:
    """Everything a task is started with."""

    cluster: Cluster
    definition: TaskDefinition
    group: str
    started_by: str = ""
    launch_type: str = "FARGATE"
    platform_version: str = "1.4.0"
    network: NetworkConfiguration = field(default_factory=NetworkConfiguration)
    overrides: Overrides = field(default_factory=Overrides)
    tags: list[Tag] = field(default_factory=list)
    execute_command: bool = False
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where its cluster is."""
        return of_arn(self.cluster.arn)


class Task:
    """A task and its containers. State changes happen under the lab's lock."""

    def __init__(self, lab: Lab, launch: Launch, drain: Callable[[Task], float] | None) -> None:
        self._lab = lab
        self.launch = launch
        self._drain = drain
        self.id = uuid.uuid4().hex
        prefix = launch.cluster.arn.rsplit(":cluster/", 1)
        self.arn = f"{prefix[0]}:task/{prefix[1]}/{self.id}"
        self.last_status = "PROVISIONING"
        self.desired_status = "RUNNING"
        self.stopped_reason: str | None = None
        self.stop_code: str | None = None
        self.times: dict[str, datetime] = {"createdAt": _now()}
        self.version = 1
        self.was_healthy = False
        # Why its service wants another one in its place; nothing while it does not.
        self.doomed = ""
        self.containers = [
            Container(lab, cast("ContainerDefinition", definition), launch.place, self.id)
            for definition in launch.definition.container_definitions
        ]
        self._reader = Reader(getattr(launch.definition, "execution_role_arn", None), self.id)
        self._stop = threading.Event()
        network = launch.network.get("awsvpcConfiguration") or {}
        subnets = network.get("subnets") or []
        self.subnet = subnets[int(self.id, 16) % len(subnets)] if subnets else ""
        self.interface = interfaces.create(
            launch.place,
            self.subnet,
            network.get("securityGroups") or [],
            launch.place.arn("ecs", f"attachment/{uuid.uuid4()}"),
            "amazon-ecs",
            public=network.get("assignPublicIp") == "ENABLED",
        )
        self.address = str(self.interface.private_ip_address)
        self.loopback = lab.addresses.take()
        threading.Thread(target=self._run, name=f"task-{self.id[:8]}", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether it has stopped for good."""
        return self.last_status == "STOPPED"

    @property
    def health(self) -> str:
        """HEALTHY when all checked containers are, UNKNOWN when none is checked."""
        checked = [c.health for c in self.containers if c.health_check and c.is_essential]
        if "UNHEALTHY" in checked:
            return "UNHEALTHY"
        return "HEALTHY" if checked and set(checked) == {"HEALTHY"} else "UNKNOWN"

    @property
    def exec_agent(self) -> str | None:
        """The state of ECS Exec's agent in each container; None where it was not asked for."""
        if not self.launch.execute_command:
            return None
        if self.last_status != "RUNNING":
            return "STOPPED" if self.desired_status == "STOPPED" else "PENDING"
        runs = (_now() - self.times["startedAt"]).total_seconds()
        return "RUNNING" if runs >= self._lab.timers.seconds("task.exec-agent") else "PENDING"

    @property
    def is_checked(self) -> bool:
        """Whether one of its essential containers has a check of its own."""
        return any(c.health_check and c.is_essential for c in self.containers)

    @property
    def passes_checks(self) -> bool:
        """Whether it runs and its container checks, if it has any, pass."""
        return self.last_status == "RUNNING" and (not self.is_checked or self.health == "HEALTHY")

    def holds(self, inode: int) -> bool:
        """Whether one of its processes has a socket open."""
        return any(sockets.holds(it, inode) for c in self.containers for it in c.processes())

    def stop(self, reason: str, code: str) -> None:
        """Asks it to stop; the first reason counts."""
        if self.desired_status != "STOPPED":
            self.desired_status = "STOPPED"
            self.stopped_reason, self.stop_code = reason, code
            self.times.setdefault("stoppingAt", _now())
        self._stop.set()

    def kill(self) -> None:
        """Ends its processes at once; for a reset."""
        self.desired_status = "STOPPED"
        self._stop.set()
        for container in self.containers:
            container.kill()

    def _run(self) -> None:
        self._lab.guard("task", self._live)
        self._lab.guard("task", self._end)

    def _live(self) -> None:
        if self._wait("task.provisioning"):
            return
        self._become("PENDING")
        if self._wait("task.pending") or not self._prepare():
            return
        self._become("ACTIVATING")
        overrides = {
            item["name"]: item for item in self.launch.overrides.get("containerOverrides") or []
        }
        try:
            for container in self.containers:
                secrets = task_secrets.resolve(
                    self._lab, container.definition, self.launch.place, self._reader
                )
                base = {**self._environment(), **secrets}
                container.start(base, overrides.get(container.name, {}))
        except task_secrets.CannotInitialise as error:
            self.stop(str(error), "TaskFailedToStart")
            return
        except CannotPull as error:
            self.stop(f"CannotPullContainerError: {error}", "TaskFailedToStart")
            return
        except CannotStart:
            self.stop("Task failed to start", "TaskFailedToStart")
            return
        self.times["startedAt"] = _now()
        self._become("RUNNING")
        self._watch()

    def _prepare(self) -> bool:
        """Fetches secrets and images, and checks the log groups, as Fargate does."""
        self.times["pullStartedAt"] = _now()
        try:
            if not self._finds_way_out():
                return False
            for container in self.containers:
                definition, place = container.definition, self.launch.place
                task_secrets.resolve(self._lab, definition, place, self._reader)
                self._check_logs(container)
                container.image = self._resolve(container.definition)
        except task_secrets.CannotInitialise as error:
            self.stop(str(error), "TaskFailedToStart")
            return False
        except CannotPull as error:
            self.stop(f"CannotPullContainerError: {error}", "TaskFailedToStart")
            return False
        self.times["pullStoppedAt"] = _now()
        return True

    def _resolve(self, definition: ContainerDefinition) -> Image:
        """Finds the image; a deployment's tasks all run what its first task found by the tag."""
        reference = definition["image"]
        self._check_pull(reference)
        if definition.get("versionConsistency") == "disabled":
            return resolve(self._lab, reference, self.launch.place)
        image = resolve(self._lab, reference, self.launch.place, self.launch.digests.get(reference))
        self.launch.digests.setdefault(reference, image.digest)
        return image

    def _check_pull(self, reference: str) -> None:
        """What a pull from a registry of ECR needs; images from elsewhere need nothing."""
        host, _, path = reference.partition("/")
        if host != self._lab.registry:
            return
        name = path.partition("@")[0].partition(":")[0]
        place = self.launch.place
        repository = place.arn("ecr", f"repository/{name}")
        try:
            self._reader.demand("ecr:GetAuthorizationToken", "*")
            self._reader.demand("ecr:BatchGetImage", repository)
            self._reader.demand("ecr:GetDownloadUrlForLayer", repository)
        except Denied as error:
            raise CannotPull(f"pull image manifest has been retried 1 time(s): {error}") from None

    def _check_logs(self, container: Container) -> None:
        configuration = container.definition.get("logConfiguration") or {}
        options = configuration.get("options") or {}
        group = options.get("awslogs-group")
        if configuration.get("logDriver") != "awslogs" or group is None:
            return
        region = options.get("awslogs-region", self.launch.place.region)
        place = self.launch.place._replace(region=region)
        with self._lab.lock:
            if options.get("awslogs-create-group") == "true":
                log_lines.create_group(place, group)
            arn = place.arn("logs", f"log-group:{group}:log-stream:{self.id}")
            try:
                self._reader.demand("logs:CreateLogStream", arn)
            except Denied as error:
                raise _no_logs(str(error)) from None
            if not log_lines.has_group(place, group):
                raise _no_logs("ResourceNotFoundException: The specified log group does not exist.")

    def _finds_way_out(self) -> bool:
        """Everything a task is started with comes from outside of its VPC; false when it is told to
        stop while it looks for it.
        """
        with self._lab.lock:
            is_public = bool(self.interface.public_ip)
            if not self.subnet or lead_out(self.launch.place, self.subnet, is_public=is_public):
                return True
        if self._wait("task.no-way-out"):
            return False
        host = f"api.ecr.{self.launch.place.region}.amazonaws.com"
        raise task_secrets.CannotInitialise(
            "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot "
            "pull registry auth from Amazon ECR: There is a connection issue between the task and "
            "Amazon ECR. Check your task network configuration. RequestError: send request failed "
            f'caused by: Post "https://{host}/": dial tcp: i/o timeout'
        )

    def _environment(self) -> dict[str, str]:
        return {
            "AWS_REGION": self.launch.place.region,
            "AWS_DEFAULT_REGION": self.launch.place.region,
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "HOSTNAME": f"ip-{self.address.replace('.', '-')}.{self.launch.place.region}.compute.internal",
            "BIND": self.loopback,
        }

    def _watch(self) -> None:
        checks = [Checks(self._lab, container) for container in self.containers]
        while not self._stop.wait(TICK):
            for container in self.containers:
                if container.poll() is not None and container.is_essential:
                    self.stop("Essential container in task exited", "EssentialContainerExited")
            for check in checks:
                check.tick()

    def _end(self) -> None:
        if self.desired_status != "STOPPED":
            self.stop("The task failed to start.", "TaskFailedToStart")
        self._become("DEACTIVATING")
        if self._drain is not None:
            time.sleep(self._drain(self))
        self._become("STOPPING")
        for container in self.containers:
            container.stop()
            container.finish_logs()
        self.times["executionStoppedAt"] = _now()
        self._become("DEPROVISIONING")
        time.sleep(self._lab.timers.seconds("task.deprovisioning"))
        self.times["stoppedAt"] = _now()
        place, interface = self.launch.place, self.interface.id
        self._lab.timers.after(
            "task.interface-lingers", lambda: interfaces.delete(place, interface)
        )
        self._become("STOPPED")
        self._lab.addresses.give_back(self.loopback)
        shutil.rmtree(self._lab.data / "tasks" / self.id, ignore_errors=True)

    def _become(self, status: str) -> None:
        with self._lab.lock:
            self.last_status = status
            self.version += 1

    def _wait(self, duration: str) -> bool:
        """Waits a scaled time; true when the task was told to stop meanwhile."""
        return self._stop.wait(self._lab.timers.seconds(duration))


class Checks:
    """The container health check of one container: interval, retries, start period."""

    def __init__(self, lab: Lab, container: Container) -> None:
        self._container = container
        self._failures = 0
        check = container.health_check or {}
        scale = lab.options.scale
        self._interval = max(float(check.get("interval") or 30) * scale, SHORTEST_INTERVAL)
        self._retries = int(check.get("retries") or 3)
        self._grace_ends = time.monotonic() + float(check.get("startPeriod") or 0) * scale
        self._next = time.monotonic() + SHORTEST_INTERVAL

    def tick(self) -> None:
        """Runs the check when it is due."""
        if self._container.health_check is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._interval
        if self._container.check():
            self._failures = 0
            self._container.health = "HEALTHY"
        elif time.monotonic() > self._grace_ends:
            self._failures += 1
            if self._failures >= self._retries:
                self._container.health = "UNHEALTHY"


def _no_logs(why: str) -> task_secrets.CannotInitialise:
    return task_secrets.CannotInitialise(
        "ResourceInitializationError: failed to validate logger args: create stream has been retried "
        f"1 times: failed to create Cloudwatch log stream: {why} : exit status 1"
    )


def _now() -> datetime:
    return datetime.now(UTC)
