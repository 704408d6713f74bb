"""Aurora: a cluster takes time, its instances wait for it and come one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import (
    DBClusterNotFoundError,
    DBClusterSnapshotAlreadyExistsError,
    InvalidDBClusterStateFault,
    RDSClientError,
)
from moto.rds.models import DBCluster, RDSBackend, rds_backends
from moto.rds.responses import RDSResponse

from lab.aws.common.patching import patch, put
from lab.aws.common.windows import window_waits
from lab.aws.rds.checks import check_cluster
from lab.world.lab import Lab
from lab.world.places import everywhere

if TYPE_CHECKING:
    from lab.running.databases.instances import Databases, Instance

    class Cluster(DBCluster):
        """moto's cluster, with what the lab keeps on it."""

        lab_pending: dict[str, Any]
        pending_modified_values: dict[str, Any]


LOOK_AGAIN_SECONDS = 0.05


def install(lab: Lab, databases: Databases) -> None:
    """Patches moto's clusters."""
    window_waits(lab, "rds-cluster", lambda: _open_window(lab))
    _patch_shape()
    _patch_life(lab, databases)
    _patch_changes(lab, databases)


def create_member(lab: Lab, databases: Databases, instance: Instance) -> None:
    """Creates an instance once its cluster is available, and a reader once the writer is."""
    instance.status = "creating"
    instance.lab_endpoint = None
    instance.lab_pending = {}
    instance.lab_interface = None
    generation = lab.generation

    def look() -> None:
        given_up = instance.status != "creating" or generation != lab.generation
        if given_up:
            return
        writer: Any = instance.cluster.writer
        first = writer is None or writer is instance or writer.status != "creating"
        if instance.cluster.status == "available" and first:
            databases.create(instance)
        else:
            lab.timers.after(LOOK_AGAIN_SECONDS, look)

    look()


def _patch_shape() -> None:
    def status(self: Any) -> str:
        now: str = self._status
        return now

    def become(self: Any, status: str) -> None:
        self._status = status

    put(DBCluster, status=property(status, become))
    original: Any = DBCluster.scaling_configuration_info

    def scaling(self: Any) -> dict[str, Any] | None:
        info: dict[str, Any] = original.fget(self)
        return info if self.engine_mode == "serverless" else None

    put(DBCluster, scaling_configuration_info=property(scaling))


def _patch_life(lab: Lab, databases: Databases) -> None:
    @patch(RDSBackend)
    def create_db_cluster(original: Any, self: Any, kwargs: dict[str, Any]) -> Any:
        name = kwargs["db_cluster_identifier"] = kwargs["db_cluster_identifier"].lower()
        if name in self.clusters:
            raise RDSClientError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
        check_cluster(self, kwargs)
        cluster = original(self, kwargs)
        cluster.lab_pending = {}
        cluster.pending_modified_values = {}
        if cluster.manage_master_user_password:
            secret = cluster.master_user_secret
            lab.timers.after("database.secret", lambda: setattr(secret, "_status", "active"))
        _move(lab, cluster, "creating", "cluster.creating", lambda: _become_available(cluster))
        return cluster

    @patch(RDSResponse)
    def delete_db_cluster(self: Any) -> ActionResult:
        backend, name = self.backend, self.params["DBClusterIdentifier"]
        cluster = _find(backend, name)
        snapshot = self.params.get("FinalDBSnapshotIdentifier")
        skip = bool(self.params.get("SkipFinalSnapshot"))
        _check_deletable(backend, cluster, snapshot, skip)
        if snapshot:
            backend.create_db_cluster_snapshot(cluster.db_cluster_identifier, snapshot)

        def gone() -> None:
            databases.owns_call = True
            try:
                backend.clusters.pop(cluster.db_cluster_identifier, None)
                if cluster.manage_master_user_password:
                    cluster.master_user_secret.delete_secret()
            finally:
                databases.owns_call = False

        _move(lab, cluster, "deleting", "cluster.deleting", gone)
        return ActionResult({"DBCluster": cluster})


def _patch_changes(lab: Lab, databases: Databases) -> None:
    @patch(RDSBackend)
    def modify_db_cluster(original: Any, self: Any, kwargs: dict[str, Any]) -> Any:
        cluster = _find(self, kwargs["db_cluster_identifier"])
        if cluster.status != "available":
            raise _busy(cluster)
        changes = dict(kwargs)
        changes["db_cluster_identifier"] = cluster.db_cluster_identifier
        now = bool(changes.pop("apply_immediately", False))
        changes.pop("allow_major_version_upgrade", None)
        version = changes.pop("engine_version", None)
        databases.owns_call = True
        try:
            original(self, changes)
        finally:
            databases.owns_call = False
        if version and version != cluster.engine_version:
            cluster.lab_pending = {"engine_version": version}
            cluster.pending_modified_values = {"EngineVersion": version}
        if cluster.lab_pending and now:
            _upgrade(lab, cluster)
        return cluster


def _open_window(lab: Lab) -> list[str]:
    """Applies what waits for the maintenance window."""
    opened = []
    for backend in everywhere(rds_backends):
        for cluster in backend.clusters.values():
            if cluster.lab_pending and cluster.status == "available":
                _upgrade(lab, cluster)
                opened.append(cluster.arn)
    return opened


def _upgrade(lab: Lab, cluster: Cluster) -> None:
    def finish() -> None:
        cluster.engine_version = cluster.lab_pending["engine_version"]
        cluster.lab_pending = {}
        cluster.pending_modified_values = {}
        _become_available(cluster)

    _move(lab, cluster, "upgrading", "database.modifying", finish)


def _move(
    lab: Lab, cluster: Cluster, state: str, duration: str, finish: Callable[[], None]
) -> None:
    """Puts a cluster into a state, and finishes after its time unless it left the state before."""
    cluster.status = state

    def over() -> None:
        if cluster.status == state:
            finish()

    lab.timers.after(duration, over)


def _become_available(cluster: DBCluster) -> None:
    cluster.status = "available"


def _check_deletable(
    backend: RDSBackend, cluster: DBCluster, snapshot: str | None, skip: bool
) -> None:
    if cluster.deletion_protection:
        raise RDSClientError(
            "InvalidParameterCombination",
            "Cannot delete protected Cluster, please disable deletion protection and try again.",
        )
    if any(member.status != "deleting" for member in cluster.members):
        raise InvalidDBClusterStateFault(
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state."
        )
    if cluster.status == "deleting":
        raise InvalidDBClusterStateFault(
            f"Cluster {cluster.db_cluster_identifier} is already being deleted."
        )
    if skip == bool(snapshot):
        raise RDSClientError(
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified, and "
            "cannot be specified with it.",
        )
    if snapshot in backend.cluster_snapshots:
        raise DBClusterSnapshotAlreadyExistsError(str(snapshot))
    if snapshot and cluster.status != "available":
        raise _busy(cluster)


def _find(backend: RDSBackend, name: str) -> Any:
    cluster = backend.clusters.get(name.lower())
    if cluster is None:
        raise DBClusterNotFoundError(name)
    return cluster


def _busy(cluster: DBCluster) -> InvalidDBClusterStateFault:
    return InvalidDBClusterStateFault(
        f"DB cluster {cluster.db_cluster_identifier} is not in available state."
    )
