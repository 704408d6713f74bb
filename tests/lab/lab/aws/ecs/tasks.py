"""ECS's tasks: run, stopped, described, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ecs.exceptions import (
    ECSException,
    InvalidParameterException,
    ServiceNotFoundException,
)
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.running.services.scheduler import Services
from lab.running.sessions.roster import Sessions
from lab.running.tasks import description
from lab.running.tasks.requests import Requests
from lab.running.tasks.roster import Tasks
from lab.world.places import of_request

if TYPE_CHECKING:
    from moto.ecs.models import Cluster

TASKS_A_PAGE = 100
NO_EXEC = (
    "The execute command failed because execute command was not enabled when the task was run or "
    "the execute command agent isn't running. Wait and try again or run a new task with execute "
    "command enabled and try again."
)
NOT_CONNECTED = "The execute command failed due to an internal error. Try again later."


def cluster_of(response: Any) -> Cluster:
    """The cluster a request names."""
    found: Cluster = response.ecs_backend._get_cluster(response._get_param("cluster", "default"))
    return found


def page_of(response: Any, items: list[Any], size: int, most: int) -> tuple[list[Any], str | None]:
    """One page of a list, as the request asks for it."""
    wanted = response._get_int_param("maxResults") or size
    try:
        return page(items, response._get_param("nextToken"), wanted, most)
    except ValueError:
        raise InvalidParameterException("Invalid token") from None


def install(services: Services, tasks: Tasks, requests: Requests, sessions: Sessions) -> None:
    """Patches the operations on tasks."""

    @patch(Response)
    def run_task(self: Any) -> ActionResult:
        started = requests.run(of_request(self), dict(self._get_params()))
        shown = [description.describe(task, with_tags=True) for task in started.tasks]
        return ActionResult({"tasks": shown, "failures": started.failures})

    @patch(Response)
    def stop_task(self: Any) -> ActionResult:
        task = tasks.find(cluster_of(self).arn, self._get_param("task"))
        if task is None:
            raise InvalidParameterException("The referenced task was not found.")
        task.stop(self._get_param("reason") or "Task stopped by user", "UserInitiated")
        return ActionResult({"task": description.describe(task, with_tags=False)})

    @patch(Response)
    def describe_tasks(self: Any) -> ActionResult:
        cluster, wanted = cluster_of(self), self._get_param("tasks", [])
        if len(wanted) > 100:
            raise InvalidParameterException("Tasks cannot be more than 100.")
        with_tags = "TAGS" in (self._get_param("include") or [])
        found = {id: tasks.find(cluster.arn, id) for id in wanted}
        prefix = cluster.arn.replace(":cluster/", ":task/")
        return ActionResult(
            {
                "tasks": [description.describe(t, with_tags) for t in found.values() if t],
                "failures": [
                    {"arn": id if id.startswith("arn:") else f"{prefix}/{id}", "reason": "MISSING"}
                    for id, task in found.items()
                    if task is None
                ],
            }
        )

    @patch(Response)
    def execute_command(self: Any) -> ActionResult:
        cluster = cluster_of(self)
        task = tasks.find(cluster.arn, self._get_param("task"))
        if task is None:
            raise InvalidParameterException("The referenced task was not found.")
        if not self._get_param("interactive"):
            raise InvalidParameterException("Interactive must be true.")
        names = [container.name for container in task.containers]
        name = self._get_param("container") or (names[0] if len(names) == 1 else None)
        if name not in names:
            raise InvalidParameterException("The container name is missing or unknown.")
        if not task.launch.execute_command or task.last_status != "RUNNING":
            raise InvalidParameterException(NO_EXEC)
        command = self._get_param("command")
        container = task.containers[names.index(name)]
        if task.exec_agent != "RUNNING" or container.status != "RUNNING":
            raise ECSException("TargetNotConnectedException", NOT_CONNECTED)
        return ActionResult(
            {
                "clusterArn": cluster.arn,
                "taskArn": task.arn,
                "containerArn": f"{task.arn.replace(':task/', ':container/')}/{name}",
                "containerName": name,
                "interactive": True,
                "session": sessions.open(container, command),
            }
        )

    @patch(Response)
    def list_tasks(self: Any) -> ActionResult:
        cluster = cluster_of(self)
        name, family = self._get_param("serviceName"), self._get_param("family")
        if name and services.find(cluster, name) is None:
            raise ServiceNotFoundException()
        wanted = self._get_param("desiredStatus") or "RUNNING"
        started_by = self._get_param("startedBy")
        if started_by and (name or family):
            raise InvalidParameterException("startedBy must be the only filter.")
        arns = [
            task.arn
            for task in tasks.all(cluster.arn)
            if task.desired_status == wanted
            and (not name or task.launch.group == f"service:{name.rsplit('/', 1)[-1]}")
            and (not family or task.launch.definition.family == family)
            and (not started_by or task.launch.started_by == started_by)
        ]
        shown, following = page_of(self, arns, TASKS_A_PAGE, TASKS_A_PAGE)
        return ActionResult({"taskArns": shown, "nextToken": following})
