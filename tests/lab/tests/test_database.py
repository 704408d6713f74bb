"""RDS instances that run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import partial
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import TAGS, network, refused

MANAGED = {
    "DBInstanceClass": "db.t4g.micro",
    "Engine": "postgres",
    "EngineVersion": "16",
    "AllocatedStorage": 20,
    "MasterUsername": "notes",
    "DBName": "notes",
    "ManageMasterUserPassword": True,
    "Tags": TAGS,
}


def instance(lab: RunningLab, name: str = "main", **settings: Any) -> dict[str, Any]:
    """Creates an instance in a subnet group and waits until it is available."""
    ec2, rds = lab.client("ec2"), lab.client("rds")
    vpc, subnets, group = network(ec2)
    rds.create_db_subnet_group(
        DBSubnetGroupName="data", DBSubnetGroupDescription="data", SubnetIds=subnets, Tags=TAGS
    )
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBSubnetGroupName="data",
        VpcSecurityGroupIds=[group],
        **{**MANAGED, **settings},
    )

    def available() -> dict[str, Any] | None:
        found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][
            0
        ]
        return found if found["DBInstanceStatus"] == "available" else None

    found: dict[str, Any] = until(available, "the instance")
    return {**found, "vpc": vpc, "subnets": subnets, "group": group}


def state(rds: Any, name: str) -> str:
    """The status of an instance."""
    found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return str(found["DBInstanceStatus"])


def _is_available(rds: Any, name: str) -> bool:
    return state(rds, name) == "available"


def ask_postgres(
    found: Any, password: str, statements: str, mode: str = "prefer"
) -> subprocess.CompletedProcess[str]:
    """Runs statements through psql."""
    place = ["-h", found["Endpoint"]["Address"], "-p", str(found["Endpoint"]["Port"])]
    command = ["psql", *place, "-U", "notes", "-d", "notes", "-qAtc", statements]
    environment = {**os.environ, "PGPASSWORD": password, "PGSSLMODE": mode}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def ask_mariadb(found: Any, password: str, statements: str) -> subprocess.CompletedProcess[str]:
    """Runs statements through MariaDB's client."""
    place = ["-h", found["Endpoint"]["Address"], "-P", str(found["Endpoint"]["Port"])]
    command = ["mariadb", "--no-defaults", *place, "-u", "notes", "-N", "-e", statements, "notes"]
    environment = {**os.environ, "MYSQL_PWD": password}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


ENGINES = {
    "postgres": ("postgres", "psql", "16", "16.10", ask_postgres),
    "mariadb": ("mariadbd", "mariadb", "10.11", "10.11", ask_mariadb),
    "mysql": ("mariadbd", "mariadb", "8.0", "8.0", ask_mariadb),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    """Each engine that can have a server, where the machine has what the test needs."""
    for program in ENGINES[request.param][:2]:
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            pytest.skip(f"{program} is not on this machine")
    return request.param, *ENGINES[request.param][2:]


def test_the_managed_password_opens_a_real_database(lab: RunningLab, engine: Any) -> None:
    name, asked, version, ask = engine
    found = instance(lab, Engine=name, EngineVersion=asked)
    secret = found["MasterUserSecret"]
    assert secret["SecretStatus"] == "active"
    value = lab.client("secretsmanager").get_secret_value(SecretId=secret["SecretArn"])
    login = json.loads(value["SecretString"])
    assert login["username"] == "notes"
    statements = "create table t(a int); insert into t values (7); select a from t"
    answer = ask(found, login["password"], statements)
    assert answer.stdout.strip() == "7", answer.stderr
    assert ask(found, "not the password", statements).returncode != 0
    assert found["EngineVersion"].startswith(version)
    assert {t["Key"]: t["Value"] for t in found["TagList"]} == {"stack": "test", "Name": "web"}


def test_a_new_password_and_port_reach_the_server_and_its_data_stay(
    lab: RunningLab, engine: Any
) -> None:
    name, asked, _, ask = engine
    rds, given = lab.client("rds"), {"MasterUserPassword": "first-word"}
    settings = {"Engine": name, "EngineVersion": asked, "ManageMasterUserPassword": False}
    found = instance(lab, **settings, **given)
    assert ask(found, "first-word", "create table kept(a int)").returncode == 0
    rds.modify_db_instance(DBInstanceIdentifier="main", MasterUserPassword="other-word")
    until(lambda: state(rds, "main") == "available", "the new password")
    assert ask(found, "first-word", "select 1").returncode != 0
    rds.modify_db_instance(DBInstanceIdentifier="main", DBPortNumber=found["Endpoint"]["Port"] + 1)
    until(lambda: state(rds, "main") == "available", "the new port")
    moved = rds.describe_db_instances(DBInstanceIdentifier="main")["DBInstances"][0]
    assert moved["Endpoint"]["Port"] == found["Endpoint"]["Port"] + 1
    assert ask(moved, "other-word", "select count(*) from kept").stdout.strip() == "0"
    rds.reboot_db_instance(DBInstanceIdentifier="main")
    until(lambda: state(rds, "main") == "available", "the reboot")
    assert ask(moved, "other-word", "select count(*) from kept").stdout.strip() == "0"


def test_an_instance_holds_its_subnet_group_security_group_and_subnets(lab: RunningLab) -> None:
    ec2, rds = lab.client("ec2"), lab.client("rds")
    found = instance(lab)
    with refused("InvalidDBSubnetGroupStateFault"):
        rds.delete_db_subnet_group(DBSubnetGroupName="data")
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=found["group"])
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=found["subnets"][0])
    rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    until(lambda: not rds.describe_db_instances()["DBInstances"], "the deletion")
    rds.delete_db_subnet_group(DBSubnetGroupName="data")
    ec2.delete_security_group(GroupId=found["group"])
    assert lab.client("secretsmanager").list_secrets()["SecretList"] == []


