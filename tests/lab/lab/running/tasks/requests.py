"""RunTask, whoever asks for it: a caller, a schedule, or a state machine under their roles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from moto.ecs.exceptions import EcsClientException, ECSException, InvalidParameterException
from moto.ecs.models import ecs_backends

from lab.aws.common.permissions import unassumable
from lab.aws.common.tokens import Tokens
from lab.policies.needs import Need
from lab.running.tasks.placing import capacity, check_definition
from lab.running.tasks.roster import NoPlace, Tasks
from lab.running.tasks.shapes import NetworkConfiguration, Overrides, Tag
from lab.running.tasks.task import Launch, Task
from lab.world.places import Place

if TYPE_CHECKING:
    from moto.ecs.models import Cluster, TaskDefinition

    from lab.world.lab import Lab

MOST = 10
LONGEST_OVERRIDES = 8192
LONGEST_STARTED_BY = 128
TOKEN = re.compile(r"^[!-~]{1,64}$")
NO_ADDRESS = "RESOURCE:ENI"
Failure = dict[str, str]


class Started(NamedTuple):
    """What became of one request: not all of its tasks need to have found a place."""

    tasks: list[Task]
    failures: list[Failure]


class TokenReused(ECSException):
    """The token was used with other parameters; names the tasks that it stands for."""

    def __init__(self, started: Started) -> None:
        super().__init__("ConflictException", "The clientToken was used with another request.")
        self.resourceIds = [task.arn for task in started.tasks]


class Requests:
    """Runs tasks as RunTask does, with what it refuses."""

    def __init__(self, lab: Lab, tasks: Tasks) -> None:
        self._lab = lab
        self._tasks = tasks
        self._tokens = Tokens()
        lab.resets.append(self._tokens.clear)
        lab.parts["task-requests"] = self

    def run(self, place: Place, request: dict[str, Any]) -> Started:
        """Starts the tasks of a request, once for each token."""
        token = request.get("clientToken")
        if token and not TOKEN.match(token):
            raise InvalidParameterException(
                "clientToken: up to 64 characters in the range of 33-126 are allowed."
            )
        return self._tokens.once(
            place,
            "RunTask",
            token,
            request,
            lambda: self._run(place, request),
            lambda: TokenReused(self._tokens.made(place, "RunTask", token)),
        )

    def _run(self, place: Place, request: dict[str, Any]) -> Started:
        cluster, definition = find(place, request)
        network = request.get("networkConfiguration") or {}
        check_definition(definition, network.get("awsvpcConfiguration"), place)
        _check(request, definition)
        launch = Launch(
            cluster=cluster,
            definition=definition,
            group=request.get("group") or f"family:{definition.family}",
            started_by=request.get("startedBy") or "",
            capacity_provider=capacity(request, definition),
            network=cast("NetworkConfiguration", deepcopy(network)),
            overrides=cast("Overrides", request.get("overrides") or {}),
            tags=_tags(request, cluster, definition),
            execute_command=bool(request.get("enableExecuteCommand")),
        )
        if role := launch.unassumable:
            raise EcsClientException(unassumable(role))
        started = Started([], [])
        for _ in range(int(request.get("count") or 1)):
            self._start(launch, started)
        return started

    def _start(self, launch: Launch, started: Started) -> None:
        try:
            started.tasks.append(self._tasks.start(launch))
        except NoPlace as error:
            started.failures.append({"reason": str(error)})
        except RuntimeError:
            started.failures.append({"reason": NO_ADDRESS})


def find(place: Place, request: dict[str, Any]) -> tuple[Cluster, TaskDefinition]:
    """The cluster and the definition that a request names."""
    ecs = ecs_backends[place.account][place.region]
    cluster = ecs._get_cluster(request.get("cluster") or "default")
    try:
        return cluster, ecs.describe_task_definition(str(request.get("taskDefinition")))
    except ECSException:
        raise EcsClientException("TaskDefinition not found.") from None


def needs(place: Place, request: dict[str, Any]) -> Iterator[Need]:
    """What whoever runs tasks has to be allowed."""
    cluster, definition = find(place, request)
    where = {"ecs:cluster": (cluster.arn,)}
    yield Need("ecs:RunTask", definition.arn, where)
    overrides = request.get("overrides") or {}
    for kind in ("execution", "task"):
        role = overrides.get(f"{kind}RoleArn") or getattr(definition, f"{kind}_role_arn", None)
        if role:
            yield Need("iam:PassRole", role, {"iam:passedtoservice": ("ecs-tasks.amazonaws.com",)})
    if tags := _tags(request, cluster, definition):
        given = {tag["key"]: tag.get("value") for tag in tags}
        arn = place.arn("ecs", f"task/{cluster.name}/*")
        yield Need("ecs:TagResource", arn, {"ecs:createaction": ("RunTask",)}, given)


def _check(request: dict[str, Any], definition: TaskDefinition) -> None:
    if not 1 <= int(request.get("count") or 1) <= MOST:
        raise InvalidParameterException(f"count must be between 1 and {MOST}.")
    if len(request.get("startedBy") or "") > LONGEST_STARTED_BY:
        raise InvalidParameterException(f"startedBy longer than {LONGEST_STARTED_BY}.")
    if str(request.get("group") or "").startswith("service:"):
        raise InvalidParameterException("The group name service: is reserved for services.")
    if request.get("propagateTags") not in (None, "TASK_DEFINITION"):
        raise InvalidParameterException(
            "propagateTags can only be TASK_DEFINITION when a task is run."
        )
    overrides = request.get("overrides") or {}
    if len(json.dumps(overrides, separators=(",", ":"))) > LONGEST_OVERRIDES:
        raise InvalidParameterException(
            f"Container Overrides length must be at most {LONGEST_OVERRIDES}"
        )
    names = {container["name"] for container in definition.container_definitions}
    for override in overrides.get("containerOverrides") or []:
        if override.get("name") not in names:
            raise InvalidParameterException(
                f"Override for container named {override.get('name')} is not a container in the "
                "TaskDefinition."
            )


def _tags(request: dict[str, Any], cluster: Cluster, definition: TaskDefinition) -> list[Tag]:
    tags: dict[str, str] = {}
    if request.get("enableECSManagedTags"):
        tags["aws:ecs:clusterName"] = cluster.name
    if request.get("propagateTags") == "TASK_DEFINITION":
        tags |= {tag["key"]: tag.get("value") or "" for tag in definition.tags or []}
    tags |= {tag["key"]: tag.get("value") or "" for tag in request.get("tags") or []}
    return [{"key": key, "value": value} for key, value in tags.items()]
