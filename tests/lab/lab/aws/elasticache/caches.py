"""ElastiCache, which is ours from end to end: caches that take time, with a server where one runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult
from moto.elasticache.models import ElastiCacheBackend, elasticache_backends
from moto.elasticache.responses import ElastiCacheResponse as Response

from lab.aws.common import interfaces, slow_work
from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.aws.common.windows import window_waits
from lab.aws.elasticache import subnets as subnet_groups
from lab.aws.elasticache.checks import (
    Refused,
    check_cluster,
    check_failover,
    check_group,
    check_token,
    combination,
    full_version,
)
from lab.aws.elasticache.shape import WAITING, Cache
from lab.running.databases.caches import Caches
from lab.world.lab import Lab
from lab.world.places import everywhere, of_backend

MOST = 100


class States:
    """Moves caches through their states, and keeps a server under each."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._servers = Caches(lab)

    def create(self, cache: Cache) -> None:
        """Creating, then available."""
        cache.settle()

        def work() -> None:
            settings = cache.settings
            cache.endpoint = self._servers.start(
                cache.arn,
                settings["Engine"],
                int(settings["Port"]),
                settings.get("AuthToken"),
                bool(settings["TransitEncryptionEnabled"]),
            )

        self._begin(cache, work, "cache.creating", lambda: _become(cache, "available"))

    def modify(self, cache: Cache, work: Callable[[], None] = lambda: None) -> None:
        """Modifying, then available with what was pending."""
        cache.status = "modifying"

        def finish() -> None:
            cache.settings |= cache.pending
            cache.pending = {}
            cache.settle()
            cache.status = "available"

        self._begin(cache, work, "cache.modifying", finish)

    def change_token(self, cache: Cache, token: str | None, former: str | None) -> None:
        """Modifying, while the server takes another token."""
        self.modify(cache, lambda: self._servers.change_token(cache.arn, token, former))

    def delete(self, cache: Cache, gone: Callable[[], None]) -> None:
        """Deleting, then gone."""
        cache.status = "deleting"

        def finish() -> None:
            cache.remove()
            gone()

        self._begin(cache, lambda: self._servers.stop(cache.arn), "cache.deleting", finish)

    def _begin(
        self, cache: Cache, work: Callable[[], None], duration: str, finish: Callable[[], None]
    ) -> None:
        slow_work.begin(
            self._lab,
            f"cache {cache.id}",
            work,
            duration,
            finish,
            lambda: _become(cache, "create-failed"),
        )


def install(lab: Lab) -> None:
    """Patches moto's ElastiCache."""
    states = States(lab)
    window_waits(lab, "elasticache", lambda: _open_window(states))
    _patch_groups(states)
    _patch_group_changes(states)
    _patch_clusters(states)
    _patch_tags()
    subnet_groups.install()


def _open_window(states: States) -> list[str]:
    """Applies what waits for the maintenance window."""
    opened = []
    for backend in everywhere(elasticache_backends):
        for cache in [*backend.replication_groups.values(), *backend.cache_clusters.values()]:
            if cache.pending and cache.status == "available":
                states.modify(cache)
                opened.append(cache.arn)
    return opened


def _patch_groups(states: States) -> None:
    @patch(Response)
    def create_replication_group(self: Any) -> ActionResult:
        backend, request = self.elasticache_backend, dict(self._get_params())
        check_group(request)
        id = request["ReplicationGroupId"].lower()
        if id in backend.replication_groups:
            raise Refused(
                "ReplicationGroupAlreadyExists", f"Replication group {id} already exists."
            )
        cache = _made(backend, "replicationgroup", id, request)
        backend.replication_groups[id] = cache
        states.create(cache)
        return ActionResult({"ReplicationGroup": cache.describe()})

    @patch(Response)
    def describe_replication_groups(self: Any) -> ActionResult:
        wanted = self._get_param("ReplicationGroupId")
        found = [_group(self)] if wanted else self.elasticache_backend.replication_groups.values()
        return _paged(self, "ReplicationGroups", [cache.describe() for cache in found])

    @patch(Response)
    def delete_replication_group(self: Any) -> ActionResult:
        backend, cache = self.elasticache_backend, _group(self)
        _check_available(cache)
        if snapshot := self._get_param("FinalSnapshotIdentifier"):
            backend.create_snapshot(snapshot, cache.id, None, None, None)
        states.delete(cache, lambda: _forget(backend, backend.replication_groups, cache))
        return ActionResult({"ReplicationGroup": cache.describe()})


