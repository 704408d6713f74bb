"""Changes of an instance: at once, or pending until the window, a reboot or `ApplyImmediately`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError
from moto.rds.models import RDSBackend, rds_backends

from lab.aws.common import interfaces
from lab.aws.common.patching import patch
from lab.aws.common.windows import window_waits
from lab.aws.rds.checks import (
    PENDING,
    RESTARTING,
    STORAGE,
    busy,
    check_storage,
    check_upgrade,
    major,
    numbers,
    upgrade_targets,
)
from lab.aws.rds.parameters import change_group, check_group, take
from lab.world.lab import Lab
from lab.world.places import everywhere, of_backend

if TYPE_CHECKING:
    from lab.running.databases.instances import Databases, Instance


def install(lab: Lab, databases: Databases) -> None:
    """Patches modification and reboot, and says what waits for the window."""
    window_waits(lab, "rds", lambda: _open_window(lab, databases))

    @patch(RDSBackend)
    def modify_db_instance(
        original: Any, self: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]
    ) -> Any:
        name = db_instance_identifier.lower()
        if name not in self.databases:
            raise DBInstanceNotFoundError(db_instance_identifier)
        instance = self.databases[name]
        cures = instance.status == "storage-full" and "allocated_storage" in db_kwargs
        if instance.status not in ("available", "storage-optimization") and not cures:
            raise busy(instance)
        changes = {k: v for k, v in dict(db_kwargs).items() if k != "db_instance_identifier"}
        now = str(changes.pop("apply_immediately", False)).lower() == "true"
        major_allowed = bool(changes.pop("allow_major_version_upgrade", False))
        if version := changes.get("engine_version"):
            changes["engine_version"] = check_upgrade(instance, version, major_allowed)
        if port := changes.pop("db_port_number", None):
            changes["port"] = int(port)
        group = changes.pop("db_parameter_group_name", None)
        later = {
            k: changes.pop(k) for k in PENDING if k in changes and _differs(instance, k, changes)
        }
        check_storage(instance, later, db_kwargs)
        if group:
            version = later.get("engine_version", instance.engine_version)
            change_group(instance, self, group, str(version))
        elif "engine_version" in later and instance.db_parameter_group_name:
            # A group of another family cannot stay.
            name, engine = instance.db_parameter_group_name, str(instance.engine)
            check_group(self, engine, later["engine_version"], name)
        rotates = bool(changes.pop("rotate_master_user_password", False))
        if rotates:
            _check_rotation(instance, now)
        if "vpc_security_group_ids" in changes and instance.lab_interface:
            interfaces.set_groups(
                of_backend(self), instance.lab_interface, changes["vpc_security_group_ids"]
            )
        if password := changes.get("master_user_password"):
            databases.change_password(instance, str(password))
        managed_before = instance.manage_master_user_password
        databases.owns_call = True
        try:
            original(self, name, {**changes, "db_instance_identifier": name})
        finally:
            databases.owns_call = False
        if instance.manage_master_user_password and not managed_before:
            databases.change_password(instance, databases.password(instance))
            secret = instance.master_user_secret
            lab.timers.after("database.secret", lambda: setattr(secret, "_status", "active"))
        elif rotates:
            rotate(databases, instance)
        instance.pending_modified_values = {
            **instance.pending_modified_values,
            **{PENDING[k]: v for k, v in later.items()},
        }
        instance.lab_pending |= later
        if instance.lab_pending and (now or "port" in later):
            if cures:
                # It is shown for a while what it was.
                lab.timers.after("consistency.describe", lambda: _begin(lab, databases, instance))
            else:
                _begin(lab, databases, instance)
        return instance

    @patch(RDSBackend)
    def reboot_db_instance(self: Any, db_instance_identifier: str) -> Any:
        instance = self.describe_db_instances(db_instance_identifier)[0]
        if instance.status != "available":
            raise busy(instance)
        take(instance)
        databases.reboot(instance, lambda: _apply(lab, instance))
        return instance


def rotate(databases: Databases, instance: Instance) -> None:
    """Gives the managed secret and the server another password, as RDS does every seven days."""
    managed = instance.master_user_secret
    databases.owns_call = True
    try:
        managed.secretsmanager.put_secret_value(
            managed.secret.arn, managed._generate_secret_string(), "", "", ["AWSCURRENT"]
        )
    finally:
        databases.owns_call = False
    databases.change_password(instance, databases.password(instance))


def rotate_all(databases: Databases) -> list[str]:
    """Rotates every managed secret, for `POST /_lab/rotate-secrets`."""
    rotated = []
    for backend in everywhere(rds_backends):
        for instance in backend.databases.values():
            if instance.manage_master_user_password and instance.status == "available":
                rotate(databases, instance)
                rotated.append(instance.arn)
    return rotated


def move(lab: Lab, name: str, wanted: dict[str, Any]) -> None:
    """Lets RDS move an instance by itself: its storage, which it grows, or its status."""
    found = [b.databases[name] for b in everywhere(rds_backends) if name in b.databases]
    if not found:
        raise ValueError(f"there is no database {name!r}")
    (instance,) = found
    storage = wanted.get("storage")
    if storage is not None:
        most = int(instance.max_allocated_storage or 0)
        if not int(instance.allocated_storage) < int(storage) <= most:
            raise ValueError(f"RDS may grow it from {instance.allocated_storage} to {most} GiB")
        instance.allocated_storage = int(storage)
    if status := wanted.get("status"):
        instance.status = str(status)


def _check_rotation(instance: Instance, now: bool) -> None:
    if not instance.manage_master_user_password or not now:
        raise RDSClientError(
            "InvalidParameterCombination",
            "You can rotate the master user password only if it is managed by Amazon RDS in AWS "
            "Secrets Manager, and only with ApplyImmediately.",
        )


def _begin(lab: Lab, databases: Databases, instance: Instance) -> None:
    restarts = bool((RESTARTING | {"port"}) & instance.lab_pending.keys())
    restarts = restarts or _turns_backups(instance)
    databases.modify(instance, lambda: _apply(lab, instance), restarts)


def _turns_backups(instance: Instance) -> bool:
    """Whether backups begin or end, which RDS interrupts an instance for."""
    wanted = instance.lab_pending.get("backup_retention_period")
    current = int(instance.backup_retention_period or 0)
    return wanted is not None and (int(wanted) == 0) != (current == 0)


def _open_window(lab: Lab, databases: Databases) -> list[str]:
    """Applies what waits for the maintenance window."""
    opened = []
    for backend in everywhere(rds_backends):
        for instance in backend.databases.values():
            _upgrade_minor(instance)
            if instance.lab_pending and instance.status == "available":
                _begin(lab, databases, instance)
                opened.append(instance.arn)
    return opened


def _upgrade_minor(instance: Instance) -> None:
    """RDS upgrades the minor version in the window, where it may."""
    engine, version = str(instance.engine), str(instance.engine_version)
    if str(instance.auto_minor_version_upgrade).lower() != "true":
        return
    for target in upgrade_targets(engine, version):
        newer = str(target["EngineVersion"])
        if target["AutoUpgrade"] and numbers(newer) > numbers(version):
            assert major(engine, newer) == major(engine, version)
            instance.lab_pending.setdefault("engine_version", newer)


def _apply(lab: Lab, instance: Instance) -> str:
    """Makes the pending changes, and tells the state they leave the instance in."""
    grows = bool(STORAGE & instance.lab_pending.keys())
    if RESTARTING & instance.lab_pending.keys():
        take(instance)
    for key, value in instance.lab_pending.items():
        setattr(instance, key, value)
    if instance.lab_endpoint and "port" in instance.lab_pending:
        instance.lab_endpoint = (instance.lab_endpoint[0], instance.port)
    instance.lab_pending = {}
    instance.pending_modified_values = {}
    if not grows or not lab.timers.seconds("database.storage-optimization"):
        return "available"

    def optimized() -> None:
        if instance.status == "storage-optimization":
            instance.status = "available"

    lab.timers.after("database.storage-optimization", optimized)
    return "storage-optimization"


def _differs(instance: Instance, key: str, changes: dict[str, Any]) -> bool:
    current = getattr(instance, key, None)
    return str(current).lower() != str(changes[key]).lower()
