"""ElastiCache's caches that are a local Redis or Valkey, where the machine has one.

The overlay keeps the states of clusters and replication groups, and calls this for the server
behind one of them. A group has one server, whatever it says about nodes and shards; all of its
endpoints are that server's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.running.databases.engines import Login, Server, Servers, nothing_listens
from lab.running.databases.redis import Redis, Valkey

if TYPE_CHECKING:
    from lab.world.lab import Lab


class Caches:
    """Servers by the name of their cache. Its methods block; call them without the lab's lock."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._engines = {
            "redis": Servers(lab, Redis(lab)),
            "valkey": Servers(lab, Valkey(lab)),
        }
        lab.parts["caches"] = self

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        return {name: servers.engine.version for name, servers in self._engines.items()}

    def server(self, name: str) -> Server | None:
        """What runs under a cache."""
        found = (servers.named(name) for servers in self._engines.values())
        return next((server for server in found if server), None)

    def start(
        self, name: str, engine: str, port: int, token: str | None = None, tls: bool = False
    ) -> tuple[str, int] | None:
        """Starts a server; its address and port, or None where nothing can listen."""
        if self._lab.options.hollow:
            return None
        own = self._engines.get(engine)
        if own is None:
            nothing_listens(name, f"caches of engine {engine} have no server here")
            return None
        present = [servers for servers in self._engines.values() if servers.engine.programs]
        servers = own if own in present or not present else present[0]
        if servers.lack:
            nothing_listens(name, servers.lack)
            return None
        server = servers.create(name, Login("default", token or "", encrypted=tls), port)
        return (server.address, server.port) if server else None

    def change_token(self, name: str, token: str | None, former: str | None = None) -> None:
        """Sets the token, beside a former one that stays good; a missing one lets everybody in."""
        for servers in self._engines.values():
            servers.change_password(name, token or "", former)

    def restart(self, name: str) -> None:
        """Restarts a server; unlike AWS's, it keeps its data."""
        for servers in self._engines.values():
            servers.restart(name)

    def stop(self, name: str) -> None:
        """Ends a server and its data."""
        for servers in self._engines.values():
            servers.delete(name)
