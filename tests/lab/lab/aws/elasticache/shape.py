"""Caches as ElastiCache's API shows them: groups, their shards and nodes, single clusters."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lab.aws.common import interfaces
from lab.aws.elasticache.checks import full_version
from lab.world.places import Place

SHOWN = {
    "SnapshotWindow": "05:00-06:00",
    "PreferredMaintenanceWindow": "sun:07:00-sun:08:00",
    "SnapshotRetentionLimit": 0,
    "AutoMinorVersionUpgrade": True,
    "TransitEncryptionEnabled": False,
    "AtRestEncryptionEnabled": False,
    "NetworkType": "ipv4",
    "IpDiscovery": "ipv4",
}
PORTS = {"memcached": 11211}
# Changes that wait for the maintenance window unless they are applied at once.
WAITING = ("CacheNodeType", "EngineVersion", "Engine")


@dataclass(eq=False)
class Cache:
    """A replication group or a single cluster: its settings, its nodes, and one server."""

    kind: str
    id: str
    place: Place
    settings: dict[str, Any]
    subnets: list[Any]
    status: str = "creating"
    nodes: dict[str, str] = field(default_factory=dict)
    pending: dict[str, Any] = field(default_factory=dict)
    endpoint: tuple[str, int] | None = None

    def __post_init__(self) -> None:
        self.settings = {**SHOWN, **{k: v for k, v in self.settings.items() if v is not None}}
        engine = self.settings.setdefault("Engine", "redis")
        self.settings["EngineVersion"] = full_version(engine, self.settings.get("EngineVersion"))
        self.settings.setdefault("Port", PORTS.get(engine, 6379))
        self.created = datetime.now(UTC)
        self.suffix = "".join(secrets.choice(string.ascii_lowercase) for _ in range(6))
        self.arn = self.place.arn("elasticache", f"{self.kind}:{self.id}")

    @property
    def is_group(self) -> bool:
        """Whether it is a replication group."""
        return self.kind == "replicationgroup"

    @property
    def shards(self) -> int:
        """How many node groups it has."""
        return int(self.settings.get("NumNodeGroups") or 1)

    @property
    def replicas(self) -> int:
        """How many replicas a node group has beside its primary."""
        if self.settings.get("ReplicasPerNodeGroup") is not None:
            return int(self.settings["ReplicasPerNodeGroup"])
        return int(self.settings.get("NumCacheClusters") or 1) - 1

    @property
    def clustered(self) -> bool:
        """Whether cluster mode is on."""
        return self.settings.get("ClusterMode") == "enabled" or self.shards > 1

    def settle(self) -> None:
        """Gives every node that should exist an interface, and takes those of others away."""
        wanted = [name for names in self.names() for name in names]
        for name in [name for name in self.nodes if name not in wanted]:
            interfaces.delete(self.place, self.nodes.pop(name))
        for number, name in enumerate(wanted):
            if name not in self.nodes:
                self.nodes[name] = interfaces.create(
                    self.place,
                    self.subnets[number % len(self.subnets)].id,
                    self.settings["SecurityGroupIds"],
                    f"ElastiCache {name}",
                    "amazon-elasticache",
                ).id

    def remove(self) -> None:
        """Takes all interfaces away."""
        for interface in self.nodes.values():
            interfaces.delete(self.place, interface)
        self.nodes.clear()

    def names(self) -> list[list[str]]:
        """The names of the nodes, shard by shard."""
        if not self.is_group:
            return [[self.id]]
        stems = [f"{self.id}-{n + 1:04}" if self.clustered else self.id for n in range(self.shards)]
        return [[f"{stem}-{n + 1:03}" for n in range(self.replicas + 1)] for stem in stems]

    def describe(self) -> dict[str, Any]:
        """The replication group."""
        settings = self.settings
        return {
            **{key: settings.get(key) for key in (*SHOWN, "CacheNodeType", "Engine", "KmsKeyId")},
            "ReplicationGroupId": self.id,
            "ARN": self.arn,
            "Description": settings["ReplicationGroupDescription"],
            "Status": self.status,
            "MemberClusters": [name for names in self.names() for name in names],
            "NodeGroups": [self._shard(*item) for item in enumerate(self.names())],
            "ConfigurationEndpoint": self._endpoint("clustercfg") if self.clustered else None,
            "ClusterEnabled": self.clustered,
            "ClusterMode": "enabled" if self.clustered else "disabled",
            "AutomaticFailover": _word(settings.get("AutomaticFailoverEnabled")),
            "MultiAZ": _word(settings.get("MultiAZEnabled")),
            "DataTiering": _word(settings.get("DataTieringEnabled")),
            "AuthTokenEnabled": "AuthToken" in settings,
            "TransitEncryptionMode": settings.get("TransitEncryptionMode")
            or ("required" if settings["TransitEncryptionEnabled"] else None),
            "ReplicationGroupCreateTime": self.created,
            "PendingModifiedValues": {},
        }

    def describe_nodes(self, with_endpoints: bool) -> list[dict[str, Any]]:
        """Its nodes as cache clusters; a single cluster is one of them."""
        return [self._cluster(name, with_endpoints) for names in self.names() for name in names]

    def _shard(self, number: int, names: list[str]) -> dict[str, Any]:
        shard: dict[str, Any] = {
            "NodeGroupId": f"{number + 1:04}",
            "Status": self.status,
            "NodeGroupMembers": [
                {
                    "CacheClusterId": name,
                    "CacheNodeId": "0001",
                    "PreferredAvailabilityZone": self._zone(name),
                    **self._role(name, first=name == names[0]),
                }
                for name in names
            ],
        }
        if self.clustered:
            slots = 16384
            first, last = slots * number // self.shards, slots * (number + 1) // self.shards - 1
            return {**shard, "Slots": f"{first}-{last}"}
        shard["PrimaryEndpoint"] = self._endpoint("master")
        shard["ReaderEndpoint"] = self._endpoint("replica")
        return shard

    def _role(self, name: str, first: bool) -> dict[str, Any]:
        if self.clustered:
            return {}
        role = "primary" if first else "replica"
        return {"CurrentRole": role, "ReadEndpoint": self._endpoint(name)}

    def _cluster(self, name: str, with_endpoints: bool) -> dict[str, Any]:
        settings = self.settings
        many = int(settings.get("NumCacheNodes") or 1)
        family = settings["EngineVersion"].split(".")[0]
        shown = {
            **{key: settings.get(key) for key in (*SHOWN, "CacheNodeType", "Engine")},
            "EngineVersion": settings["EngineVersion"],
            "CacheClusterId": name,
            "ARN": self.place.arn("elasticache", f"cluster:{name}"),
            "CacheClusterStatus": self.status,
            "NumCacheNodes": many,
            "PreferredAvailabilityZone": self._zone(name),
            "CacheClusterCreateTime": self.created,
            "PendingModifiedValues": {k: v for k, v in self.pending.items() if k != "Engine"},
            "CacheSubnetGroupName": settings["CacheSubnetGroupName"],
            "CacheParameterGroup": {
                "CacheParameterGroupName": settings.get("CacheParameterGroupName")
                or f"default.{settings['Engine']}{family}",
                "ParameterApplyStatus": "in-sync",
                "CacheNodeIdsToReboot": [],
            },
            "SecurityGroups": [
                {"SecurityGroupId": group, "Status": "active"}
                for group in settings["SecurityGroupIds"]
            ],
            "AuthTokenEnabled": "AuthToken" in settings,
            "ReplicationGroupId": self.id if self.is_group else None,
        }
        if with_endpoints:
            shown["CacheNodes"] = [
                {
                    "CacheNodeId": f"{number + 1:04}",
                    "CacheNodeStatus": self.status,
                    "CacheNodeCreateTime": self.created,
                    "Endpoint": self._endpoint(name),
                    "ParameterGroupStatus": "in-sync",
                    "CustomerAvailabilityZone": self._zone(name),
                }
                for number in range(many)
            ]
        return shown

    def _endpoint(self, prefix: str) -> dict[str, Any] | None:
        """Nothing before it was created; then the server's, or a name where none runs."""
        if self.status == "creating":
            return None
        if self.endpoint is not None:
            return {"Address": self.endpoint[0], "Port": self.endpoint[1]}
        name = f"{prefix}.{self.id}.{self.suffix}.cache.amazonaws.com"
        return {"Address": name, "Port": int(self.settings["Port"])}

    def _zone(self, name: str) -> str:
        enis = interfaces.backend(self.place).enis
        interface = enis.get(self.nodes.get(name, ""))
        return str((interface.subnet if interface else self.subnets[0]).availability_zone)


def _word(on: Any) -> str:
    return "enabled" if on else "disabled"
