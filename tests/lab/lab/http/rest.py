"""Services that are asked by method and path: which operation a request is, by AWS's own models."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

from botocore.loaders import Loader

# Services of the lab that are spoken with so, by the name they are signed for.
SERVICES = ("route53", "scheduler")
LABEL = re.compile(r"\\\{(\w+)(\\\+)?\\\}")


class Route(NamedTuple):
    """An operation, and the requests that ask for it."""

    method: str
    path: re.Pattern[str]
    operation: str


class Asked(NamedTuple):
    """What a request asks for: the operation, the protocol, and what stands in its path."""

    operation: str
    protocol: str
    labels: dict[str, str]


def asked(service: str, method: str, path: str) -> Asked | None:
    """The operation behind a method and a path; None where the lab knows none."""
    if service not in SERVICES:
        return None
    protocol, routes = _routes(service)
    for route in routes:
        found = route.path.fullmatch(path.rstrip("/"))
        if found and route.method == method:
            labels = {name: unquote(value) for name, value in found.groupdict().items()}
            return Asked(route.operation, protocol, labels)
    return None


@cache
def _routes(service: str) -> tuple[str, list[Route]]:
    """The protocol, and the routes of a service: those with the fewest labels come first."""
    model = Loader().load_service_model(service, "service-2")
    found = []
    for name, operation in model["operations"].items():
        path, _, _ = operation["http"]["requestUri"].partition("?")
        found.append((path.count("{"), Route(operation["http"]["method"], _pattern(path), name)))
    found.sort(key=lambda entry: entry[0])
    return model["metadata"]["protocol"], [route for _, route in found]


def _pattern(path: str) -> re.Pattern[str]:
    text = re.escape(path.rstrip("/"))
    return re.compile(
        LABEL.sub(lambda it: f"(?P<{it[1]}>{'.+' if it[2] else '[^/]+'})", text), re.DOTALL
    )