def test_protection_and_the_name_of_the_final_snapshot(lab: RunningLab) -> None:
    rds = lab.client("rds")
    instance(lab, DeletionProtection=True)
    with refused("InvalidParameterCombination"):
        rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    rds.modify_db_instance(DBInstanceIdentifier="main", DeletionProtection=False)
    with refused("InvalidParameterCombination"):
        rds.delete_db_instance(DBInstanceIdentifier="main")
    rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="taken")
    with refused("DBSnapshotAlreadyExists"):
        rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="taken")
    rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    until(lambda: not rds.describe_db_instances()["DBInstances"], "the deletion")
    names = {s["DBSnapshotIdentifier"] for s in rds.describe_db_snapshots()["DBSnapshots"]}
    assert names == {"taken", "last"}


def test_a_replica_follows_its_source_until_either_goes(lab: RunningLab) -> None:
    rds = lab.client("rds")
    given: dict[str, Any] = {
        "ManageMasterUserPassword": False,
        "MasterUserPassword": "first-word",
    }
    found = instance(lab, Engine="mysql", EngineVersion="8.0", BackupRetentionPeriod=0, **given)
    for name in ("one", "two"):
        request = {"DBInstanceIdentifier": name, "SourceDBInstanceIdentifier": "main"}
        if name == "one":
            with refused("InvalidDBInstanceState"):
                rds.create_db_instance_read_replica(**request)
            rds.modify_db_instance(
                DBInstanceIdentifier="main", BackupRetentionPeriod=1, ApplyImmediately=True
            )
            until(lambda: state(rds, "main") == "available", "the source's backups")
        rds.create_db_instance_read_replica(**request, VpcSecurityGroupIds=[found["group"]])
        until(partial(_is_available, rds, name), "the replica")
    one = rds.describe_db_instances(DBInstanceIdentifier="one")["DBInstances"][0]
    assert one["ReadReplicaSourceDBInstanceIdentifier"] == "main"
    assert (one["BackupRetentionPeriod"], one["TagList"]) == (0, [])
    assert "MasterUserSecret" not in one
    with refused("InvalidParameterCombination"):
        rds.delete_db_instance(DBInstanceIdentifier="one", FinalDBSnapshotIdentifier="last")
    rds.delete_db_instance(DBInstanceIdentifier="one", SkipFinalSnapshot=True)
    until(lambda: len(rds.describe_db_instances()["DBInstances"]) == 2, "the deletion")
    source = rds.describe_db_instances(DBInstanceIdentifier="main")["DBInstances"][0]
    assert source["ReadReplicaDBInstanceIdentifiers"] == ["two"]
    rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    until(lambda: len(rds.describe_db_instances()["DBInstances"]) == 1, "the deletion")
    (two,) = rds.describe_db_instances()["DBInstances"]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in two


def test_a_managed_secret_is_not_deleted_by_hand(lab: RunningLab) -> None:
    found = instance(lab)
    with refused("InvalidRequestException"):
        lab.client("secretsmanager").delete_secret(
            SecretId=found["MasterUserSecret"]["SecretArn"], ForceDeleteWithoutRecovery=True
        )


