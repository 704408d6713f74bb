"""One ECS task, from PROVISIONING to STOPPED, in a thread of its own."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, cast

from lab.aws.common import interfaces
from lab.aws.common.permissions import Denied, Reader
from lab.running.images.pull import CannotPull, Image, resolve
from lab.running.reach import sockets
from lab.running.reach.routes import reaches
from lab.running.tasks import agent, log_lines, order, outside
from lab.running.tasks import secrets as task_secrets
from lab.running.tasks.checks import Checks
from lab.running.tasks.container import CannotStart, Container
from lab.running.tasks.memory import Memory
from lab.running.tasks.shapes import (
    AwsvpcConfiguration,
    ContainerDefinition,
    NetworkConfiguration,
    Overrides,
    Tag,
)
from lab.world.places import Place, of_arn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from moto.ec2.models.elastic_network_interfaces import NetworkInterface
    from moto.ecs.models import Cluster, TaskDefinition

    from lab.world.lab import Lab

TICK = 0.02
LOOK = 0.1
# A program has to start and to be checked, however quick AWS is.
SHORTEST_PATIENCE = 30.0


@dataclass
class Launch:
    """Everything a task is started with."""

    cluster: Cluster
    definition: TaskDefinition
    group: str
    started_by: str = ""
    launch_type: str = "FARGATE"
    platform_version: str = "1.4.0"
    capacity_provider: str = ""
    network: NetworkConfiguration = field(default_factory=NetworkConfiguration)
    overrides: Overrides = field(default_factory=Overrides)
    tags: list[Tag] = field(default_factory=list)
    execute_command: bool = False
    digests: dict[str, str] = field(default_factory=dict)
    # Names that its containers find in their own files, with their addresses.
    hosts: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> Place:
        """Where its cluster is."""
        return of_arn(self.cluster.arn)

    @property
    def execution_role(self) -> str | None:
        """Under which role it is started: the definition's, unless RunTask named another."""
        named = getattr(self.definition, "execution_role_arn", None)
        return self.overrides.get("executionRoleArn") or named

    @property
    def task_role(self) -> str | None:
        """What its own programs, and ECS Exec's agent among them, act as."""
        named = getattr(self.definition, "task_role_arn", None)
        return self.overrides.get("taskRoleArn") or named

    @property
    def unassumable(self) -> str | None:
        """One of the two that is not there, or that does not trust ECS."""
        roles = [role for role in (self.execution_role, self.task_role) if role]
        return next((role for role in roles if not Reader(role, "").is_trusted), None)

    @property
    def capacity(self) -> str:
        """On which kind of capacity it runs."""
        return self.capacity_provider or self.launch_type

    @property
    def vcpus(self) -> float:
        """How many vCPUs all of its containers have."""
        return int(self.overrides.get("cpu") or self.definition.cpu or 0) / 1024

    @property
    def memory(self) -> int:
        """What all of its containers have together, in MiB."""
        return int(self.overrides.get("memory") or self.definition.memory or 0)

    @property
    def memory_limits(self) -> dict[str, int]:
        """What containers have of it at most, by name; 0 where nothing says so."""
        own = cast("list[ContainerDefinition]", self.definition.container_definitions)
        limits = {container["name"]: int(container.get("memory") or 0) for container in own}
        for changed in self.overrides.get("containerOverrides") or []:
            limits[changed["name"]] = changed.get("memory") or limits[changed["name"]]
        return limits

    @property
    def is_of_service(self) -> bool:
        """Whether a service runs it, and not whoever asked for it."""
        return self.group.startswith("service:")


