"""What ElastiCache accepts: identifiers, tokens, versions, numbers of nodes."""

from __future__ import annotations

import re
from typing import Any

from moto.core.exceptions import ServiceException

GROUP = re.compile(r"^(?!.*--)[a-zA-Z][a-zA-Z0-9-]{0,39}(?<!-)$")
CLUSTER = re.compile(r"^(?!.*--)[a-zA-Z][a-zA-Z0-9-]{0,49}(?<!-)$")
SUBNET_GROUP = re.compile(r"^[a-zA-Z0-9-]{1,255}$")
NODE_TYPE = re.compile(r"^cache\.[a-z0-9-]+\.[a-z0-9]+$")
TOKEN = re.compile(r"^[a-zA-Z0-9!&#$^<>-]{16,128}$")
LATEST = {
    "redis": {"6.2": "6.2.6", "7.0": "7.0.7", "7.1": "7.1.0"},
    "valkey": {"7.2": "7.2.6", "8.0": "8.0.1", "8.1": "8.1.0"},
    "memcached": {"1.6": "1.6.22"},
}
MOST_NODES = 6
MOST_SHARDS = 500


class Refused(ServiceException):
    """One of ElastiCache's errors."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def invalid(message: str) -> Refused:
    """A value that is not one."""
    return Refused("InvalidParameterValue", message)


def combination(message: str) -> Refused:
    """Values that do not go together."""
    return Refused("InvalidParameterCombination", message)


def full_version(engine: str, wanted: str | None) -> str:
    """Completes `7.1` to the version that ElastiCache tells back."""
    known = LATEST.get(engine)
    if known is None:
        raise invalid(f"Invalid engine: {engine}")
    if wanted is None:
        return max(known.values(), key=_as_numbers)
    if wanted not in known and wanted not in known.values():
        raise invalid(f"Cannot find version {wanted} for {engine}")
    return known.get(wanted, wanted)


def check_group(request: dict[str, Any]) -> None:
    """Refuses what CreateReplicationGroup refuses."""
    _check_name("ReplicationGroupId", GROUP, request["ReplicationGroupId"])
    if not request.get("ReplicationGroupDescription"):
        raise invalid("ReplicationGroupDescription must be provided.")
    _check_node_type(request)
    nodes, shards = request.get("NumCacheClusters"), request.get("NumNodeGroups")
    replicas = request.get("ReplicasPerNodeGroup")
    if nodes and (shards or replicas is not None):
        raise combination("Use either NumCacheClusters or NumNodeGroups and ReplicasPerNodeGroup.")
    if not 1 <= int(nodes or 1) <= MOST_NODES or not 0 <= int(replicas or 0) < MOST_NODES:
        raise invalid(f"A node group has at most {MOST_NODES} nodes.")
    if not 1 <= int(shards or 1) <= MOST_SHARDS:
        raise invalid(f"NumNodeGroups must be between 1 and {MOST_SHARDS}.")
    check_failover(
        bool(request.get("AutomaticFailoverEnabled")),
        bool(request.get("MultiAZEnabled")),
        int(nodes or 1) + int(replicas or 0),
    )
    if int(shards or 1) > 1 and not request.get("AutomaticFailoverEnabled"):
        raise combination("Cluster mode needs automatic failover.")
    check_token(request.get("AuthToken"), bool(request.get("TransitEncryptionEnabled")))


def check_cluster(request: dict[str, Any]) -> None:
    """Refuses what CreateCacheCluster refuses."""
    _check_name("CacheClusterId", CLUSTER, request["CacheClusterId"])
    _check_node_type(request)
    many = int(request.get("NumCacheNodes") or 1)
    most = 40 if request.get("Engine") == "memcached" else 1
    if not 1 <= many <= most:
        raise invalid(f"NumCacheNodes must be between 1 and {most}.")
    check_token(request.get("AuthToken"), bool(request.get("TransitEncryptionEnabled")))


def check_failover(failover: bool, zones: bool, nodes: int) -> None:
    """Refuses a failover without anybody to fail over to."""
    if failover and nodes < 2:
        raise combination(
            "Replication group with automatic failover must have at least 2 cache clusters."
        )
    if zones and not failover:
        raise combination("Multi-AZ needs automatic failover.")


def check_token(token: str | None, encrypted: bool) -> None:
    """Refuses tokens in the clear, and those of other characters than ElastiCache takes."""
    if token is None:
        return
    if not encrypted:
        raise combination("AuthToken is only supported with TransitEncryptionEnabled.")
    if not TOKEN.match(token):
        raise invalid(
            "The AuthToken must be 16 to 128 printable characters; of the special ones it may have "
            "!, &, #, $, ^, <, > and -."
        )


def check_subnet_group(name: str, subnets: list[str]) -> None:
    """Refuses what CreateCacheSubnetGroup refuses."""
    if not SUBNET_GROUP.match(name) or name.lower() == "default":
        raise invalid(
            "The parameter CacheSubnetGroupName must have 1 to 255 letters, digits or hyphens, and "
            "must not be 'default'."
        )
    if not subnets:
        raise invalid("SubnetIds must not be empty.")


def _check_name(parameter: str, pattern: re.Pattern[str], name: str) -> None:
    if not pattern.match(name):
        raise invalid(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a "
            "letter; must contain only ASCII letters, digits, and hyphens; and must not end with a "
            "hyphen or contain two consecutive hyphens."
        )


def _check_node_type(request: dict[str, Any]) -> None:
    if not NODE_TYPE.match(str(request.get("CacheNodeType"))):
        raise invalid(f"Invalid cache node type: {request.get('CacheNodeType')}")


def _as_numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
