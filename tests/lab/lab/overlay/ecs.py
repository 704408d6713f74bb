"""ECS's services and tasks, which are ours from end to end; clusters and definitions stay moto's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult
from moto.ecs.exceptions import (
    ECSException,
    InvalidParameterException,
    ServiceNotFoundException,
)
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from lab import service_shape, tasks as task_shape
from lab.overlay import ecs_definitions
from lab.pages import page
from lab.patching import patch
from lab.service import Service
from lab.services import Services
from lab.task import Launch
from lab.tasks import Tasks
from lab.tokens import Tokens
from lab.world import Lab

SERVICES_A_PAGE, TASKS_A_PAGE = 10, 100


def install(lab: Lab) -> None:
    """Patches moto's ECS and starts our scheduler."""
    tasks = Tasks(lab)
    services = Services(lab, tasks)
    tokens = Tokens()
    lab.resets.append(tokens.clear)
    ecs_definitions.install(lab, services, tasks)
    _patch_services(services, tokens)
    _patch_deployments(services)
    _patch_tasks(services, tasks, tokens)
    _patch_tags(services, tasks)


def _cluster(response: Any) -> Any:
    return response.ecs_backend._get_cluster(response._get_param("cluster", "default"))


def _service(response: Any, services: Services) -> Service:
    service = services.find(_cluster(response), response._get_param("service"))
    if service is None:
        raise ServiceNotFoundException()
    return service


def _patch_services(services: Services, tokens: Tokens) -> None:
    @patch(Response)
    def create_service(self: Any) -> ActionResult:
        cluster = _cluster(self)
        request = dict(self._get_params())

        def make() -> Service:
            name = request["serviceName"]
            if not service_shape.NAME.match(name):
                raise InvalidParameterException("Invalid service name.")
            existing = services.find(cluster, name)
            if existing is not None and existing.status == "ACTIVE":
                raise InvalidParameterException("Creation of service was not idempotent.")
            if existing is not None and existing.status == "DRAINING":
                raise InvalidParameterException(
                    "Unable to Start a service that is still Draining."
                )
            definition = self.ecs_backend.describe_task_definition(request["taskDefinition"])
            settings = service_shape.complete({**request, "taskDefinition": definition.arn})
            service_shape.check(settings, definition, self.region)
            service = services.add(cluster, self.region, settings)
            service.deploy(definition)
            return service

        service = tokens.once(
            "CreateService",
            request.get("clientToken"),
            request,
            make,
            lambda: InvalidParameterException("Creation of service was not idempotent."),
        )
        return ActionResult({"service": service_shape.describe(service, with_tags=True)})

    @patch(Response)
    def update_service(self: Any) -> ActionResult:
        service = _service(self, services)
        if service.status != "ACTIVE":
            raise ECSException("ServiceNotActiveException", "Service was not ACTIVE.")
        request = dict(self._get_params())
        wanted = request.get("taskDefinition") or service.settings["taskDefinition"]
        definition = self.ecs_backend.describe_task_definition(wanted)
        draft = {**service.settings, **{k: v for k, v in request.items() if v is not None}}
        if wanted is not service.settings["taskDefinition"] or "networkConfiguration" in request:
            service_shape.check(draft, definition, self.region)
        if service_shape.update(service, request, definition):
            service.deploy(definition)
        if request.get("desiredCount") is not None:
            service.scale(int(request["desiredCount"]))
        return ActionResult({"service": service_shape.describe(service, with_tags=True)})

    @patch(Response)
    def delete_service(self: Any) -> ActionResult:
        service = _service(self, services)
        if service.status == "INACTIVE":
            raise ServiceNotFoundException()
        if service.desired > 0 and not self._get_param("force", False):
            raise InvalidParameterException(
                "The service cannot be stopped while it is scaled above 0."
            )
        if service.status == "ACTIVE":
            service.drain()
        return ActionResult({"service": service_shape.describe(service, with_tags=True)})

    @patch(Response)
    def describe_services(self: Any) -> ActionResult:
        cluster, wanted = _cluster(self), self._get_param("services", [])
        if len(wanted) > 10:
            raise InvalidParameterException("Services cannot be more than 10.")
        with_tags = "TAGS" in (self._get_param("include") or [])
        found, failures = [], []
        for name in wanted:
            service = services.find(cluster, name)
            if service is None:
                prefix = cluster.arn.replace(":cluster/", ":service/")
                arn = name if name.startswith("arn:") else f"{prefix}/{name}"
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(service_shape.describe(service, with_tags))
        return ActionResult({"services": found, "failures": failures})

    @patch(Response)
    def list_services(self: Any) -> ActionResult:
        arns = [s.arn for s in services.of(_cluster(self)) if s.status == "ACTIVE"]
        shown, following = _page(self, arns, SERVICES_A_PAGE, 100)
        return ActionResult({"serviceArns": shown, "nextToken": following})


def _patch_deployments(services: Services) -> None:
    @patch(Response)
    def list_service_deployments(self: Any) -> ActionResult:
        service = _service(self, services)
        wanted = self._get_param("status") or []
        entries = [
            {
                "serviceDeploymentArn": record.record_arn,
                "serviceArn": service.arn,
                "clusterArn": service.cluster.arn,
                "createdAt": record.created,
                "startedAt": record.created,
                "finishedAt": record.finished,
                "status": record.record,
                "statusReason": record.record_reason or None,
                "targetServiceRevisionArn": record.revision_arn,
            }
            for record in service.records
            if not wanted or record.record in wanted
        ]
        shown, following = _page(self, entries, 20, 100)
        return ActionResult({"serviceDeployments": shown, "nextToken": following})

    @patch(Response)
    def describe_service_deployments(self: Any) -> ActionResult:
        wanted = self._get_param("serviceDeploymentArns", [])
        found = {
            record.record_arn: record.describe_record(service.cluster.arn, service.settings)
            for service in services.in_region(self.region)
            for record in service.records
        }
        return ActionResult(
            {
                "serviceDeployments": [found[arn] for arn in wanted if arn in found],
                "failures": _missing(wanted, found),
            }
        )

    @patch(Response)
    def describe_service_revisions(self: Any) -> ActionResult:
        wanted = self._get_param("serviceRevisionArns", [])
        found = {
            record.revision_arn: record.describe_revision(service.cluster.arn)
            for service in services.in_region(self.region)
            for record in service.records
        }
        return ActionResult(
            {
                "serviceRevisions": [found[arn] for arn in wanted if arn in found],
                "failures": _missing(wanted, found),
            }
        )


