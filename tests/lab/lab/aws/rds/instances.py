"""RDS: instances that take time and really run, names and values refused as AWS refuses them."""

from __future__ import annotations

import json
import secrets
import string
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import (
    DBInstanceAlreadyExists,
    DBInstanceNotFoundError,
    DBSnapshotAlreadyExistsError,
    DBSubnetGroupNotFoundError,
    RDSClientError,
)
from moto.rds.models import DBInstance, DBSubnetGroup, MasterUserSecret, RDSBackend
from moto.rds.responses import RDSResponse

from lab.aws.common import interfaces
from lab.aws.common.patching import patch, put
from lab.aws.rds import changes, clusters, parameters
from lab.aws.rds.checks import (
    busy,
    check_create,
    check_replica,
    check_subnet_group,
    full_version,
    upgrade_targets,
)
from lab.running.databases.instances import Databases
from lab.world.lab import Lab
from lab.world.places import of_backend

if TYPE_CHECKING:
    from lab.running.databases.instances import Instance

RESOURCE_ID = string.ascii_uppercase + string.digits


def install(lab: Lab) -> None:
    """Patches moto's RDS."""
    databases = Databases(lab)
    _patch_instances(lab, databases)
    changes.install(lab, databases)
    clusters.install(lab, databases)
    parameters.install()
    _patch_secret(databases)
    _patch_subnet_groups()


def _patch_instances(lab: Lab, databases: Databases) -> None:
    @patch(DBInstance, "__init__")
    def make(original: Any, self: Any, backend: Any, **kwargs: Any) -> None:
        kwargs["engine_version"] = full_version(kwargs["engine"], kwargs.get("engine_version"))
        if not kwargs.get("vpc_security_group_ids"):
            kwargs["vpc_security_group_ids"] = _default_group(backend, kwargs)
        original(self, backend, **kwargs)
        self.dbi_resource_id = _resource_id()
        if kwargs["engine"] == "postgres":
            self.license_model = "postgresql-license"
        self.pending_modified_values = {}
        self.lab_endpoint = None

    def endpoint(self: Any) -> dict[str, Any] | None:
        if self.status == "creating":
            return None
        zone = {"HostedZoneId": "Z29XKXDKYMONMX"}
        if self.lab_endpoint:
            return {"Address": self.lab_endpoint[0], "Port": self.lab_endpoint[1], **zone}
        return {"Address": self.address, "Port": self.port, **zone}

    put(DBInstance, endpoint=property(endpoint))

    @patch(RDSBackend)
    def create_db_instance(original: Any, self: Any, db_kwargs: dict[str, Any]) -> Any:
        name = db_kwargs["db_instance_identifier"] = db_kwargs["db_instance_identifier"].lower()
        if name in self.databases:
            raise DBInstanceAlreadyExists()
        check_create(self, db_kwargs)
        if group := db_kwargs.get("db_parameter_group_name"):
            version = full_version(db_kwargs["engine"], db_kwargs.get("engine_version"))
            parameters.check_group(self, db_kwargs["engine"], version, group)
            db_kwargs["db_parameter_group_name"] = group.lower()
        # What RDS fills in and moto leaves out.
        for left_out, value in (("publicly_accessible", False), ("multi_az", False)):
            if db_kwargs.get(left_out) is None:
                db_kwargs[left_out] = value
        instance = original(self, db_kwargs)
        if not db_kwargs.get("db_cluster_identifier"):
            parameters.take(instance)
        if db_kwargs.get("db_cluster_identifier"):
            clusters.create_member(lab, databases, instance)
        else:
            databases.create(instance)
        return instance

    @patch(RDSBackend)
    def create_db_instance_read_replica(original: Any, self: Any, db_kwargs: dict[str, Any]) -> Any:
        name = db_kwargs["db_instance_identifier"] = db_kwargs["db_instance_identifier"].lower()
        if name in self.databases:
            raise DBInstanceAlreadyExists()
        source = self.find_db_from_id(db_kwargs["source_db_instance_identifier"])
        check_replica(self, source, db_kwargs)
        if source.status not in ("available", "storage-optimization"):
            raise busy(source)
        replica = original(self, db_kwargs)
        _set_apart(self, replica, db_kwargs)
        databases.create(replica)
        return replica

    @patch(RDSBackend)
    def delete_db_instance(
        original: Any,
        self: Any,
        db_instance_identifier: str,
        final_db_snapshot_identifier: str | None = None,
        skip_final_snapshot: bool | None = False,
        delete_automated_backups: bool | None = True,
    ) -> Any:
        instance = self.databases.get(db_instance_identifier.lower())
        if instance is None:
            raise DBInstanceNotFoundError(db_instance_identifier)
        if instance.deletion_protection:
            raise RDSClientError(
                "InvalidParameterCombination",
                "Cannot delete protected DB Instance, please disable deletion protection and try "
                "again.",
            )
        if instance.status == "deleting":
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Instance {db_instance_identifier} is already being deleted.",
            )
        if instance.db_cluster_identifier:
            if final_db_snapshot_identifier:
                raise RDSClientError(
                    "InvalidParameterCombination",
                    "FinalDBSnapshotIdentifier can not be specified for an instance of a cluster",
                )
            skip_final_snapshot = True
        if not skip_final_snapshot and not final_db_snapshot_identifier:
            raise RDSClientError(
                "InvalidParameterCombination",
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
            )
        if not skip_final_snapshot and instance.is_replica:
            raise RDSClientError(
                "InvalidParameterCombination",
                "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance",
            )
        if not skip_final_snapshot:
            assert final_db_snapshot_identifier is not None
            if final_db_snapshot_identifier in self.database_snapshots:
                raise DBSnapshotAlreadyExistsError(final_db_snapshot_identifier)
            if instance.status != "available":
                raise busy(instance)
            self.create_db_snapshot(db_instance_identifier, final_db_snapshot_identifier)

        def gone() -> None:
            databases.owns_call = True
            try:
                self.databases.pop(instance.db_instance_identifier, None)
                _end_replication(self, instance)
                if instance.manage_master_user_password:
                    instance.master_user_secret.delete_secret()
                _drop_automated(self, instance, bool(delete_automated_backups))
            finally:
                databases.owns_call = False

        databases.delete(instance, gone)
        return instance