def _patch_group_changes(states: States) -> None:
    @patch(Response)
    def modify_replication_group(self: Any) -> ActionResult:
        cache = _group(self)
        _check_available(cache)
        changes = {k: v for k, v in self._get_params().items() if v is not None}
        now = bool(changes.pop("ApplyImmediately", False))
        check_failover(
            bool({**cache.settings, **changes}.get("AutomaticFailoverEnabled")),
            bool({**cache.settings, **changes}.get("MultiAZEnabled")),
            cache.replicas + 1,
        )
        if groups := changes.get("SecurityGroupIds"):
            for interface in cache.nodes.values():
                interfaces.set_groups(cache.place, interface, groups)
        strategy = changes.pop("AuthTokenUpdateStrategy", None)
        token = changes.pop("AuthToken", None)
        _take(cache, changes, now)
        if token or strategy:
            _change_token(states, cache, token, strategy or "ROTATE", now)
        elif now or any(key in changes for key in ("AutomaticFailoverEnabled", "MultiAZEnabled")):
            states.modify(cache)
        return ActionResult({"ReplicationGroup": cache.describe()})

    @patch(Response)
    def increase_replica_count(self: Any) -> ActionResult:
        return _resize(self, states, more=True)

    @patch(Response)
    def decrease_replica_count(self: Any) -> ActionResult:
        return _resize(self, states, more=False)


def _patch_clusters(states: States) -> None:
    @patch(Response)
    def create_cache_cluster(self: Any) -> ActionResult:
        backend, request = self.elasticache_backend, dict(self._get_params())
        check_cluster(request)
        id = request["CacheClusterId"].lower()
        if _cluster_owner(backend, id):
            raise Refused("CacheClusterAlreadyExists", f"Cache cluster {id} already exists.")
        cache = _made(backend, "cluster", id, request)
        backend.cache_clusters[id] = cache
        states.create(cache)
        return ActionResult({"CacheCluster": cache.describe_nodes(False)[0]})

    @patch(Response)
    def describe_cache_clusters(self: Any) -> ActionResult:
        backend, wanted = self.elasticache_backend, self._get_param("CacheClusterId")
        caches = list(backend.cache_clusters.values())
        if not self._get_bool_param("ShowCacheClustersNotInReplicationGroups"):
            caches += backend.replication_groups.values()
        with_endpoints = bool(self._get_bool_param("ShowCacheNodeInfo"))
        found = [node for cache in caches for node in cache.describe_nodes(with_endpoints)]
        if wanted:
            found = [node for node in found if node["CacheClusterId"] == wanted.lower()]
        if wanted and not found:
            raise _no_cluster(wanted)
        return _paged(self, "CacheClusters", found)

    @patch(Response)
    def modify_cache_cluster(self: Any) -> ActionResult:
        cache = _cluster(self)
        _check_available(cache)
        changes = {k: v for k, v in self._get_params().items() if v is not None}
        now = bool(changes.pop("ApplyImmediately", False))
        _take(cache, changes, now)
        if now:
            states.modify(cache)
        return ActionResult({"CacheCluster": cache.describe_nodes(False)[0]})

    @patch(Response)
    def delete_cache_cluster(self: Any) -> ActionResult:
        backend, cache = self.elasticache_backend, _cluster(self)
        _check_available(cache)
        states.delete(cache, lambda: _forget(backend, backend.cache_clusters, cache))
        return ActionResult({"CacheCluster": cache.describe_nodes(False)[0]})


def _patch_tags() -> None:
    @patch(ElastiCacheBackend)
    def iter_tagged_resources(self: Any) -> Any:
        tags = self.tagging_service.get_tag_dict_for_resource
        for kind, things in (
            ("replicationgroup", self.replication_groups),
            ("cluster", self.cache_clusters),
            ("subnetgroup", self.cache_subnet_groups),
        ):
            for thing in list(things.values()):
                yield TaggedResource(thing.arn, tags(thing.arn), f"elasticache:{kind}")

    @patch(Response)
    def list_tags_for_resource(self: Any) -> ActionResult:
        return _tags(self, lambda tagger, arn: None)

    @patch(Response)
    def add_tags_to_resource(self: Any) -> ActionResult:
        added = self._get_param("Tags") or []
        return _tags(self, lambda tagger, arn: tagger.tag_resource(arn, added))

    @patch(Response)
    def remove_tags_from_resource(self: Any) -> ActionResult:
        keys = self._get_param("TagKeys") or []
        return _tags(self, lambda tagger, arn: tagger.untag_resource_using_names(arn, keys))


def _tags(response: Any, change: Callable[[Any, str], None]) -> ActionResult:
    """Changes the tags of what an ARN names, and tells them. A node's are those of its group."""
    backend, arn = response.elasticache_backend, response._get_param("ResourceName")
    owner = _cluster_owner(backend, arn.rsplit(":", 1)[-1]) if ":cluster:" in arn else None
    arn = owner.arn if owner else arn
    if arn not in {resource.arn for resource in backend.iter_tagged_resources()}:
        raise Refused("InvalidARN", f"The ARN {arn} does not name a resource of ElastiCache.")
    change(backend.tagging_service, arn)
    return ActionResult({"TagList": backend.tagging_service.list_tags_for_resource(arn)["Tags"]})