def test_some_changes_wait_for_the_window_unless_applied_at_once(lab: RunningLab) -> None:
    rds = lab.client("rds")
    instance(lab)
    change = {"DBInstanceIdentifier": "main", "DBInstanceClass": "db.t4g.small"}
    answer = rds.modify_db_instance(**change)["DBInstance"]
    assert answer["DBInstanceClass"] == "db.t4g.micro"
    assert answer["PendingModifiedValues"]["DBInstanceClass"] == "db.t4g.small"
    rds.modify_db_instance(**change, ApplyImmediately=True, BackupRetentionPeriod=3)

    def changed() -> bool:
        found = rds.describe_db_instances()["DBInstances"][0]
        return (
            found["DBInstanceStatus"] == "available"
            and found["DBInstanceClass"] == "db.t4g.small"
            and found["BackupRetentionPeriod"] == 3
            and not found.get("PendingModifiedValues")
        )

    until(changed, "the change")


def test_bad_values_are_refused(lab: RunningLab) -> None:
    rds = lab.client("rds")
    vpc, subnets, _ = network(lab.client("ec2"))
    assert vpc
    rds.create_db_subnet_group(
        DBSubnetGroupName="Data", DBSubnetGroupDescription="data", SubnetIds=subnets
    )
    assert rds.describe_db_subnet_groups()["DBSubnetGroups"][0]["DBSubnetGroupName"] == "data"
    good = {**MANAGED, "DBSubnetGroupName": "data"}
    with refused("InvalidParameterValue"):
        rds.create_db_instance(DBInstanceIdentifier="1main", **good)
    with refused("InvalidParameterValue"):
        rds.create_db_instance(DBInstanceIdentifier="main--a", **good)
    with refused("InvalidParameterValue"):
        rds.create_db_instance(
            DBInstanceIdentifier="main", **{**good, "MasterUsername": "rdsadmin"}
        )
    with refused("InvalidParameterCombination"):
        rds.create_db_instance(DBInstanceIdentifier="main", **{**good, "EngineVersion": "9.1"})
    with refused("InvalidParameterCombination"):
        rds.create_db_instance(DBInstanceIdentifier="main", **good, MasterUserPassword="abcdefgh")
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        rds.create_db_subnet_group(
            DBSubnetGroupName="one", DBSubnetGroupDescription="one", SubnetIds=subnets[:1]
        )


def test_what_is_pending_is_applied_when_the_window_comes_or_the_instance_reboots(
    lab: RunningLab,
) -> None:
    rds = lab.client("rds")
    instance(lab, Engine="mysql", EngineVersion="8.0")

    def shown() -> tuple[object, object]:
        found = rds.describe_db_instances()["DBInstances"][0]
        return found["DBInstanceClass"], found.get("PendingModifiedValues")

    assert lab.post("maintenance-window") == {"opened": []}
    rds.modify_db_instance(DBInstanceIdentifier="main", DBInstanceClass="db.t4g.small")
    assert shown() == ("db.t4g.micro", {"DBInstanceClass": "db.t4g.small"})
    assert len(lab.post("maintenance-window")["opened"]) == 1
    until(lambda: shown()[0] == "db.t4g.small", "the window")
    until(lambda: state(rds, "main") == "available", "the instance")
    rds.modify_db_instance(DBInstanceIdentifier="main", DBInstanceClass="db.t4g.medium")
    rds.reboot_db_instance(DBInstanceIdentifier="main")
    until(lambda: shown()[0] == "db.t4g.medium", "the reboot")


def _shown(rds: Any) -> dict[str, Any]:
    found: dict[str, Any] = rds.describe_db_instances()["DBInstances"][0]
    return found


def test_an_engine_goes_to_what_it_is_offered_and_never_back(lab: RunningLab) -> None:
    rds = lab.client("rds")
    instance(lab, EngineVersion="16.9")
    change = {"DBInstanceIdentifier": "main", "ApplyImmediately": True}
    (version,) = rds.describe_db_engine_versions(Engine="postgres", EngineVersion="16.9")[
        "DBEngineVersions"
    ]
    targets = {
        t["EngineVersion"]: t["IsMajorVersionUpgrade"] for t in version["ValidUpgradeTarget"]
    }
    assert targets == {"16.10": False, "17.6": True, "18.1": True}
    for earlier in ("16.8", "15"):
        with refused("InvalidParameterCombination"):
            rds.modify_db_instance(**change, EngineVersion=earlier)
    with refused("InvalidParameterCombination"):
        rds.modify_db_instance(**change, EngineVersion="17.6")
    rds.modify_db_instance(**change, EngineVersion="17.6", AllowMajorVersionUpgrade=True)
    until(lambda: _shown(rds)["EngineVersion"] == "17.6", "the upgrade")


