"""RDS instances over time: creating, backing-up, available, modifying, deleting, and what runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.aws.common import interfaces
from lab.running.databases.engines import Login, Server, Servers, nothing_listens
from lab.running.databases.mariadb import MariaDb
from lab.running.databases.postgres import Postgres
from lab.running.reach.gates import Gates
from lab.running.reach.groups import is_let_in
from lab.world.places import of_backend

if TYPE_CHECKING:
    from moto.rds.models import DBCluster, DBInstance

    from lab.running.tasks.task import Task
    from lab.world.lab import Lab

    class Instance(DBInstance):
        """moto's instance, with what the lab keeps on it."""

        lab_endpoint: tuple[str, int | None] | None
        lab_pending: dict[str, Any]
        lab_interface: str | None
        lab_parameters: dict[str, str]
        lab_parameter_status: str
        lab_wants_tls: bool
        pending_modified_values: dict[str, Any]
        cluster: DBCluster


class Databases:
    """Moves instances through their states and keeps a server under those that can have one."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        gates = Gates(lab)
        postgres = Servers(lab, Postgres(lab), gates)
        mariadb = Servers(lab, MariaDb(lab), gates)
        self._engines = {"postgres": postgres, "mariadb": mariadb, "mysql": mariadb}
        self.owns_call = False
        lab.parts["databases"] = self

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        return {name: servers.engine.version for name, servers in self._engines.items()}

    def server(self, instance: Instance) -> Server | None:
        """What runs under an instance."""
        servers = self._servers(instance)
        return servers.named(instance.dbi_resource_id) if servers else None

    def create(self, instance: Instance) -> None:
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

    def modify(self, instance: Instance, apply: Callable[[], str], restarts: bool) -> None:
        """Applies a change: modifying, then the state that `apply` tells."""
        instance.status = "modifying"

        def work() -> None:
            if restarts and (servers := self._servers(instance)):
                port = instance.lab_pending.get("port", instance.port)
                servers.require_tls(instance.dbi_resource_id, instance.lab_wants_tls)
                servers.restart(instance.dbi_resource_id, port)

        def finish(instance: Instance) -> None:
            instance.status = apply()

        self._begin(instance, work, "database.modifying", finish)

    def change_password(self, instance: Instance, password: str) -> None:
        """Sets the master password on the running server."""
        instance.status = "resetting-master-credentials"

        def work() -> None:
            if servers := self._servers(instance):
                servers.change_password(instance.dbi_resource_id, password)

        def finish(instance: Instance) -> None:
            instance.status = "available"

        self._begin(instance, work, 0.0, finish)

    def reboot(self, instance: Instance, apply: Callable[[], str]) -> None:
        """Restarts: rebooting, then the state that `apply` tells, with what was pending."""
        instance.status = "rebooting"

        def work() -> None:
            if servers := self._servers(instance):
                servers.require_tls(instance.dbi_resource_id, instance.lab_wants_tls)
                servers.restart(instance.dbi_resource_id)

        def finish(instance: Instance) -> None:
            instance.status = apply()

        self._begin(instance, work, "database.rebooting", finish)

    def delete(self, instance: Instance, gone: Callable[[], None]) -> None:
        """Begins to delete; `gone` removes the instance at the end."""
        instance.status = "deleting"

        def work() -> None:
            if servers := self._servers(instance):
                servers.delete(instance.dbi_resource_id)

        def finish(instance: Instance) -> None:
            interfaces.delete(of_backend(instance.backend), instance.lab_interface or "")
            gone()

        self._begin(instance, work, "database.deleting", finish)

    def _created(self, instance: Instance) -> None:
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
        instance: Instance,
        work: Callable[[], None],
        duration: str | float,
        finish: Callable[[Instance], None],
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

    def _servers(self, instance: Instance) -> Servers | None:
        return self._engines.get(str(instance.engine))

    def _start_server(self, instance: Instance) -> None:
        if self._lab.options.hollow:
            return
        servers = self._servers(instance)
        if servers is None or instance.is_replica:
            why = "a replica" if servers else f"of engine {instance.engine}"
            nothing_listens(instance.arn, f"it is {why}, which has no server here")
            return
        if servers.lack:
            nothing_listens(instance.arn, servers.lack)
            return
        login = Login(
            str(instance.master_username),
            self.password(instance),
            instance.db_name,
            encrypted=instance.lab_wants_tls,
        )
        admits = partial(self._admits, instance)
        # Unlike its name, this stays: a server is the same one after a rename.
        name, port = instance.dbi_resource_id, int(instance.port or 0)
        server = servers.create(name, login, port, admits)
        if server is not None:
            with self._lab.lock:
                instance.lab_endpoint = server.outside
                instance.port = server.outside[1]

    def _admits(self, instance: Instance, task: Task) -> bool:
        with self._lab.lock:
            present = interfaces.backend(of_backend(instance.backend)).enis
            if not instance.lab_interface:
                return True
            own = present.get(instance.lab_interface)
            return own is not None and is_let_in(task.interface, own, int(instance.port or 0))

    @staticmethod
    def password(instance: Instance) -> str:
        """The master password: the managed secret's, or the one given."""
        if instance.manage_master_user_password:
            secret = instance.master_user_secret.secret
            version = secret.versions[str(secret.default_version_id)]
            return str(json.loads(version["secret_string"])["password"])
        return str(instance._master_user_password)

    @staticmethod
    def _place(instance: Instance) -> None:
        """Puts an interface into the first subnet of the instance's group."""
        instance.lab_interface = None
        group = getattr(instance, "db_subnet_group", None)
        if group is not None:
            subnet = sorted(group._subnets, key=lambda subnet: subnet.availability_zone)[0]
            instance.availability_zone = subnet.availability_zone
            instance.lab_interface = interfaces.create(
                of_backend(instance.backend),
                subnet.id,
                instance.vpc_security_group_ids,
                "RDSNetworkInterface",
                "amazon-rds",
                public=bool(instance.publicly_accessible),
            ).id
