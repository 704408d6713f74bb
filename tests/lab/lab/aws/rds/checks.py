"""What RDS accepts: identifiers, versions, sizes, and which changes wait for a window."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from moto.rds.exceptions import (
    DBClusterNotFoundError,
    DBSubnetGroupNotFoundError,
    InvalidDBClusterStateFault,
    RDSClientError,
)

from lab.aws.common import interfaces
from lab.world.places import of_backend

if TYPE_CHECKING:
    from moto.rds.models import DBInstance, RDSBackend

# Attribute of moto's instance to the name it has in PendingModifiedValues.
PENDING = {
    "db_instance_class": "DBInstanceClass",
    "engine_version": "EngineVersion",
    "multi_az": "MultiAZ",
    "allocated_storage": "AllocatedStorage",
    "storage_type": "StorageType",
    "iops": "Iops",
    "port": "Port",
    "backup_retention_period": "BackupRetentionPeriod",
}
RESTARTING = {"db_instance_class", "engine_version"}
STORAGE = {"allocated_storage", "storage_type", "iops"}
LATEST = {
    "postgres": {
        "13": "13.22",
        "14": "14.19",
        "15": "15.14",
        "16": "16.10",
        "17": "17.6",
        "18": "18.1",
    },
    "mysql": {"8.0": "8.0.43", "8.4": "8.4.6"},
    "mariadb": {"10.6": "10.6.23", "10.11": "10.11.14", "11.4": "11.4.8", "11.8": "11.8.3"},
}
NEWEST = {"postgres": "17", "mysql": "8.4", "mariadb": "11.4"}
RESERVED_USERS = {"rdsadmin", "rdsrepladmin"}
RESERVED_OF_POSTGRES = {"admin", "public", "rdstopmgr", "user", "table", "select"}
RESERVED_DATABASES = {
    "postgres": {"rdsadmin", "template0", "template1", "table", "user"},
    "mysql": {"mysql", "sys", "information_schema", "performance_schema", "innodb", "tmp"},
}
# From how much gp3 storage on RDS takes a number of operations, and wants one.
STRIPED = 400
STRIPED_IOPS = 12_000
PROVISIONED = ("io1", "io2")
CLASS = re.compile(r"^db\.[a-z0-9-]+\.[a-z0-9]+$|^db\.serverless$")
PASSWORD = re.compile(r"^[^/\"@ ]{8,128}$")
IDENTIFIER = re.compile(r"^(?!.*--)[a-zA-Z][a-zA-Z0-9-]{0,62}(?<!-)$")
GROUP = re.compile(r"^[a-zA-Z0-9._\- ]{1,255}$")


def major(engine: str, version: str) -> tuple[int, ...]:
    """The part of a version that RDS never changes by itself."""
    return numbers(version)[: 1 if engine == "postgres" else 2]


def numbers(version: str) -> tuple[int, ...]:
    """A version to compare by."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def upgrade_targets(engine: str, version: str) -> list[dict[str, Any]]:
    """What a version may be upgraded to, from old to new: the newest of each line from its own on."""
    newest = LATEST.get(engine, {})
    own = major(engine, version)
    later = [full for line, full in newest.items() if numbers(line) >= own]
    return [
        {
            "Engine": engine,
            "EngineVersion": full,
            "AutoUpgrade": major(engine, full) == own,
            "IsMajorVersionUpgrade": major(engine, full) != own,
        }
        for full in sorted(later, key=numbers)
        if numbers(full) > numbers(version)
    ]


def check_upgrade(instance: DBInstance, wanted: str, major_allowed: bool) -> str:
    """Completes the version of a ModifyDBInstance, and refuses what is no upgrade RDS offers."""
    engine, current = str(instance.engine), str(instance.engine_version)
    version = full_version(engine, wanted)
    if version == current or engine not in LATEST:
        return version
    offered = {target["EngineVersion"] for target in upgrade_targets(engine, current)}
    between = numbers(current) < numbers(version) and major(engine, current) == major(
        engine, version
    )
    if version not in offered and not between:
        raise RDSClientError(
            "InvalidParameterCombination",
            f"Cannot upgrade {engine} from {current} to {wanted}",
        )
    if major(engine, version) != major(engine, current) and not major_allowed:
        raise RDSClientError(
            "InvalidParameterCombination",
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.",
        )
    return version