def test_a_minor_version_is_upgraded_in_the_window_where_it_may_be(lab: RunningLab) -> None:
    rds = lab.client("rds")
    instance(lab, EngineVersion="16.9", AutoMinorVersionUpgrade=False)
    assert lab.post("maintenance-window") == {"opened": []}
    rds.modify_db_instance(DBInstanceIdentifier="main", AutoMinorVersionUpgrade=True)
    assert len(lab.post("maintenance-window")["opened"]) == 1
    until(lambda: _shown(rds)["EngineVersion"] == "16.10", "the upgrade")


def test_storage_has_a_size_a_speed_and_room_to_grow(lab: RunningLab) -> None:
    rds = lab.client("rds")
    instance(lab, StorageType="gp3", AllocatedStorage=100, MaxAllocatedStorage=500)
    change = {"DBInstanceIdentifier": "main", "ApplyImmediately": True}
    with refused("InvalidParameterCombination"):
        rds.modify_db_instance(**change, MaxAllocatedStorage=109)
    with refused("InvalidParameterCombination"):
        rds.modify_db_instance(**change, Iops=4000)
    with refused("InvalidParameterCombination"):
        rds.modify_db_instance(**change, AllocatedStorage=400)
    with refused("InvalidParameterCombination"):
        rds.modify_db_instance(**change, StorageType="io2")
    with refused("InvalidParameterValue"):
        rds.modify_db_instance(**change, AllocatedStorage=99)

    def grown(storage: int) -> bool:
        found = _shown(rds)
        settled = found["DBInstanceStatus"] == "available"
        return settled and int(found["AllocatedStorage"]) == storage

    rds.modify_db_instance(**change, AllocatedStorage=105)
    until(lambda: grown(110), "the size, rounded up")
    lab.post("databases", {"database": "main", "storage": 150})
    assert grown(150)
    rds.modify_db_instance(**change, AllocatedStorage=400, Iops=12000)
    until(lambda: grown(400), "the size")
    with refused("InvalidParameterCombination"):
        rds.modify_db_instance(**change, Iops=16000)
    rds.modify_db_instance(**change, AllocatedStorage=400, Iops=16000)
    until(lambda: _shown(rds)["Iops"] == 16000, "the speed")


def test_full_storage_is_shown_for_a_while_after_it_was_given_more(lab: RunningLab) -> None:
    rds = lab.client("rds")
    instance(lab)
    lab.post("databases", {"database": "main", "status": "storage-full"})
    with refused("InvalidDBInstanceState"):
        rds.modify_db_instance(DBInstanceIdentifier="main", BackupRetentionPeriod=3)
    rds.modify_db_instance(DBInstanceIdentifier="main", AllocatedStorage=40, ApplyImmediately=True)
    until(lambda: state(rds, "main") == "available", "the cure")
    assert _shown(rds)["AllocatedStorage"] == 40


def _connected(found: Any, password: str) -> subprocess.Popen[str]:
    """A psql that is in."""
    place = ["-h", found["Endpoint"]["Address"], "-p", str(found["Endpoint"]["Port"])]
    child = subprocess.Popen(
        ["psql", *place, "-U", "notes", "-d", "notes", "-qAt"],
        env={**os.environ, "PGPASSWORD": password},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("select 6;\n")
    child.stdin.flush()
    assert child.stdout.readline() == "6\n"
    return child


def test_a_managed_password_is_rotated_and_the_server_takes_the_new_one(
    lab: RunningLab, engine: Any
) -> None:
    name, asked, _, ask = engine
    rds, secrets = lab.client("rds"), lab.client("secretsmanager")
    found = instance(lab, Engine=name, EngineVersion=asked)
    arn = found["MasterUserSecret"]["SecretArn"]

    def password() -> str:
        return str(json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["password"])

    first = password()
    stays = _connected(found, first) if name == "postgres" else None
    with refused("InvalidParameterCombination"):
        rds.modify_db_instance(DBInstanceIdentifier="main", RotateMasterUserPassword=True)
    rds.modify_db_instance(
        DBInstanceIdentifier="main", RotateMasterUserPassword=True, ApplyImmediately=True
    )
    until(lambda: state(rds, "main") == "available", "the rotation")
    second = password()
    assert second != first
    assert ask(found, first, "select 1").returncode != 0
    assert ask(found, second, "select 1").stdout.strip() == "1"
    if stays is not None:
        assert stays.communicate("select 7;\n")[0].strip() == "7", "a connection that was open"
    assert len(lab.post("rotate-secrets")["rotated"]) == 1
    until(lambda: state(rds, "main") == "available", "the rotation by RDS")
    assert password() not in (first, second)