def _patch_secret(databases: Databases) -> None:
    @patch(MasterUserSecret)
    def _generate_secret_string(self: Any) -> str:
        alphabet = string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?[]^_{|}~"
        password = "".join(secrets.choice(alphabet) for _ in range(28))
        return json.dumps({"username": self.resource.master_username, "password": password})

    @patch(MasterUserSecret)
    def _generate_secret_tags(original: Any, self: Any) -> list[dict[str, str]]:
        tags: list[dict[str, str]] = original(self)
        return tags

    def secret_status(self: Any) -> str:
        status: str = self._status
        return status

    put(MasterUserSecret, secret_status=property(secret_status))


def _patch_subnet_groups() -> None:
    @patch(RDSBackend)
    def create_subnet_group(
        original: Any, self: Any, subnet_name: str, description: str, subnets: Any, tags: Any
    ) -> Any:
        check_subnet_group(self, subnet_name, subnets)
        return original(self, subnet_name.lower(), description, subnets, tags)

    @patch(RDSBackend)
    def modify_db_subnet_group(
        self: Any, subnet_name: str, description: str, subnets: list[Any]
    ) -> Any:
        group = self.subnet_groups.get(subnet_name.lower())
        if group is None:
            raise DBSubnetGroupNotFoundError(subnet_name)
        wanted = {subnet.id for subnet in subnets}
        for instance in self.databases.values():
            interface = interfaces.backend(of_backend(self)).enis.get(instance.lab_interface)
            ours = getattr(instance, "db_subnet_group", None) is group
            if interface and ours and interface.subnet.id not in wanted:
                raise RDSClientError(
                    "SubnetAlreadyInUse",
                    f"The DB subnet {interface.subnet.id} is already in use.",
                )
        group.subnets = subnets
        if description:
            group.description = description
        return group

    @patch(RDSBackend)
    def delete_subnet_group(original: Any, self: Any, subnet_name: str) -> Any:
        for instance in self.databases.values():
            group: DBSubnetGroup | None = getattr(instance, "db_subnet_group", None)
            if group is not None and group.name == subnet_name.lower():
                raise RDSClientError(
                    "InvalidDBSubnetGroupStateFault",
                    f"Cannot delete the subnet group '{subnet_name}' because at least one database "
                    f"instance: {instance.db_instance_identifier} is still using it.",
                )
        for cluster in self.clusters.values():
            if cluster.db_subnet_group_name == subnet_name.lower():
                raise RDSClientError(
                    "InvalidDBSubnetGroupStateFault",
                    f"Cannot delete the subnet group '{subnet_name}' because at least one database "
                    f"cluster: {cluster.db_cluster_identifier} is still using it.",
                )
        return original(self, subnet_name.lower())

    @patch(RDSResponse)
    def describe_db_engine_versions(self: Any) -> ActionResult:
        engine = self.params.get("Engine", "postgres")
        version = full_version(engine, self.params.get("EngineVersion"))
        family = parameters.family_of(engine, version)
        entry = {
            "Engine": engine,
            "EngineVersion": version,
            "DBParameterGroupFamily": family,
            "Status": "available",
            "ValidUpgradeTarget": upgrade_targets(engine, version),
        }
        return ActionResult({"DBEngineVersions": [entry]})