def _made(backend: ElastiCacheBackend, kind: str, id: str, request: dict[str, Any]) -> Cache:
    group = subnet_groups.group_of(backend, request.get("CacheSubnetGroupName"))
    ec2 = interfaces.backend(of_backend(backend))
    for wanted in request.get("SecurityGroupIds") or []:
        if ec2.get_security_group_from_id(wanted) is None:
            raise combination(f"The security group '{wanted}' does not exist")
    default = ec2.get_default_security_group(group.vpc_id)
    chosen = request.get("SecurityGroupIds") or ([default.id] if default else [])
    settings = {
        **request,
        "CacheSubnetGroupName": group.cache_subnet_group_name,
        "SecurityGroupIds": chosen,
    }
    subnets = [ec2.get_subnet(subnet) for subnet in group.subnet_ids]
    cache = Cache(kind, id, of_backend(backend), settings, subnets)
    backend.tagging_service.tag_resource(cache.arn, request.get("Tags") or [])
    return cache


def _take(cache: Cache, changes: dict[str, Any], now: bool) -> None:
    """Settings take effect, but for those that wait for the window."""
    if "EngineVersion" in changes or "Engine" in changes:
        engine = changes.get("Engine") or cache.settings["Engine"]
        changes["EngineVersion"] = full_version(engine, changes.get("EngineVersion"))
    waiting = {k: changes.pop(k) for k in WAITING if k in changes}
    cache.settings |= changes
    cache.pending |= {k: v for k, v in waiting.items() if v != cache.settings.get(k)}


def _change_token(
    states: States, cache: Cache, token: str | None, strategy: str, now: bool
) -> None:
    """ROTATE adds a token beside the former, SET leaves only the new one, DELETE leaves none."""
    if not now:
        raise combination("An AuthToken is only changed with ApplyImmediately.")
    check_token(token, bool(cache.settings["TransitEncryptionEnabled"]))
    former = cache.settings.get("AuthToken") if strategy == "ROTATE" else None
    if strategy == "DELETE":
        cache.settings.pop("AuthToken", None)
    else:
        cache.settings["AuthToken"] = token
    states.change_token(cache, None if strategy == "DELETE" else token, former)


def _resize(response: Any, states: States, more: bool) -> ActionResult:
    """Adds or takes away replicas of every node group."""
    cache = _group(response)
    _check_available(cache)
    if not response._get_bool_param("ApplyImmediately"):
        raise combination("ApplyImmediately must be true.")
    wanted = response._get_int_param("NewReplicaCount")
    if wanted is None or (wanted <= cache.replicas) == more:
        raise Refused("NoOperationFault", f"The replication group has {cache.replicas} replicas.")
    check_failover(bool(cache.settings.get("AutomaticFailoverEnabled")), False, wanted + 1)
    cache.settings.pop("NumCacheClusters", None)
    cache.settings["ReplicasPerNodeGroup"] = wanted
    states.modify(cache)
    return ActionResult({"ReplicationGroup": cache.describe()})


def _group(response: Any) -> Cache:
    wanted = str(response._get_param("ReplicationGroupId")).lower()
    cache: Cache | None = response.elasticache_backend.replication_groups.get(wanted)
    if cache is None:
        raise Refused(
            "ReplicationGroupNotFoundFault", f"The replication group {wanted} was not found."
        )
    return cache


def _cluster(response: Any) -> Cache:
    wanted = str(response._get_param("CacheClusterId")).lower()
    cache = _cluster_owner(response.elasticache_backend, wanted)
    if cache is None:
        raise _no_cluster(wanted)
    if cache.is_group:
        raise Refused(
            "InvalidCacheClusterState",
            f"Cache cluster {wanted} is part of the replication group {cache.id}.",
        )
    return cache


def _cluster_owner(backend: Any, id: str) -> Cache | None:
    """The cache that a cluster's name belongs to: itself, or its replication group."""
    if id in backend.cache_clusters:
        single: Cache = backend.cache_clusters[id]
        return single
    for cache in backend.replication_groups.values():
        if any(id in names for names in cache.names()):
            found: Cache = cache
            return found
    return None


def _no_cluster(id: str) -> Refused:
    return Refused("CacheClusterNotFound", f"Cache cluster {id} was not found.")


def _check_available(cache: Cache) -> None:
    if cache.status != "available":
        code = "InvalidReplicationGroupState" if cache.is_group else "InvalidCacheClusterState"
        raise Refused(code, f"{cache.id} is not in the available state.")


def _become(cache: Cache, status: str) -> None:
    cache.status = status


def _forget(backend: ElastiCacheBackend, things: dict[str, Cache], cache: Cache) -> None:
    things.pop(cache.id, None)
    backend.tagging_service.delete_all_tags_for_resource(cache.arn)


def _paged(response: Any, key: str, items: list[dict[str, Any]]) -> ActionResult:
    wanted, marker = response._get_int_param("MaxRecords"), response._get_param("Marker")
    shown, following = page(items, marker, wanted, MOST)
    return ActionResult({key: shown, "Marker": following})
