"""What databases and caches are measured by: their processes, files and connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from moto.elasticache.models import elasticache_backends
from moto.rds.models import rds_backends

from lab.running.databases.caches import Caches
from lab.running.databases.engines import Server
from lab.running.databases.instances import Databases
from lab.world.lab import Lab
from lab.world.places import Place, everywhere, of_backend
from lab.world.usage import connections, cpu_seconds, folder_bytes, resident_bytes

GIB = 1024**3
WALK_SECONDS = 10
# The classes of instances have two at least.
CORES = 2
# How much of the memory of a node is for data, in GiB (ElastiCache user guide, "Supported node
# types"). Those of other types are not measured.
MEMORY = {
    "cache.t3.micro": 0.5,
    "cache.t3.small": 1.37,
    "cache.t3.medium": 3.09,
    "cache.t4g.micro": 0.5,
    "cache.t4g.small": 1.37,
    "cache.t4g.medium": 3.09,
    "cache.m6g.large": 6.38,
    "cache.m7g.large": 6.38,
    "cache.r6g.large": 13.07,
    "cache.r7g.large": 13.07,
}
Found = tuple[Place, str, str, Mapping[str, str], list[float], str]
Source = Callable[[Lab], Iterable[Found]]


class Usage:
    """Looks at servers, and knows how much they had used the last time."""

    def __init__(self, lab: Lab) -> None:
        self._spent: dict[str, tuple[float, float]] = {}
        self._sizes: dict[str, tuple[float, int]] = {}
        lab.resets.append(self._spent.clear)
        lab.resets.append(self._sizes.clear)

    def measured(self, lab: Lab) -> Iterator[Found]:
        """What the last minute brought."""
        with lab.lock:
            databases = list(_databases(lab))
            caches = list(_caches(lab))
        for place, instance, server in databases:
            whose = {"DBInstanceIdentifier": str(instance.db_instance_identifier)}
            for name, value, unit in self._database(instance, server):
                yield place, "AWS/RDS", name, whose, [value], unit
        for place, cache, server in caches:
            values = list(self._cache(cache, server))
            for node in [node for nodes in cache.names() for node in nodes]:
                one = {"CacheClusterId": node}
                for whose in (one, {**one, "CacheNodeId": "0001"}):
                    for name, value, unit in values:
                        yield place, "AWS/ElastiCache", name, whose, [value], unit

    def _database(self, instance: Any, server: Server | None) -> Iterator[tuple[str, float, str]]:
        if instance.is_replica:
            yield "ReplicaLag", 0.0, "Seconds"
        if server is None:
            return
        share = self._cpu(server)
        if share is not None:
            yield "CPUUtilization", share / CORES, "Percent"
        room = int(instance.allocated_storage or 0) * GIB - self._size(server)
        yield "FreeStorageSpace", float(max(room, 0)), "Bytes"
        yield "DatabaseConnections", float(connections(server.address, server.port)), "Count"

    def _cache(self, cache: Any, server: Server) -> Iterator[tuple[str, float, str]]:
        share = self._cpu(server)
        if share is not None:
            yield "EngineCPUUtilization", share, "Percent"
            yield "CPUUtilization", share / CORES, "Percent"
        yield "CurrConnections", float(connections(server.address, server.port)), "Count"
        taken = resident_bytes(server.processes())
        yield "BytesUsedForCache", float(taken), "Bytes"
        room = MEMORY.get(str(cache.settings.get("CacheNodeType")))
        if room is not None:
            yield "DatabaseMemoryUsagePercentage", taken / (room * GIB) * 100, "Percent"

    def _size(self, server: Server) -> int:
        """How much a server has stored; looked at now and then, because that is a walk."""
        now, key = time.monotonic(), str(server.folder)
        known = self._sizes.get(key)
        if known is None or now - known[0] > WALK_SECONDS:
            known = self._sizes[key] = (now, folder_bytes(server.folder))
        return known[1]

    def _cpu(self, server: Server) -> float | None:
        """How much of one core it had since the last look, in percent; None at the first."""
        now, spent, key = time.monotonic(), cpu_seconds(server.processes()), str(server.folder)
        before, self._spent[key] = self._spent.get(key), (now, spent)
        if before is None or now <= before[0]:
            return None
        return max(spent - before[1], 0.0) / (now - before[0]) * 100


def _databases(lab: Lab) -> Iterator[tuple[Place, Any, Server | None]]:
    for backend in everywhere(rds_backends):
        for instance in backend.databases.values():
            if instance.status not in ("creating", "deleting", "failed"):
                yield of_backend(backend), instance, lab.part(Databases).server(instance)


def _caches(lab: Lab) -> Iterator[tuple[Place, Any, Server]]:
    for backend in everywhere(elasticache_backends):
        things: list[Any] = [*backend.replication_groups.values(), *backend.cache_clusters.values()]
        for cache in things:
            server = lab.part(Caches).server(cache.arn)
            if server is not None:
                yield of_backend(backend), cache, server
