"""Changes of an instance: at once, or pending until the window, a reboot or `ApplyImmediately`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.rds.exceptions import DBInstanceNotFoundError
from moto.rds.models import RDSBackend, rds_backends

from lab.aws.common import interfaces
from lab.aws.common.patching import patch
from lab.aws.common.windows import window_waits
from lab.aws.rds.checks import PENDING, RESTARTING, STORAGE, busy, check_storage, full_version
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
        if instance.status not in ("available", "storage-optimization"):
            raise busy(instance)
        changes = {k: v for k, v in dict(db_kwargs).items() if k != "db_instance_identifier"}
        now = str(changes.pop("apply_immediately", False)).lower() == "true"
        changes.pop("allow_major_version_upgrade", None)
        if "engine_version" in changes:
            changes["engine_version"] = full_version(instance.engine, changes["engine_version"])
        if port := changes.pop("db_port_number", None):
            changes["port"] = int(port)
        later = {
            k: changes.pop(k) for k in PENDING if k in changes and _differs(instance, k, changes)
        }
        check_storage(instance, later)
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
        instance.pending_modified_values = {
            **instance.pending_modified_values,
            **{PENDING[k]: v for k, v in later.items()},
        }
        instance.lab_pending |= later
        if instance.lab_pending and (now or "port" in later):
            _begin(lab, databases, instance)
        return instance

    @patch(RDSBackend)
    def reboot_db_instance(self: Any, db_instance_identifier: str) -> Any:
        instance = self.describe_db_instances(db_instance_identifier)[0]
        if instance.status != "available":
            raise busy(instance)
        databases.reboot(instance, lambda: _apply(lab, instance))
        return instance


def _begin(lab: Lab, databases: Databases, instance: Instance) -> None:
    restarts = bool((RESTARTING | {"port"}) & instance.lab_pending.keys())
    databases.modify(instance, lambda: _apply(lab, instance), restarts)


def _open_window(lab: Lab, databases: Databases) -> list[str]:
    """Applies what waits for the maintenance window."""
    opened = []
    for backend in everywhere(rds_backends):
        for instance in backend.databases.values():
            if instance.lab_pending and instance.status == "available":
                _begin(lab, databases, instance)
                opened.append(instance.arn)
    return opened


def _apply(lab: Lab, instance: Instance) -> str:
    """Makes the pending changes, and tells the state they leave the instance in."""
    grows = bool(STORAGE & instance.lab_pending.keys())
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
