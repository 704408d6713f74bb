"""All tasks of the lab: started, listed, described in ECS's shape."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lab.task import Launch, Task

if TYPE_CHECKING:
    from lab.container import Container
    from lab.world import Lab

STOPPED_VISIBLE = timedelta(hours=1)
STOPPED_KEPT = 1000


class Tasks:
    """Running tasks, and stopped ones for the hour ECS shows them."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        lab.resets.append(self._reset)
        lab.parts["tasks"] = self

    def start(self, launch: Launch, drain: Callable[[Task], float] | None = None) -> Task:
        """Starts a task; `drain` is called when it stops and says how long to wait."""
        task = Task(self._lab, launch, drain)
        self._tasks[task.arn] = task
        stopped = [other for other in self._tasks.values() if other.is_over]
        for old in stopped[:-STOPPED_KEPT]:
            del self._tasks[old.arn]
        return task

    @property
    def present(self) -> list[Task]:
        """Those of any cluster that have not ended."""
        return [task for task in list(self._tasks.values()) if not task.is_over]

    def all(self, cluster: str) -> list[Task]:
        """The visible tasks of a cluster."""
        oldest = datetime.now(UTC) - STOPPED_VISIBLE
        return [
            task
            for task in list(self._tasks.values())
            if task.launch.cluster.arn == cluster
            and (not task.is_over or task.times.get("stoppedAt", oldest) >= oldest)
        ]

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


def describe(task: Task, with_tags: bool) -> dict[str, Any]:
    """One task as DescribeTasks shows it."""
    launch, interface = task.launch, task.interface
    shown: dict[str, Any] = {
        "taskArn": task.arn,
        "clusterArn": launch.cluster.arn,
        "taskDefinitionArn": launch.definition.arn,
        "group": launch.group,
        "launchType": launch.launch_type,
        "platformVersion": launch.platform_version,
        "platformFamily": "Linux",
        "lastStatus": task.last_status,
        "desiredStatus": task.desired_status,
        "healthStatus": task.health,
        "connectivity": "CONNECTED",
        "availabilityZone": interface.subnet.availability_zone,
        "cpu": launch.definition.cpu,
        "memory": launch.definition.memory,
        "enableExecuteCommand": launch.execute_command,
        "overrides": {"containerOverrides": [], **launch.overrides},
        "version": task.version,
        "attachments": [
            {
                "id": interface.id.replace("eni-", ""),
                "type": "ElasticNetworkInterface",
                "status": "DELETED" if task.is_over else "ATTACHED",
                "details": [
                    {"name": "subnetId", "value": task.subnet},
                    {"name": "networkInterfaceId", "value": interface.id},
                    {"name": "macAddress", "value": interface.mac_address},
                    {"name": "privateIPv4Address", "value": task.address},
                ],
            }
        ],
        "containers": [_container(task, container) for container in task.containers],
        "tags": launch.tags if with_tags else [],
        **task.times,
    }
    optional = {
        "startedBy": launch.started_by,
        "stoppedReason": task.stopped_reason,
        "stopCode": task.stop_code,
    }
    return shown | {key: value for key, value in optional.items() if value}


def _container(task: Task, container: Container) -> dict[str, Any]:
    status = task.last_status
    if container.status == "RUNNING" or status in ("RUNNING", "STOPPED"):
        status = container.status if status != "STOPPED" else "STOPPED"
    shown: dict[str, Any] = {
        "containerArn": f"{task.arn.replace(':task/', ':container/')}/{container.name}",
        "taskArn": task.arn,
        "name": container.name,
        "image": container.definition["image"],
        "lastStatus": status,
        "healthStatus": container.health,
        "networkInterfaces": [
            {
                "attachmentId": task.interface.id.replace("eni-", ""),
                "privateIpv4Address": task.address,
            }
        ],
        "runtimeId": f"{task.id}-{abs(hash(container.name)) % 10**9}",
        "cpu": str(container.definition.get("cpu") or 0),
    }
    if agent := task.exec_agent:
        shown["managedAgents"] = [{"name": "ExecuteCommandAgent", "lastStatus": agent}]
    optional = {
        "imageDigest": container.image.digest if container.image else None,
        "exitCode": container.exit_code,
        "reason": container.reason,
    }
    return shown | {key: value for key, value in optional.items() if value is not None}
