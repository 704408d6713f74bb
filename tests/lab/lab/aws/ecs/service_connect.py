"""What ECS refuses of Service Connect, and what it makes of a namespace that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from moto.ecs.exceptions import ECSException, InvalidParameterException

from lab.running.connect import namespaces
from lab.running.connect.endpoints import Endpoints
from lab.running.services.settings import Settings
from lab.running.tasks.shapes import ContainerDefinition
from lab.world.places import Place

if TYPE_CHECKING:
    from moto.ecs.models import TaskDefinition


def check(connect: dict[str, Any], definition: TaskDefinition, place: Place) -> None:
    """Refuses ports without names and aliases that are none or several."""
    if not connect.get("enabled"):
        return
    definitions = cast("list[ContainerDefinition]", definition.container_definitions)
    named = {
        mapping.get("name")
        for container in definitions
        for mapping in container.get("portMappings") or []
    }
    for entry in connect.get("services") or []:
        if entry["portName"] not in named:
            raise InvalidParameterException(
                f"portName({entry['portName']}) does not refer to any named PortMapping in the "
                "specified task definition."
            )
        if len(entry.get("clientAliases") or []) != 1:
            raise InvalidParameterException("A Service Connect service has one clientAlias.")
    namespace = str(connect.get("namespace") or "")
    if not namespace:
        raise InvalidParameterException("Service Connect needs a namespace.")
    if namespaces.find(place, namespace) is None:
        if namespace.startswith("arn:"):
            raise ECSException("NamespaceNotFoundException", "The namespace was not found.")
        namespaces.make(place, namespace)


def check_names(endpoints: Endpoints, settings: Settings, service: str, place: Place) -> None:
    """Refuses a discovery name that another service has in the namespace."""
    connect = settings.get("serviceConnectConfiguration") or {}
    namespace = namespaces.find(place, str(connect.get("namespace")))
    if not connect.get("enabled") or namespace is None:
        return
    for entry in connect.get("services") or []:
        name = entry.get("discoveryName") or entry["portName"]
        if endpoints.holder(namespace.arn, name) not in (None, service):
            raise InvalidParameterException(
                f"The discovery name {name} is in use in the namespace {namespace.name}."
            )