def full_version(engine: str, wanted: str | None) -> str:
    """Completes `16` to the newest minor version of 16, as RDS does."""
    known = LATEST.get(engine)
    if known is None:
        return wanted or "1.0"
    wanted = wanted or NEWEST[engine]
    if wanted in known:
        return known[wanted]
    if any(wanted.startswith(f"{major}.") for major in known):
        return wanted
    raise RDSClientError(
        "InvalidParameterCombination", f"Cannot find version {wanted} for {engine}"
    )


def check_create(backend: RDSBackend, request: dict[str, Any]) -> None:
    """Refuses what CreateDBInstance refuses."""
    name = request["db_instance_identifier"]
    if not IDENTIFIER.match(name):
        raise _invalid(
            "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin "
            "with a letter; must contain only ASCII letters, digits, and hyphens; and must not end "
            "with a hyphen or contain two consecutive hyphens."
        )
    if not CLASS.match(request.get("db_instance_class", "")):
        raise _invalid(f"Invalid DB Instance class: {request.get('db_instance_class')}")
    group = request.get("db_subnet_group_name")
    if group and group.lower() not in backend.subnet_groups:
        raise DBSubnetGroupNotFoundError(group)
    if group:
        request["db_subnet_group_name"] = group.lower()
    if request.get("db_cluster_identifier"):
        check_member(backend, request)
        return
    if group:
        _check_gateway(backend, request, backend.subnet_groups[group.lower()].vpc_id)
    engine = request.get("engine", "")
    _check_login(engine, request)
    storage = int(request.get("allocated_storage") or 20)
    kind = request.get("storage_type") or "gp2"
    _check_size(engine, kind, storage)
    iops = request.get("iops")
    _check_iops(engine, kind, storage, int(iops) if iops else None)
    if kind == "gp3" and not iops:
        request["iops"] = STRIPED_IOPS if storage >= STRIPED else 3000
    _check_most(storage, request.get("max_allocated_storage"))
    _check_retention(request, 0)


def check_cluster(backend: RDSBackend, request: dict[str, Any]) -> None:
    """Refuses what CreateDBCluster refuses."""
    if not IDENTIFIER.match(request["db_cluster_identifier"]):
        raise _invalid("The parameter DBClusterIdentifier is not a valid identifier.")
    group = request.get("db_subnet_group_name")
    if group is None:
        raise RDSClientError(
            "InvalidVPCNetworkStateFault", "No default VPC was found; name a DB subnet group."
        )
    if group.lower() not in backend.subnet_groups:
        raise DBSubnetGroupNotFoundError(group)
    request["db_subnet_group_name"] = group.lower()
    _check_login(request.get("engine", ""), request)
    _check_retention(request, 1)


def check_member(backend: RDSBackend, request: dict[str, Any]) -> None:
    """Refuses what CreateDBInstance refuses for an instance of a cluster, which has the settings."""
    name = request["db_cluster_identifier"] = request["db_cluster_identifier"].lower()
    cluster = backend.clusters.get(name)
    if cluster is None:
        raise DBClusterNotFoundError(name)
    if cluster.status == "deleting":
        raise InvalidDBClusterStateFault(f"DB cluster {name} is being deleted.")
    for theirs in ("master_username", "master_user_password", "db_name", "allocated_storage"):
        if request.get(theirs):
            raise RDSClientError(
                "InvalidParameterCombination",
                f"The requested DB Instance will be a member of a DB Cluster. Set {theirs} for the "
                "DB Cluster.",
            )
    if request["db_instance_class"] == "db.serverless" and not (
        cluster.serverless_v2_scaling_configuration
    ):
        raise InvalidDBClusterStateFault(
            "Set the Serverless v2 scaling configuration on the parent DB cluster before creating a "
            "Serverless v2 DB instance."
        )
    request["db_subnet_group_name"] = cluster.db_subnet_group_name
    request.setdefault("vpc_security_group_ids", cluster.vpc_security_group_ids)


