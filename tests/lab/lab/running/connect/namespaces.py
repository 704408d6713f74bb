"""Namespaces of Cloud Map as ECS uses them: found by ARN or name, and filled with services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.world.places import Place

if TYPE_CHECKING:
    from moto.servicediscovery.models import Namespace


def backend(place: Place) -> Any:
    """What moto keeps of Cloud Map in a place."""
    from moto.servicediscovery.models import servicediscovery_backends

    return servicediscovery_backends[place.account][place.region]


def find(place: Place, name_or_arn: str) -> Namespace | None:
    """The namespace of an ARN or a name."""
    for namespace in list(backend(place).namespaces.values()):
        if name_or_arn in (namespace.arn, namespace.name):
            found: Namespace = namespace
            return found
    return None


def make(place: Place, name: str) -> Namespace:
    """What ECS makes of a name that is none's: a namespace without tags."""
    backend(place).create_http_namespace(name, "", "", [])
    found = find(place, name)
    assert found is not None
    return found


def add_service(place: Place, namespace: Namespace, name: str) -> str:
    """Makes a service of Cloud Map, and gives its ARN."""
    from moto.servicediscovery.models import Service

    made = Service(place.account, place.region, name, namespace.id, "", "", {}, {}, {}, "HTTP")
    backend(place).services[made.id] = made
    return str(made.arn)


def remove_service(place: Place, arn: str) -> None:
    """Takes a service of Cloud Map away."""
    backend(place).services.pop(arn.rsplit("/", 1)[-1], None)
