"""ECS's services and tasks, which are ours from end to end; clusters and definitions stay moto's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult
from moto.ecs.exceptions import (
    ECSException,
    InvalidParameterException,
    ServiceNotFoundException,
)
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from lab.aws.common.patching import patch
from lab.aws.common.tokens import Tokens
from lab.aws.ecs import capacity, definitions, service_connect, service_shape, strategies
from lab.aws.ecs import tasks as task_operations
from lab.aws.ecs.tasks import cluster_of, page_of
from lab.running.connect.endpoints import Endpoints
from lab.running.services import records, rollout
from lab.running.services.deployment import Deployment
from lab.running.services.load import Loads
from lab.running.services.pauses import CONTINUE, WAITS
from lab.running.services.scheduler import Services
from lab.running.services.service import Service
from lab.running.services.settings import Settings
from lab.running.sessions.roster import Sessions
from lab.running.tasks.requests import Requests
from lab.running.tasks.roster import Tasks
from lab.world.lab import Lab
from lab.world.places import of_backend, of_request

SERVICES_A_PAGE = 10


def install(lab: Lab) -> None:
    """Patches moto's ECS and starts our scheduler."""
    tasks = Tasks(lab)
    services = Services(lab, tasks)
    Endpoints(lab)
    Loads(lab)
    tokens = Tokens()
    lab.resets.append(tokens.clear)
    definitions.install(lab, services, tasks)
    _patch_services(lab, services, tokens)
    _patch_deployments(services)
    task_operations.install(services, tasks, Requests(lab, tasks), lab.part(Sessions))
    _patch_tags(services, tasks)


def _service(response: Any, services: Services) -> Service:
    service = services.find(cluster_of(response), response._get_param("service"))
    if service is None:
        raise ServiceNotFoundException()
    return service


def _patch_services(lab: Lab, services: Services, tokens: Tokens) -> None:
    @patch(Response)
    def create_service(self: Any) -> ActionResult:
        cluster = cluster_of(self)
        request = dict(self._get_params())

        def make() -> Service:
            name = request["serviceName"]
            if not service_shape.NAME.match(name):
                raise InvalidParameterException("Invalid service name.")
            existing = services.find(cluster, name)
            if existing is not None and existing.status == "ACTIVE":
                raise InvalidParameterException("Creation of service was not idempotent.")
            if existing is not None and existing.status == "DRAINING":
                raise InvalidParameterException("Unable to Start a service that is still Draining.")
            definition = self.ecs_backend.describe_task_definition(request["taskDefinition"])
            capacity.check(request, cluster)
            strategies.check_new(request)
            settings = service_shape.complete({**request, "taskDefinition": definition.arn})
            service_shape.check(settings, definition, of_request(self))
            strategies.check_pairs(settings)
            arn = f"{cluster.arn.replace(':cluster/', ':service/')}/{name}"
            service_connect.check_names(lab.part(Endpoints), settings, arn, of_request(self))
            service = services.add(cluster, settings)
            service.deploy(definition)
            return service

        service = tokens.once(
            of_request(self),
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
        strategies.check_change(service, request)
        capacity.check(request, service.cluster)
        wanted = request.get("taskDefinition") or service.settings["taskDefinition"]
        definition = self.ecs_backend.describe_task_definition(wanted)
        draft = {**service.settings, **{k: v for k, v in request.items() if v is not None}}
        draft["deploymentConfiguration"] = service_shape.merge_configuration(
            dict(service.settings["deploymentConfiguration"]),
            request.get("deploymentConfiguration") or {},
        )
        is_new = wanted is not service.settings["taskDefinition"]
        if is_new or set(service_shape.CHECKED) & set(request):
            service_shape.check(cast("Settings", draft), definition, of_request(self))
        if {"loadBalancers", "deploymentConfiguration"} & set(request):
            strategies.check_pairs(cast("Settings", draft))
        service_connect.check_names(
            lab.part(Endpoints), cast("Settings", draft), service.arn, of_request(self)
        )
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
        cluster, wanted = cluster_of(self), self._get_param("services", [])
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
        arns = [s.arn for s in services.of(cluster_of(self)) if s.status == "ACTIVE"]
        shown, following = page_of(self, arns, SERVICES_A_PAGE, 100)
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
        shown, following = page_of(self, entries, 20, 100)
        return ActionResult({"serviceDeployments": shown, "nextToken": following})

    @patch(Response)
    def describe_service_deployments(self: Any) -> ActionResult:
        wanted = self._get_param("serviceDeploymentArns", [])
        found = {
            record.record_arn: records.describe_deployment(service, record)
            for service in services.in_place(of_request(self))
            for record in service.records
            if record.record_arn in wanted
        }
        return ActionResult(
            {
                "serviceDeployments": [found[arn] for arn in wanted if arn in found],
                "failures": _missing(wanted, found),
            }
        )

    @patch(Response)
    def stop_service_deployment(self: Any) -> ActionResult:
        service, record = _recorded(self, services)
        if not record.is_ongoing:
            raise ECSException("ConflictException", "The service deployment is not in progress.")
        if self._get_param("stopType") == "ABORT":
            raise InvalidParameterException("The stop type ABORT is not supported.")
        rollout.stop(service, record)
        return ActionResult({"serviceDeploymentArn": record.record_arn})

    @patch(Response)
    def continue_service_deployment(self: Any) -> ActionResult:
        _, record = _recorded(self, services)
        hook, action = self._get_param("hookId"), self._get_param("action") or CONTINUE
        pause = next((it for it in record.pauses if it.id == hook), None)
        if record.record != "IN_PROGRESS" or pause is None or pause.status != WAITS:
            raise InvalidParameterException(f"The hook {hook} does not wait for an action.")
        pause.decide(action, "SUCCEEDED" if action == CONTINUE else "FAILED")
        return ActionResult({"serviceDeploymentArn": record.record_arn})

    @patch(Response)
    def describe_service_revisions(self: Any) -> ActionResult:
        wanted = self._get_param("serviceRevisionArns", [])
        found = {
            record.revision_arn: records.describe_revision(service, record)
            for service in services.in_place(of_request(self))
            for record in service.records
            if record.revision_arn in wanted
        }
        return ActionResult(
            {
                "serviceRevisions": [found[arn] for arn in wanted if arn in found],
                "failures": _missing(wanted, found),
            }
        )


def _recorded(response: Any, services: Services) -> tuple[Service, Deployment]:
    """The service deployment that a request names."""
    arn = response._get_param("serviceDeploymentArn")
    for service in services.in_place(of_request(response)):
        for record in service.records:
            if record.record_arn == arn:
                return service, record
    raise ECSException(
        "ServiceDeploymentNotFoundException", "The service deployment was not found."
    )


def _patch_tags(services: Services, tasks: Tasks) -> None:
    @patch(EC2ContainerServiceBackend)
    def iter_tagged_resources(original: Any, self: Any) -> Iterator[TaggedResource]:
        yield from original(self)
        for service in services.in_place(of_backend(self)):
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


def _missing(wanted: list[str], found: dict[str, Any]) -> list[dict[str, str]]:
    return [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in found]


def _plain(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["key"]: tag.get("value") or "" for tag in tags or []}