def _check_login(engine: str, request: dict[str, Any]) -> None:
    user = str(request.get("master_username") or "")
    of_mysql = "mysql" in engine or engine == "mariadb"
    longest = 16 if of_mysql else 63
    if (
        not re.match(r"^[a-zA-Z][a-zA-Z0-9_]*$", user)
        or len(user) > longest
        or user.lower() in RESERVED_USERS
        or (not of_mysql and user.lower() in RESERVED_OF_POSTGRES)
    ):
        raise _invalid(
            f"MasterUsername {user} cannot be used as it is a reserved word used by the engine"
        )
    if not of_mysql and user.lower().startswith("pg_"):
        raise _invalid(
            f'MasterUsername {user} cannot be used because role names starting with "pg_" are '
            "reserved by the PostgreSQL engine"
        )
    managed = request.get("manage_master_user_password")
    password = request.get("master_user_password")
    if managed and password:
        raise RDSClientError(
            "InvalidParameterCombination",
            "You can't specify MasterUserPassword when ManageMasterUserPassword is enabled.",
        )
    database = request.get("db_name") or request.get("database_name")
    if database and not re.match(r"^[a-zA-Z][a-zA-Z0-9_]{0,62}$", database):
        raise _invalid(
            f"DBName {database} must begin with a letter and contain only alphanumeric characters."
        )
    if (
        database
        and str(database).lower() in RESERVED_DATABASES["mysql" if of_mysql else "postgres"]
    ):
        raise _invalid(f"DBName {database} cannot be used. It is a reserved word for this engine")
    if not managed and (
        not PASSWORD.match(str(password or "")) or (of_mysql and len(str(password)) > 41)
    ):
        raise _invalid(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII "
            "characters besides '/', '@', '\"', ' ' may be used."
        )


def _check_retention(request: dict[str, Any], least: int) -> None:
    retention = request.get("backup_retention_period")
    if retention is not None and not least <= int(retention) <= 35:
        raise _invalid(f"Invalid backup retention period: {retention}")


def check_replica(backend: RDSBackend, source: DBInstance, request: dict[str, Any]) -> None:
    """Refuses what CreateDBInstanceReadReplica refuses."""
    if source.manage_master_user_password:
        raise RDSClientError(
            "InvalidParameterCombination",
            "Read replicas are not supported for DB instances whose master user password is managed "
            "by Amazon RDS in AWS Secrets Manager.",
        )
    if not IDENTIFIER.match(request["db_instance_identifier"]):
        raise _invalid("The parameter DBInstanceIdentifier is not a valid identifier.")
    if not CLASS.match(request.get("db_instance_class") or source.db_instance_class):
        raise _invalid(f"Invalid DB Instance class: {request['db_instance_class']}")
    if int(source.backup_retention_period or 0) == 0:
        raise RDSClientError(
            "InvalidDBInstanceState",
            "Automated backups are not enabled for this database instance. To enable automated "
            "backups, use ModifyDBInstance to set the backup retention period to a non-zero value.",
        )
    _check_gateway(backend, request, source.db_subnet_group.vpc_id)


def _check_size(engine: str, kind: str, storage: int) -> None:
    least = 100 if kind in PROVISIONED else 20
    if not least <= storage <= 65536:
        raise _invalid(
            f"Invalid storage size for engine name {engine} and storage type {kind}: {storage}"
        )


def _check_iops(engine: str, kind: str, storage: int, iops: int | None) -> None:
    if kind in PROVISIONED and iops is None:
        raise RDSClientError(
            "InvalidParameterCombination",
            f"You must specify a value for Iops when the storage type is {kind}.",
        )
    if kind == "gp3" and storage < STRIPED and iops is not None:
        raise RDSClientError(
            "InvalidParameterCombination",
            f"You can't specify IOPS or storage throughput for engine {engine} and a storage size "
            f"less than {STRIPED}.",
        )
    least = {"gp3": STRIPED_IOPS, "io1": 1000, "io2": 1000}.get(kind)
    if iops is not None and (least is None or iops < least):
        raise RDSClientError(
            "InvalidParameterCombination",
            f"Invalid iops value for engine name {engine} and storage type {kind}: {iops}",
        )