def _set_apart(backend: RDSBackend, replica: Instance, request: dict[str, Any]) -> None:
    """Undoes what moto's copy of the source shares with it and RDS does not hand down."""
    replica.tags = request.get("tags") or []
    replica.deletion_protection = bool(request.get("deletion_protection"))
    replica.copy_tags_to_snapshot = bool(request.get("copy_tags_to_snapshot"))
    replica.multi_az = bool(request.get("multi_az"))
    replica.backup_retention_period = 0
    replica.pending_modified_values = {}
    replica.manage_master_user_password = False
    replica.__dict__.pop("master_user_secret", None)
    replica.dbi_resource_id = _resource_id()
    if not request.get("vpc_security_group_ids"):
        group = {"db_subnet_group_name": replica.db_subnet_group.name}
        replica.vpc_security_group_ids = _default_group(backend, group)


def _end_replication(backend: RDSBackend, gone: Any) -> None:
    """A source forgets a replica that is gone; replicas of a gone source stand by themselves."""
    for other in backend.databases.values():
        if gone.is_replica and gone.db_instance_identifier in other.replicas:
            other.remove_replica(gone)
        if other.source_db_instance_identifier == gone.db_instance_identifier:
            other.is_replica = False
            other.source_db_instance_identifier = None


def _resource_id() -> str:
    return "db-" + "".join(secrets.choice(RESOURCE_ID) for _ in range(26))


def _default_group(backend: RDSBackend, kwargs: dict[str, Any]) -> list[str]:
    name = kwargs.get("db_subnet_group_name")
    group = backend.subnet_groups.get((name or "").lower())
    if group is None:
        raise RDSClientError(
            "InvalidVPCNetworkStateFault", "No default VPC was found; name a DB subnet group."
        )
    default = interfaces.backend(of_backend(backend)).get_default_security_group(group.vpc_id)
    return [default.id] if default else []


def _drop_automated(backend: RDSBackend, instance: Instance, wanted: bool) -> None:
    names = [
        name
        for name, snapshot in backend.database_snapshots.items()
        if snapshot.snapshot_type == "automated"
        and snapshot.db_instance_identifier == instance.db_instance_identifier
    ]
    for name in names if wanted else []:
        del backend.database_snapshots[name]
