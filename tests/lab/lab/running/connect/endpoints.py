"""What services serve under names in namespaces, and since when.

ECS developer guide, "Amazon ECS Service Connect components": a deployment begins with the endpoints
that are there then, and its tasks never see a later one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.running.connect import namespaces
from lab.running.connect.proxies import Proxies
from lab.world.places import Place

if TYPE_CHECKING:
    from lab.running.tasks.task import Task
    from lab.world.lab import Lab

Alive = Callable[[], Sequence["Task"]]


@dataclass(frozen=True)
class Endpoint:
    """A port of a service under a name, and the address where its clients' proxies listen."""

    namespace: str
    service: str
    discovery_name: str
    arn: str
    host: str
    port: int
    target: int
    address: str
    alive: Alive


class Endpoints:
    """All endpoints, by namespace and discovery name."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._proxies = Proxies(lab)
        self._known: dict[tuple[str, str], Endpoint] = {}
        lab.parts["endpoints"] = self
        lab.resets.append(self._reset)

    def holder(self, namespace: str, discovery_name: str) -> str | None:
        """The service that has a name; None where nobody has."""
        known = self._known.get((namespace, discovery_name))
        return known.service if known else None

    def serve(
        self,
        place: Place,
        service: str,
        settings: dict[str, Any],
        ports: dict[str, int],
        alive: Alive,
    ) -> None:
        """Lets a service serve what its settings say, and nothing else any more."""
        connect = settings.get("serviceConnectConfiguration") or {}
        namespace = namespaces.find(place, str(connect.get("namespace")))
        wanted = {}
        if connect.get("enabled") and namespace is not None:
            for entry in connect.get("services") or []:
                name = entry.get("discoveryName") or entry["portName"]
                wanted[namespace.arn, name] = entry
        for key in [key for key, it in self._known.items() if it.service == service]:
            if key not in wanted or not self._is_same(self._known[key], wanted[key], ports):
                self._remove(place, key)
        for key, entry in wanted.items():
            if key in self._known or namespace is None:
                continue
            alias = entry["clientAliases"][0]
            endpoint = Endpoint(
                key[0],
                service,
                key[1],
                namespaces.add_service(place, namespace, key[1]),
                alias.get("dnsName") or f"{key[1]}.{namespace.name}",
                int(alias["port"]),
                ports[entry["portName"]],
                self._lab.addresses.take(),
                alive,
            )
            self._known[key] = endpoint
            self._proxies.open(endpoint.address, endpoint.port, endpoint.target, alive)

    def seen(self, place: Place, settings: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        """The hosts, and their addresses, that a deployment that begins now sees."""
        connect = settings.get("serviceConnectConfiguration") or {}
        if not connect.get("enabled"):
            return ()
        namespace = namespaces.find(place, str(connect.get("namespace")))
        there = [it for it in self._known.values() if namespace and it.namespace == namespace.arn]
        return tuple((it.address, it.host) for it in there)

    def resources(self, service: str) -> list[dict[str, str]]:
        """What a deployment is shown to have made in Cloud Map."""
        return [
            {"discoveryName": it.discovery_name, "discoveryArn": it.arn}
            for it in self._known.values()
            if it.service == service
        ]

    def withdraw(self, place: Place, service: str) -> None:
        """Serves nothing of a service any more. ECS takes its services out of Cloud Map later."""
        for key in [key for key, it in self._known.items() if it.service == service]:
            self._remove(place, key)

    @staticmethod
    def _is_same(known: Endpoint, entry: dict[str, Any], ports: dict[str, int]) -> bool:
        alias = entry["clientAliases"][0]
        host = alias.get("dnsName") or known.host
        wanted = (host, int(alias["port"]), ports[entry["portName"]])
        return (known.host, known.port, known.target) == wanted

    def _remove(self, place: Place, key: tuple[str, str]) -> None:
        endpoint = self._known.pop(key)
        self._proxies.close(endpoint.address, endpoint.port)
        self._lab.addresses.give_back(endpoint.address)
        self._lab.timers.after(
            "namespace.services-linger", lambda: namespaces.remove_service(place, endpoint.arn)
        )

    def _reset(self) -> None:
        for endpoint in self._known.values():
            self._proxies.close(endpoint.address, endpoint.port)
            self._lab.addresses.give_back(endpoint.address)
        self._known.clear()
