"""RDS instances over time: creating, backing-up, available, modifying, deleting, and what runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lab import interfaces
from lab.postgres import Postgres

if TYPE_CHECKING:
    from moto.rds.models import DBInstance

    from lab.world import Lab


class Databases:
    """Moves instances through their states and keeps a server under those that can have one."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.postgres = Postgres(lab)
        self.owns_call = False
        lab.parts["databases"] = self

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        return {"postgres": self.postgres.version, "mysql": None}

    def create(self, instance: DBInstance) -> None:
        """Begins to create: the server at once, the states in their time."""
        instance.status = "creating"
        instance.lab_endpoint = None
        instance.lab_pending = {}
        self._place(instance)
        if instance.manage_master_user_password:
            secret = instance.master_user_secret
            self._lab.timers.after("database.secret", lambda: setattr(secret, "_status", "active"))
        self._begin(
            instance, lambda: self._start_server(instance), "database.creating", self._created
        )

    def modify(self, instance: DBInstance, apply: Callable[[], None], restarts: bool) -> None:
        """Applies a change: modifying, then available."""
        instance.status = "modifying"

        def work() -> None:
            if restarts and instance.lab_endpoint:
                self.postgres.restart(instance.db_instance_identifier, instance.port)

        def finish(instance: DBInstance) -> None:
            apply()
            instance.status = "available"

        self._begin(instance, work, "database.modifying", finish)

    def change_password(self, instance: DBInstance, password: str) -> None:
        """Sets the master password on the running server."""
        name, user = instance.db_instance_identifier, str(instance.master_username)
        instance.status = "resetting-master-credentials"
        self._begin(
            instance,
            lambda: self.postgres.change_password(name, user, password),
            0.0,
            lambda instance: setattr(instance, "status", "available"),
        )

    def reboot(self, instance: DBInstance, apply: Callable[[], None]) -> None:
        """Restarts: rebooting, then available with what was pending."""
        instance.status = "rebooting"

        def finish(instance: DBInstance) -> None:
            apply()
            instance.status = "available"

        name = instance.db_instance_identifier
        self._begin(
            instance, lambda: _ignore(self.postgres.restart(name)), "database.rebooting", finish
        )

    def delete(self, instance: DBInstance, gone: Callable[[], None]) -> None:
        """Begins to delete; `gone` removes the instance at the end."""
        instance.status = "deleting"

        def finish(instance: DBInstance) -> None:
            interfaces.delete(instance.region, instance.lab_interface or "")
            gone()

        name = instance.db_instance_identifier
        self._begin(instance, lambda: self.postgres.delete(name), "database.deleting", finish)

    def _created(self, instance: DBInstance) -> None:
        def available() -> None:
            if instance.status == "backing-up":
                instance.status = "available"

        if int(instance.backup_retention_period or 0) > 0:
            instance.status = "backing-up"
            self._lab.timers.after("database.backing-up", available)
        else:
            instance.status = "available"

    def _begin(
        self,
        instance: DBInstance,
        work: Callable[[], None],
        duration: str | float,
        finish: Callable[[DBInstance], None],
    ) -> None:
        """Does slow work in a thread, and finishes when both it and the time are over."""
        state, generation = instance.status, self._lab.generation
        left = [2]

        def part() -> None:
            with self._lab.lock:
                left[0] -= 1
                current = generation == self._lab.generation
                if left[0] == 0 and current and instance.status == state:
                    finish(instance)

        def run() -> None:
            if self._lab.guard("database", work):
                part()
            elif generation == self._lab.generation:
                instance.status = "failed"

        threading.Thread(target=run, name=f"database-{state}", daemon=True).start()
        self._lab.timers.after(duration, part)

    def _start_server(self, instance: DBInstance) -> None:
        has_server = instance.engine == "postgres" and not instance.is_replica
        if not has_server or self.postgres.programs is None:
            return
        generation = self._lab.generation
        server = self.postgres.create(
            instance.db_instance_identifier,
            str(instance.master_username),
            self.password(instance),
            instance.db_name,
            int(instance.port or 5432),
        )
        if generation != self._lab.generation:
            self.postgres.delete(instance.db_instance_identifier)
            return
        with self._lab.lock:
            instance.lab_endpoint = (server.address, server.port)
            instance.port = server.port

    @staticmethod
    def password(instance: DBInstance) -> str:
        """The master password: the managed secret's, or the one given."""
        if instance.manage_master_user_password:
            secret = instance.master_user_secret.secret
            version = secret.versions[secret.default_version_id]
            return str(json.loads(version["secret_string"])["password"])
        return str(instance.master_user_password)

    @staticmethod
    def _place(instance: DBInstance) -> None:
        """Puts an interface into the first subnet of the instance's group."""
        instance.lab_interface = None
        group = getattr(instance, "db_subnet_group", None)
        if group is not None:
            subnet = sorted(group._subnets, key=lambda subnet: subnet.availability_zone)[0]
            instance.availability_zone = subnet.availability_zone
            instance.lab_interface = interfaces.create(
                instance.region,
                subnet.id,
                instance.vpc_security_group_ids,
                "RDSNetworkInterface",
                "amazon-rds",
                public=bool(instance.publicly_accessible),
            ).id


def _ignore(_: object) -> None:
    return None
