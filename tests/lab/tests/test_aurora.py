"""Aurora clusters and their instances."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import TAGS, network, refused

from lab.world.times import DURATIONS

SCALE = 0.015
INSTANCE = DURATIONS["database.creating"]
CLUSTER = {
    "DBClusterIdentifier": "main",
    "Engine": "aurora-postgresql",
    "EngineVersion": "16.6",
    "MasterUsername": "notes",
    "ManageMasterUserPassword": True,
    "DBSubnetGroupName": "data",
    "Tags": TAGS,
}


class Aurora:
    """A subnet group, and what looks at the cluster in it."""

    def __init__(self, lab: RunningLab) -> None:
        self.rds = lab.client("rds")
        _, subnets, self.group = network(lab.client("ec2"))
        self.rds.create_db_subnet_group(
            DBSubnetGroupName="data", DBSubnetGroupDescription="data", SubnetIds=subnets
        )

    def create(self, **settings: Any) -> dict[str, Any]:
        """Begins to create the cluster."""
        wanted = {**CLUSTER, "VpcSecurityGroupIds": [self.group], **settings}
        made: dict[str, Any] = self.rds.create_db_cluster(**wanted)["DBCluster"]
        return made

    def add(self, name: str, **settings: Any) -> None:
        """Begins to create an instance of the cluster."""
        self.rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier="main",
            Engine="aurora-postgresql",
            **{"DBInstanceClass": "db.t4g.medium", **settings},
        )

    def delete(self, **how: Any) -> None:
        """Begins to delete the cluster."""
        self.rds.delete_db_cluster(DBClusterIdentifier="main", **how)

    def cluster(self) -> dict[str, Any] | None:
        """The cluster, if there is one."""
        found = self.rds.describe_db_clusters()["DBClusters"]
        return found[0] if found else None

    def status(self) -> str | None:
        """The cluster's."""
        found = self.cluster()
        return str(found["Status"]) if found else None

    def instances(self) -> dict[str, str]:
        """The instances and their states."""
        found = self.rds.describe_db_instances()["DBInstances"]
        return {one["DBInstanceIdentifier"]: one["DBInstanceStatus"] for one in found}


@pytest.mark.slow
def test_instances_wait_for_their_cluster_and_readers_for_the_writer(
    start_lab: Callable[..., RunningLab],
) -> None:
    lab = start_lab("--scale", str(SCALE))
    aurora = Aurora(lab)
    began = time.monotonic()
    assert aurora.create()["Status"] == "creating"
    with refused("InvalidDBClusterStateFault"):
        aurora.rds.modify_db_cluster(DBClusterIdentifier="main", BackupRetentionPeriod=3)
    aurora.add("writer")
    aurora.add("reader")
    spent: dict[str, float] = {}

    def done() -> bool:
        seen = aurora.instances()
        for name in [name for name, state in seen.items() if state != "creating"]:
            spent.setdefault(name, time.monotonic() - began)
        return set(seen.values()) == {"available"}

    until(done, "the instances")
    assert spent["writer"] >= (DURATIONS["cluster.creating"] + INSTANCE) * SCALE
    assert spent["reader"] >= (DURATIONS["cluster.creating"] + 2 * INSTANCE) * SCALE
    members = aurora.cluster()["DBClusterMembers"]  # type: ignore[index]
    assert {m["DBInstanceIdentifier"]: m["IsClusterWriter"] for m in members} == {
        "writer": True,
        "reader": False,
    }


def test_a_cluster_is_deleted_after_its_instances(lab: RunningLab) -> None:
    aurora = Aurora(lab)
    aurora.create(DeletionProtection=True)
    with refused("DBClusterAlreadyExistsFault"):
        aurora.create(DBClusterIdentifier="Main")
    until(lambda: aurora.status() == "available", "the cluster")
    assert "ScalingConfigurationInfo" not in aurora.cluster()  # type: ignore[operator]
    aurora.add("writer")
    until(lambda: aurora.instances() == {"writer": "available"}, "the writer")
    with refused("InvalidParameterCombination"):
        aurora.delete(SkipFinalSnapshot=True)
    aurora.rds.modify_db_cluster(DBClusterIdentifier="main", DeletionProtection=False)
    with refused("InvalidDBClusterStateFault"):
        aurora.delete(SkipFinalSnapshot=True)
    with refused("InvalidParameterCombination"):
        aurora.rds.delete_db_instance(
            DBInstanceIdentifier="writer", FinalDBSnapshotIdentifier="last"
        )
    aurora.rds.delete_db_instance(DBInstanceIdentifier="writer")
    until(lambda: not aurora.instances(), "the writer's end")
    with refused("InvalidDBSubnetGroupStateFault"):
        aurora.rds.delete_db_subnet_group(DBSubnetGroupName="data")
    with refused("InvalidParameterCombination"):
        aurora.delete()
    aurora.rds.create_db_cluster_snapshot(
        DBClusterIdentifier="main", DBClusterSnapshotIdentifier="taken"
    )
    with refused("DBClusterSnapshotAlreadyExistsFault"):
        aurora.delete(FinalDBSnapshotIdentifier="taken")
    aurora.delete(FinalDBSnapshotIdentifier="last")
    until(lambda: aurora.cluster() is None, "the cluster's end")
    aurora.rds.delete_db_subnet_group(DBSubnetGroupName="data")
    assert lab.client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_version_waits_for_the_window_unless_applied_at_once(lab: RunningLab) -> None:
    aurora = Aurora(lab)
    aurora.create()

    def version() -> str:
        found: str = aurora.cluster()["EngineVersion"]  # type: ignore[index]
        return found

    aurora.rds.modify_db_cluster(DBClusterIdentifier="main", EngineVersion="16.8")
    assert version() == "16.6"
    pending = aurora.cluster()["PendingModifiedValues"]  # type: ignore[index]
    assert pending == {"EngineVersion": "16.8"}
    lab.post("maintenance-window")
    until(lambda: version() == "16.8", "the window")
    aurora.rds.modify_db_cluster(
        DBClusterIdentifier="main", EngineVersion="16.9", ApplyImmediately=True
    )
    until(lambda: version() == "16.9", "the change")


def test_clusters_and_members_that_are_none_are_refused(lab: RunningLab) -> None:
    aurora = Aurora(lab)
    for settings, code in (
        ({"DBClusterIdentifier": "1main"}, "InvalidParameterValue"),
        ({"DBSubnetGroupName": "none"}, "DBSubnetGroupNotFoundFault"),
        ({"MasterUsername": "rdsadmin"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "abcdefgh"}, "InvalidParameterCombination"),
        ({"BackupRetentionPeriod": 0}, "InvalidParameterValue"),
    ):
        with refused(code):
            aurora.create(**settings)
    with refused("DBClusterNotFoundFault"):
        aurora.add("writer")
    aurora.create()
    for settings, code in (
        ({"MasterUsername": "notes"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "db.serverless"}, "InvalidDBClusterStateFault"),
    ):
        with refused(code):
            aurora.add("writer", **settings)