def _patch_tasks(services: Services, tasks: Tasks, tokens: Tokens) -> None:
    @patch(Response)
    def run_task(self: Any) -> ActionResult:
        cluster = _cluster(self)
        definition = self.ecs_backend.describe_task_definition(self._get_param("taskDefinition"))
        request = {**self._get_params(), "loadBalancers": []}
        service_shape.check(request, definition, self.region)
        launch = Launch(
            cluster=cluster,
            definition=definition,
            region=self.region,
            group=self._get_param("group") or f"family:{definition.family}",
            started_by=self._get_param("startedBy") or "",
            network=self._get_param("networkConfiguration") or {},
            overrides=self._get_param("overrides") or {},
            tags=self._get_param("tags") or [],
            execute_command=bool(self._get_param("enableExecuteCommand")),
        )
        count = self._get_int_param("count", 1)
        started = tokens.once(
            "RunTask",
            self._get_param("clientToken"),
            dict(self._get_params()),
            lambda: [tasks.start(launch) for _ in range(count)],
            lambda: ECSException(
                "ConflictException", "The clientToken was used with another request."
            ),
        )
        shown = [task_shape.describe(task, with_tags=True) for task in started]
        return ActionResult({"tasks": shown, "failures": []})

    @patch(Response)
    def stop_task(self: Any) -> ActionResult:
        task = tasks.find(_cluster(self).arn, self._get_param("task"))
        if task is None:
            raise InvalidParameterException("The referenced task was not found.")
        task.stop(self._get_param("reason") or "Task stopped by user", "UserInitiated")
        return ActionResult({"task": task_shape.describe(task, with_tags=False)})

    @patch(Response)
    def describe_tasks(self: Any) -> ActionResult:
        cluster, wanted = _cluster(self), self._get_param("tasks", [])
        if len(wanted) > 100:
            raise InvalidParameterException("Tasks cannot be more than 100.")
        with_tags = "TAGS" in (self._get_param("include") or [])
        found = {id: tasks.find(cluster.arn, id) for id in wanted}
        prefix = cluster.arn.replace(":cluster/", ":task/")
        return ActionResult(
            {
                "tasks": [task_shape.describe(t, with_tags) for t in found.values() if t],
                "failures": [
                    {"arn": id if id.startswith("arn:") else f"{prefix}/{id}", "reason": "MISSING"}
                    for id, task in found.items()
                    if task is None
                ],
            }
        )

    @patch(Response)
    def list_tasks(self: Any) -> ActionResult:
        cluster = _cluster(self)
        name, family = self._get_param("serviceName"), self._get_param("family")
        if name and services.find(cluster, name) is None:
            raise ServiceNotFoundException()
        wanted = self._get_param("desiredStatus") or "RUNNING"
        started_by = self._get_param("startedBy")
        arns = [
            task.arn
            for task in tasks.all(cluster.arn)
            if task.desired_status == wanted
            and (not name or task.launch.group == f"service:{name.rsplit('/', 1)[-1]}")
            and (not family or task.launch.definition.family == family)
            and (not started_by or task.launch.started_by == started_by)
        ]
        shown, following = _page(self, arns, TASKS_A_PAGE, TASKS_A_PAGE)
        return ActionResult({"taskArns": shown, "nextToken": following})


def _patch_tags(services: Services, tasks: Tasks) -> None:
    @patch(EC2ContainerServiceBackend)
    def iter_tagged_resources(original: Any, self: Any) -> Iterator[TaggedResource]:
        yield from original(self)
        for service in services.in_region(self.region_name):
            if service.status != "INACTIVE":
                yield TaggedResource(service.arn, _plain(service.tags), "ecs:service")
        for cluster in list(self.clusters.values()):
            for task in tasks.all(cluster.arn):
                if not task.is_over:
                    yield TaggedResource(task.arn, _plain(task.launch.tags), "ecs:task")

    @patch(EC2ContainerServiceBackend)
    def _get_resource(original: Any, self: Any, resource_arn: str, parsed_arn: Any) -> Any:
        if parsed_arn["service"] == "service":
            service = services.by_arn(resource_arn)
            if service is None or service.status == "INACTIVE":
                raise ServiceNotFoundException()
            return service
        if parsed_arn["service"] == "task":
            for cluster in self.clusters.values():
                if task := tasks.find(cluster.arn, resource_arn):
                    return task.launch
        return original(self, resource_arn, parsed_arn)


def _page(response: Any, items: list[Any], size: int, most: int) -> tuple[list[Any], str | None]:
    wanted = response._get_int_param("maxResults") or size
    try:
        return page(items, response._get_param("nextToken"), wanted, most)
    except ValueError:
        raise InvalidParameterException("Invalid token") from None


def _missing(wanted: list[str], found: dict[str, Any]) -> list[dict[str, str]]:
    return [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in found]


def _plain(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["key"]: tag.get("value") or "" for tag in tags or []}
