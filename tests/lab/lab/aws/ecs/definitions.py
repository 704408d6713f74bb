"""ECS's clusters and task definitions: revisions that never come back, Fargate's sizes, refusals."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ecs.exceptions import (
    ClusterNotFoundException,
    EcsClientException,
    ECSException,
    InvalidParameterException,
)
from moto.ecs.models import Cluster, TaskDefinition
from moto.ecs.models import EC2ContainerServiceBackend as Backend
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.aws.ecs import capacity, containers
from lab.world.lab import Lab
from lab.world.places import of_arn, of_backend

if TYPE_CHECKING:
    from lab.running.services.scheduler import Services
    from lab.running.tasks.roster import Tasks

NAME = re.compile(r"^[a-zA-Z0-9_-]{1,255}$")
LARGEST = 64 * 1024
GIB = 1024
FARGATE_MEMORY: dict[int, list[int]] = {
    256: [512, GIB, 2 * GIB],
    512: [n * GIB for n in range(1, 5)],
    1024: [n * GIB for n in range(2, 9)],
    2048: [n * GIB for n in range(4, 17)],
    4096: [n * GIB for n in range(8, 31)],
    8192: [n * GIB for n in range(16, 61, 4)],
    16384: [n * GIB for n in range(32, 121, 8)],
}


def install(lab: Lab, services: Services, tasks: Tasks) -> None:
    """Patches clusters and task definitions."""
    _patch_clusters(services, tasks)
    _patch_definitions(lab, services)
    _patch_lists()


def _patch_clusters(services: Services, tasks: Tasks) -> None:
    @patch(Backend)
    def create_cluster(
        original: Any, self: Any, cluster_name: str, *args: Any, **kw: Any
    ) -> Cluster:
        if not NAME.match(cluster_name):
            raise InvalidParameterException("Invalid identifier: Identifier is not valid")
        existing: Cluster | None = self.clusters.get(cluster_name)
        if existing is not None and existing.status == "ACTIVE":
            return existing
        cluster: Cluster = original(self, cluster_name, *args, **kw)
        return cluster

    @patch(Backend)
    def _get_cluster(original: Any, self: Any, name: str) -> Cluster:
        cluster: Cluster = original(self, name)
        if cluster.status == "INACTIVE":
            raise ClusterNotFoundException()
        return cluster

    @patch(Backend)
    def delete_cluster(original: Any, self: Any, cluster_str: str) -> Cluster:
        cluster = self._get_cluster(cluster_str)
        services.count(cluster)
        if any(s.status in ("ACTIVE", "DRAINING") for s in services.of(cluster)):
            raise ECSException(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            )
        if any(not task.is_over for task in tasks.all(cluster.arn)):
            raise ECSException(
                "ClusterContainsTasksException",
                "The Cluster cannot be deleted while Tasks are active.",
            )
        deleted: Cluster = original(self, cluster_str)
        deleted.tags = []
        return deleted

    @patch(Backend)
    def put_cluster_capacity_providers(
        original: Any, self: Any, cluster_name: str, providers: Any, strategy: Any
    ) -> Cluster:
        cluster: Cluster = self._get_cluster(cluster_name)
        if providers is None or strategy is None:
            raise InvalidParameterException(
                "capacityProviders and defaultCapacityProviderStrategy are required."
            )
        capacity.check_known(providers)
        used = {
            task.launch.capacity_provider for task in tasks.all(cluster.arn) if not task.is_over
        } | {name for service in services.of(cluster) for name in capacity.of(service.settings)}
        if gone := (used & set(cluster.capacity_providers or [])) - set(providers):
            raise ECSException(
                "ResourceInUseException",
                f"The capacity provider {sorted(gone)[0]} is in use and cannot be removed.",
            )
        changed: Cluster = original(self, cluster_name, providers, strategy)
        return changed

    @patch(Backend)
    def list_clusters(self: Any) -> list[str]:
        return [c.arn for c in self.clusters.values() if c.status == "ACTIVE"]

    @patch(Response)
    def update_cluster_settings(self: Any) -> ActionResult:
        cluster = self.ecs_backend._get_cluster(self._get_param("cluster"))
        cluster.settings = self._get_param("settings")
        return ActionResult({"cluster": cluster})


def _patch_definitions(lab: Lab, services: Services) -> None:
    @patch(TaskDefinition, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.registered_at = datetime.now(UTC)
        self.registered_by = of_arn(self.arn).arn_of_iam("user/lab")
        self.enable_fault_injection = False
        self.volumes = [{"host": {}, **volume} for volume in self.volumes]
        self.container_definitions = [
            _completed(definition, self.network_mode) for definition in self.container_definitions
        ]

    @patch(Backend)
    def register_task_definition(
        original: Any, self: Any, family: str, container_definitions: Any, **kwargs: Any
    ) -> TaskDefinition:
        if not NAME.match(family):
            raise EcsClientException("Invalid 'family' setting for the task definition.")
        _check_containers(container_definitions)
        containers.check(container_definitions, kwargs.get("volumes") or [])
        if "FARGATE" in (kwargs.get("requires_compatibilities") or []):
            _check_fargate(container_definitions, kwargs)
        containers.complete(container_definitions)
        revisions: dict[str, int] = self.__dict__.setdefault("lab_revisions", {})
        definition: TaskDefinition = original(self, family, container_definitions, **kwargs)
        revision = revisions[family] = revisions.get(family, 0) + 1
        if definition.revision != revision:
            del self.task_definitions[family][definition.revision]
            definition.revision = revision
            definition.arn = f"{definition.arn.rsplit(':', 1)[0]}:{revision}"
            self.task_definitions[family][revision] = definition
        return definition

    @patch(Response, "register_task_definition")
    def register(original: Any, self: Any) -> ActionResult:
        asked = {key: value for key, value in self._get_params().items() if key != "tags"}
        size = len(json.dumps(asked, separators=(",", ":")).encode())
        if size > LARGEST:
            raise EcsClientException(
                f"Actual length: '{size}'. Max allowed length is '{LARGEST}' bytes."
            )
        result: Any = original(self).result
        definition = result["taskDefinition"]
        definition.enable_fault_injection = bool(self._get_param("enableFaultInjection"))
        return ActionResult({"taskDefinition": definition, "tags": definition.tags})

    @patch(Backend)
    def _get_last_task_definition_revision_id(self: Any, family: str) -> int | None:
        active = [
            number
            for number, definition in self.task_definitions.get(family, {}).items()
            if definition.status == "ACTIVE"
        ]
        return max(active, default=None)

    @patch(Backend)
    def describe_task_definition(original: Any, self: Any, task_definition_str: str) -> Any:
        name = task_definition_str.rsplit("/", maxsplit=1)[-1]
        if ":" in name and not name.rsplit(":", 1)[1].isdigit():
            raise EcsClientException(f"Invalid revision number. Number: {name.rsplit(':', 1)[1]}")
        return original(self, task_definition_str)

    @patch(Backend)
    def deregister_task_definition(original: Any, self: Any, task_definition_str: str) -> Any:
        definition = original(self, task_definition_str)
        definition.deregistered_at = datetime.now(UTC)
        return definition

    @patch(Backend)
    def delete_task_definitions(original: Any, self: Any, task_definitions: list[str]) -> Any:
        deleted, failures = original(self, task_definitions)
        for definition in deleted:
            self.task_definitions[definition.family][definition.revision] = definition
            definition.delete_requested_at = datetime.now(UTC)
            _forget_when_unused(lab, services, self, definition)
        return deleted, failures


def _patch_lists() -> None:
    @patch(Response)
    def list_clusters(self: Any) -> ActionResult:
        shown, following = _page(self, self.ecs_backend.list_clusters())
        return ActionResult({"clusterArns": shown, "nextToken": following})

    @patch(Response)
    def list_task_definitions(self: Any) -> ActionResult:
        arns = self.ecs_backend.list_task_definitions(
            self._get_param("familyPrefix"), self._get_param("status", "ACTIVE")
        )
        if self._get_param("sort") == "DESC":
            arns = arns[::-1]
        shown, following = _page(self, arns)
        return ActionResult({"taskDefinitionArns": shown, "nextToken": following})

    @patch(Response)
    def list_task_definition_families(self: Any) -> ActionResult:
        prefix, status = self._get_param("familyPrefix") or "", self._get_param("status") or "ALL"
        families = sorted(
            family
            for family, revisions in self.ecs_backend.task_definitions.items()
            if family.startswith(prefix) and _has(revisions, status)
        )
        shown, following = _page(self, families)
        return ActionResult({"families": shown, "nextToken": following})


def _page(response: Any, items: list[Any]) -> tuple[list[Any], str | None]:
    wanted = response._get_int_param("maxResults")
    return page(items, response._get_param("nextToken"), wanted, 100)


def _has(revisions: dict[int, Any], status: str) -> bool:
    states = {definition.status for definition in revisions.values()} - {"DELETE_IN_PROGRESS"}
    if status == "ALL":
        return bool(states)
    return "ACTIVE" in states if status == "ACTIVE" else states == {"INACTIVE"}


def _forget_when_unused(lab: Lab, services: Services, backend: Any, definition: Any) -> None:
    """Removes a deleted revision once no service runs it any more."""

    def look() -> None:
        used = {
            deployment.definition.arn
            for service in services.in_place(of_backend(backend))
            if service.status != "INACTIVE"
            for deployment in service.deployments
        }
        if definition.arn in used:
            lab.timers.after(1.0, look)
        else:
            backend.task_definitions[definition.family].pop(definition.revision, None)

    lab.timers.after("task-definition.deleting", look)


def _completed(definition: dict[str, Any], network_mode: str | None) -> dict[str, Any]:
    completed = {"systemControls": [], **definition}
    completed["portMappings"] = [
        {
            **({"hostPort": mapping["containerPort"]} if network_mode == "awsvpc" else {}),
            "protocol": "tcp",
            **mapping,
        }
        for mapping in definition.get("portMappings") or []
    ]
    if check := definition.get("healthCheck"):
        completed["healthCheck"] = {"interval": 30, "timeout": 5, "retries": 3, **check}
    return completed


def _check_containers(containers: list[dict[str, Any]]) -> None:
    if not containers:
        raise EcsClientException("Container list cannot be empty.")
    names = [str(container.get("name")) for container in containers]
    for name in names:
        if not NAME.match(name):
            raise EcsClientException(f"Container.name contains invalid characters: {name}")
    if len(set(names)) < len(names):
        raise EcsClientException("Container.name contains duplicate values")
    if not any(container.get("essential", True) for container in containers):
        raise EcsClientException(
            "Invalid setting for container. At least one container must be marked as essential."
        )


def _check_fargate(definitions: list[dict[str, Any]], request: dict[str, Any]) -> None:
    cpu, memory = request.get("cpu"), request.get("memory")
    if not cpu or not memory:
        raise EcsClientException(
            "Task definition does not support FARGATE compatibility: cpu and memory are required at "
            "the task level."
        )
    if request.get("network_mode") != "awsvpc":
        raise EcsClientException("Fargate only supports network mode 'awsvpc'.")
    if not str(cpu).isdigit() or int(cpu) not in FARGATE_MEMORY:
        raise EcsClientException(f"Invalid 'cpu' setting for task. Value: {cpu}")
    if not str(memory).isdigit() or int(memory) not in FARGATE_MEMORY[int(cpu)]:
        raise EcsClientException(
            "No Fargate configuration exists for given values: "
            f"{cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
        )
    containers.check_fargate(definitions, int(cpu), int(memory))
    if request.get("execution_role_arn"):
        return
    for container in definitions:
        if container.get("secrets"):
            raise EcsClientException(
                "When you are specifying container secrets, you must also specify a value for "
                "'executionRoleArn'."
            )
        if (container.get("logConfiguration") or {}).get("logDriver") == "awslogs":
            raise EcsClientException(
                "Fargate requires task definition to have execution role ARN to support log driver "
                "awslogs."
            )
