"""Namespaces of Cloud Map: made and deleted by operations that take time, and refused while in use."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.servicediscovery.exceptions import NamespaceNotFound, OperationNotFound
from moto.servicediscovery.models import ServiceDiscoveryBackend
from moto.servicediscovery.responses import ServiceDiscoveryResponse as Response

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_request

PAGE = 100


@dataclass
class Making:
    """A namespace that is being made, and by which request."""

    request: dict[str, Any]
    operation: str


@dataclass
class Work:
    """What is under way in one place."""

    making: dict[str, Making] = field(default_factory=dict)
    deleting: dict[str, str] = field(default_factory=dict)
    made_by: dict[str, str] = field(default_factory=dict)


def install(lab: Lab) -> None:
    """Patches the operations on namespaces."""
    places: dict[Place, Work] = {}
    lab.resets.append(places.clear)

    def work(response: Any) -> Work:
        return places.setdefault(of_request(response), Work())

    _patch_making(lab, work)
    _patch_deleting(lab, work)
    _patch_reading()


def _patch_making(lab: Lab, work: Any) -> None:
    @patch(Response)
    def create_http_namespace(self: Any) -> str:
        request = json.loads(self.body)
        name, token = request["Name"], request.get("CreatorRequestId") or ""
        backend, under_way = self.servicediscovery_backend, work(self)
        known = under_way.making.get(name)
        if known is not None and known.request == request:
            return json.dumps({"OperationId": known.operation})
        there = next((it for it in backend.namespaces.values() if it.name == name), None)
        if known is not None or there is not None:
            raise JsonRESTError("NamespaceAlreadyExists", f"The namespace {name} already exists.")
        operation = _begin(lab, backend, "CREATE_NAMESPACE", {})
        under_way.making[name] = Making(request, operation.id)

        def finish() -> None:
            backend.create_http_namespace(
                name, token, request.get("Description") or "", request.get("Tags") or []
            )
            made = next(it for it in backend.namespaces.values() if it.name == name)
            under_way.making.pop(name, None)
            operation.targets["NAMESPACE"] = made.id
            operation.status = "SUCCESS"

        lab.timers.after("namespace.creating", finish)
        return json.dumps({"OperationId": operation.id})


def _patch_deleting(lab: Lab, work: Any) -> None:
    @patch(Response)
    def delete_namespace(self: Any) -> str:
        backend, under_way = self.servicediscovery_backend, work(self)
        id = json.loads(self.body)["Id"].rsplit("/", 1)[-1]
        if id not in backend.namespaces:
            raise NamespaceNotFound(id)
        if any(service.namespace_id == id for service in backend.services.values()):
            raise JsonRESTError("ResourceInUse", "The namespace still has services in it.")
        if id in under_way.deleting:
            raise JsonRESTError("DuplicateRequest", "The namespace is being deleted.")
        operation = _begin(lab, backend, "DELETE_NAMESPACE", {"NAMESPACE": id})
        under_way.deleting[id] = operation.id

        def finish() -> None:
            namespace = backend.namespaces.pop(id, None)
            if namespace is not None:
                backend.tagger.delete_all_tags_for_resource(namespace.arn)
            under_way.deleting.pop(id, None)
            operation.status = "SUCCESS"

        lab.timers.after("namespace.deleting", finish)
        return json.dumps({"OperationId": operation.id})


def _patch_reading() -> None:
    @patch(Response)
    def list_namespaces(self: Any) -> str:
        request = json.loads(self.body)
        found = [it.to_json() for it in self.servicediscovery_backend.list_namespaces()]
        for wanted in request.get("Filters") or []:
            found = [it for it in found if _suits(it, wanted)]
        shown, following = page(found, request.get("NextToken"), request.get("MaxResults"), PAGE)
        return json.dumps({"Namespaces": shown, **({"NextToken": following} if following else {})})

    @patch(ServiceDiscoveryBackend)
    def get_namespace(original: Any, self: Any, namespace_id: str) -> Any:
        return original(self, namespace_id.rsplit("/", 1)[-1])

    @patch(ServiceDiscoveryBackend)
    def get_operation(self: Any, operation_id: str) -> Any:
        if operation_id not in self.operations:
            raise OperationNotFound()
        return self.operations[operation_id]

    for name in ("list_tags_for_resource", "tag_resource", "untag_resource"):
        _patch_tags(name)


def _patch_tags(name: str) -> None:
    @patch(Response, name)
    def tags(original: Any, self: Any) -> Any:
        arn = json.loads(self.body)["ResourceARN"]
        backend = self.servicediscovery_backend
        if not any(
            it.arn == arn for it in [*backend.namespaces.values(), *backend.services.values()]
        ):
            raise JsonRESTError("ResourceNotFoundException", f"{arn} is not there.")
        return original(self)


def _begin(lab: Lab, backend: Any, kind: str, targets: dict[str, str]) -> Any:
    """An operation that is submitted first, and pending then."""
    operation = backend.operations[backend._create_operation(kind, targets)]
    operation.status = "SUBMITTED"

    def go_on() -> None:
        if operation.status == "SUBMITTED":
            operation.status = "PENDING"

    lab.timers.after(lab.timers.seconds("namespace.creating") / 4, go_on)
    return operation


def _suits(namespace: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a namespace is what a filter asks for."""
    names = {"NAME": "Name", "HTTP_NAME": "Name", "TYPE": "Type"}
    value = str(namespace[names[wanted["Name"]]])
    if wanted.get("Condition", "EQ") == "BEGINS_WITH":
        return any(value.startswith(begin) for begin in wanted["Values"])
    return value in wanted["Values"]