class Task:
    """A task and its containers. State changes happen under the lab's lock."""

    def __init__(
        self,
        lab: Lab,
        launch: Launch,
        drain: Callable[[Task], float] | None,
        changed: Callable[[Task], None],
    ) -> None:
        self._lab = lab
        self._changed = changed
        self.launch = launch
        self._drain = drain
        self.id = uuid.uuid4().hex
        prefix = launch.cluster.arn.rsplit(":cluster/", 1)
        self.arn = f"{prefix[0]}:task/{prefix[1]}/{self.id}"
        self.last_status = "PROVISIONING"
        self.desired_status = "RUNNING"
        self.stopped_reason: str | None = None
        self.stop_code: str | None = None
        self.times: dict[str, datetime] = {"createdAt": self._now()}
        self.version = 1
        self.was_healthy = False
        # Why its service wants another one in its place; nothing while it does not.
        self.doomed = ""
        self.containers = [
            Container(lab, cast("ContainerDefinition", definition), launch.place, self.id)
            for definition in launch.definition.container_definitions
        ]
        self._checks: list[Checks] = []
        self._memory = Memory(self.containers, launch.memory, launch.memory_limits)
        self._reader = Reader(launch.execution_role, self.id)
        self._stop = threading.Event()
        # Why it has no interface; nothing while it has one.
        self._without = ""
        network = launch.network.get("awsvpcConfiguration") or {}
        subnets = network.get("subnets") or []
        self.subnet = subnets[int(self.id, 16) % len(subnets)] if subnets else ""
        self.interface = self._placed(network)
        self.address = str(self.interface.private_ip_address)
        self.loopback = lab.addresses.take()
        threading.Thread(target=self._run, name=f"task-{self.id[:8]}", daemon=True).start()

    def _placed(self, network: AwsvpcConfiguration) -> NetworkInterface:
        """Its interface in its subnet; one that stands in when the subnet is full."""
        place = self.launch.place
        try:
            return interfaces.create(
                place,
                self.subnet,
                network.get("securityGroups") or [],
                place.arn("ecs", f"attachment/{uuid.uuid4()}"),
                "amazon-ecs",
                public=network.get("assignPublicIp") == "ENABLED",
            )
        except interfaces.NoAddress as error:
            self._without = (
                "Unexpected EC2 error while attempting to Create Network Interface in subnet "
                f"'{self.subnet}': {error.code}"
            )
            return interfaces.absent(place, self.subnet)

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
        runs = (self._now() - self.times["startedAt"]).total_seconds()
        if runs < self._lab.timers.seconds("task.exec-agent"):
            return "PENDING"
        return "RUNNING" if agent.may_connect(self.launch.task_role, self.id) else "STOPPED"

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
            self.times.setdefault("stoppingAt", self._now())
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
        if self._without:
            self.stop(self._without, "TaskFailedToStart")
            return
        self._become("PENDING")
        if self._wait("task.pending") or not self._prepare():
            return
        self._become("ACTIVATING")
        try:
            if not self._start():
                return
        except task_secrets.CannotInitialise as error:
            self.stop(str(error), "TaskFailedToStart")
            return
        except CannotPull as error:
            self.stop(f"CannotPullContainerError: {error}", "TaskFailedToStart")
            return
        except CannotStart:
            self.stop("Task failed to start", "TaskFailedToStart")
            return
        self.times["startedAt"] = self._now()
        self._become("RUNNING")
        self._watch()

    def _start(self) -> bool:
        """Starts each container once what it waits for is so far; false when the task ends before
        all have started.
        """
        waiting = list(self.containers)
        patience = max(self._lab.timers.seconds("task.dependency"), SHORTEST_PATIENCE)
        given_up = time.monotonic() + patience
        while True:
            for container in [it for it in waiting if self._may_start(it)]:
                self._start_one(container)
                waiting.remove(container)
            if not waiting:
                return True
            self._look()
            if any(order.never_starts(it, self.containers) for it in waiting):
                self.stop("Task failed to start", "TaskFailedToStart")
            elif time.monotonic() > given_up:
                self.stop("Container dependencies timed out", "TaskFailedToStart")
            if self._stop.wait(TICK):
                return False

    def _may_start(self, container: Container) -> bool:
        """Where nothing runs nothing is waited for either."""
        return self._lab.options.hollow or order.may_start(container, self.containers)

    def _start_one(self, container: Container) -> None:
        overrides = {
            item["name"]: item for item in self.launch.overrides.get("containerOverrides") or []
        }
        secrets = task_secrets.resolve(
            self._lab, container.definition, self.launch.place, self._reader
        )
        base = {**self._environment(), **secrets}
        container.start(base, overrides.get(container.name, {}), self.launch.hosts)
        self._checks.append(Checks(self._lab, container))

    def _look(self) -> None:
        """Runs the checks that are due, and stops when an essential container has ended."""
        for container in self.containers:
            if container.poll() is not None and container.is_essential:
                self.stop("Essential container in task exited", "EssentialContainerExited")
        for check in self._checks:
            check.tick()
        self._memory.tick()

    def _prepare(self) -> bool:
        """Fetches secrets and images, and checks the log groups, as Fargate does; false when it was
        stopped meanwhile.
        """
        self.times["pullStartedAt"] = self._now()
        place, registry = self.launch.place, self._lab.registry
        images = [container.definition["image"] for container in self.containers]
        from_ecr = [outside.token(place)] if any(i.startswith(registry) for i in images) else []
        try:
            if not self._reaches(from_ecr):
                return False
            for container in self.containers:
                definition = container.definition
                if not self._reaches(outside.secrets(definition, place)):
                    return False
                task_secrets.resolve(self._lab, definition, place, self._reader)
                if not self._reaches(outside.logs(definition, place)):
                    return False
                self._check_logs(container)
                if not self._reaches(outside.image(definition, registry, place)):
                    return False
                container.image = self._resolve(container.definition)
        except task_secrets.CannotInitialise as error:
            self.stop(str(error), "TaskFailedToStart")
            return False
        except CannotPull as error:
            self.stop(f"CannotPullContainerError: {error}", "TaskFailedToStart")
            return False
        self.times["pullStoppedAt"] = self._now()
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

    def _reaches(self, needs: Iterable[outside.Need]) -> bool:
        """Waits for a way to all of these, as long as Fargate tries; false when it is told to stop
        meanwhile.
        """
        for need in needs if self.subnet else ():
            given_up = time.monotonic() + self._lab.timers.seconds("task.no-way-out")
            while not self._has_way(need.service):
                if time.monotonic() >= given_up:
                    raise need.failure
                if self._stop.wait(LOOK):
                    return False
        return True

    def _has_way(self, service: str | None) -> bool:
        with self._lab.lock:
            return reaches(self.interface, service)

    def _environment(self) -> dict[str, str]:
        return {
            "AWS_REGION": self.launch.place.region,
            "AWS_DEFAULT_REGION": self.launch.place.region,
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "HOSTNAME": f"ip-{self.address.replace('.', '-')}.{self.launch.place.region}.compute.internal",
            "BIND": self.loopback,
        }

    def _watch(self) -> None:
        if self._lab.options.hollow and not self.launch.is_of_service:
            for container in self.containers:
                container.finish()
        while not self._stop.wait(TICK):
            self._look()

    def _end(self) -> None:
        if self.desired_status != "STOPPED":
            self.stop("The task failed to start.", "TaskFailedToStart")
        self._become("DEACTIVATING")
        if self._drain is not None:
            time.sleep(self._drain(self))
        self._become("STOPPING")
        for container in order.to_stop(self.containers):
            container.stop()
            container.finish_logs()
        self.times["executionStoppedAt"] = self._now()
        self._become("DEPROVISIONING")
        time.sleep(self._lab.timers.seconds("task.deprovisioning"))
        self.times["stoppedAt"] = self._now()
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
            self._lab.guard("a task's watcher", partial(self._changed, self))

    def _now(self) -> datetime:
        return self._lab.clock.moment()

    def _wait(self, duration: str) -> bool:
        """Waits a scaled time; true when the task was told to stop meanwhile."""
        return self._stop.wait(self._lab.timers.seconds(duration))


def _no_logs(why: str) -> task_secrets.CannotInitialise:
    return task_secrets.CannotInitialise(
        "ResourceInitializationError: failed to validate logger args: create stream has been retried "
        f"1 times: failed to create Cloudwatch log stream: {why} : exit status 1"
    )