def _check_most(storage: int, most: Any) -> None:
    if most is not None and int(most) != storage and int(most) * 10 < storage * 11:
        raise RDSClientError(
            "InvalidParameterCombination",
            f"Max storage size must be at least 10% greater than storage size {storage}.",
        )


def check_storage(instance: DBInstance, changes: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuses to shrink the storage, and to change it while an earlier change is at work.

    Rounds a size up that is not a tenth more than there is, and puts in the speed that comes with
    the size.
    """
    if STORAGE & changes.keys() and instance.status == "storage-optimization":
        raise RDSClientError(
            "InvalidParameterCombination",
            "You can't currently modify the storage of this DB instance because the previous "
            "storage change is being optimized.",
        )
    wanted = changes.get("allocated_storage")
    if wanted is not None and int(wanted) < int(instance.allocated_storage):
        raise _invalid(
            f"Requested size {wanted} GiB is smaller than the allocated storage; storage cannot be "
            "reduced."
        )
    has = int(instance.allocated_storage)
    if wanted is not None and int(wanted) > has:
        changes["allocated_storage"] = max(int(wanted), -(-has * 11 // 10))
    storage = int(changes.get("allocated_storage") or has)
    if (most := asked.get("max_allocated_storage")) is not None:
        _check_most(storage, most)
    if not STORAGE & changes.keys():
        return
    engine, kind = str(instance.engine), str(changes.get("storage_type") or instance.storage_type)
    _check_size(engine, kind, storage)
    iops = changes.get("iops")
    has_speed = kind in PROVISIONED or (kind == "gp3" and storage >= STRIPED)
    if has_speed and iops is None and (kind in PROVISIONED or has < STRIPED):
        raise RDSClientError(
            "InvalidParameterCombination",
            f"Invalid iops value for engine name {engine} and storage type {kind}: {instance.iops}",
        )
    if has_speed and iops is not None and asked.get("allocated_storage") is None:
        raise RDSClientError(
            "InvalidParameterCombination",
            "You must specify both the storage size and iops when modifying the storage size or iops "
            "on a DB instance that has iops.",
        )
    if iops is not None:
        _check_iops(engine, kind, storage, int(iops))
    elif kind == "gp3":
        changes["iops"] = instance.iops if has_speed else 3000


def busy(instance: DBInstance) -> RDSClientError:
    """What RDS says while an instance is in another state than available."""
    return RDSClientError(
        "InvalidDBInstanceState",
        f"Instance {instance.db_instance_identifier} is not in available state.",
    )


def _check_gateway(backend: RDSBackend, request: dict[str, Any], vpc: str) -> None:
    public = str(request.get("publicly_accessible")).lower() == "true"
    if public and not interfaces.has_gateway(of_backend(backend), vpc):
        raise RDSClientError(
            "InvalidVPCNetworkStateFault",
            "Cannot create a publicly accessible DBInstance. The specified VPC has no internet "
            "gateway attached.",
        )


def check_subnet_group(backend: RDSBackend, name: str, subnets: list[Any]) -> None:
    """Refuses what CreateDBSubnetGroup refuses."""
    if not GROUP.match(name) or name.lower() == "default":
        raise _invalid(
            "The parameter DBSubnetGroupName is not valid. It must contain no more than 255 letters, "
            "digits, periods, underscores, spaces or hyphens, and must not be 'default'."
        )
    if name.lower() in backend.subnet_groups:
        raise RDSClientError(
            "DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists."
        )
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise RDSClientError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current "
            "AZ coverage: "
            + ", ".join(sorted({subnet.availability_zone for subnet in subnets}))
            + ". Add subnets to cover at least 2 AZs.",
        )


def _invalid(message: str) -> RDSClientError:
    return RDSClientError("InvalidParameterValue", message)
