"""Real servers behind databases and caches: each has a folder, a loopback address and a port.

What runs is an `Engine`: PostgreSQL, MariaDB, Redis. `Servers` is the same for all of them.
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
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lab.running.reach.gates import Gate, at_once
from lab.world.processes import Processes

if TYPE_CHECKING:
    from lab.running.reach.gates import Admits, Begin, Gates
    from lab.world.lab import Lab

START_SECONDS = 30
STOP_SECONDS = 10


@dataclass(frozen=True)
class Login:
    """Who may come in, and the database that is there from the start."""

    user: str
    password: str
    database: str | None = None
    former_password: str | None = None
    encrypted: bool = False


@dataclass
class Server:
    """One server."""

    folder: Path
    address: str
    port: int
    login: Login
    gate: Gate | None = None
    child: subprocess.Popen[bytes] | None = None

    @property
    def outside(self) -> tuple[str, int]:
        """Where clients find it."""
        return self.gate.outside if self.gate else (self.address, self.port)

    def processes(self) -> list[int]:
        """All that runs of it."""
        return Processes.family(self.child) if self.child else []


class Engine(ABC):
    """One kind of server: where its programs are, how a folder is filled, how it starts."""

    title: ClassVar[str]
    programs_needed: ClassVar[tuple[str, ...]]
    users: ClassVar[tuple[str, ...]]
    says_ready: ClassVar[str]
    stops_by: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    @cached_property
    def programs(self) -> Path | None:
        """The folder with the engine's programs, if the machine has any."""
        for folder in self.candidates():
            if all(os.access(folder / program, os.X_OK) for program in self.programs_needed):
                return folder
        return None

    @cached_property
    def version(self) -> str | None:
        """The version as the program tells it."""
        if self.programs is None:
            return None
        command = [str(self.programs / self.programs_needed[0]), "--version"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @abstractmethod
    def candidates(self) -> list[Path]:
        """Folders in which the programs may be, the best first."""

    @abstractmethod
    def prepare(self, server: Server) -> None:
        """Fills an empty folder."""

    @abstractmethod
    def change_password(self, server: Server) -> None:
        """Sets the password of a server that is down."""

    def change_password_live(self, server: Server) -> bool:
        """Sets the password of a server that runs, whose connections stay; whether it can."""
        return False

    def require_tls(self, server: Server) -> None:
        """Lets in clients that encrypt alone, or all of them, from the next start on."""
        return None

    def front(self, address: str) -> Begin:
        """How clients begin that knock at an address: with the server itself."""
        return at_once

    @abstractmethod
    def command(self, server: Server) -> list[str]:
        """What is started, in the foreground and with its log on standard output."""

    @cached_property
    def user(self) -> pwd.struct_passwd | None:
        """Who runs the servers when the lab is root: they refuse to, or should not."""
        if os.geteuid() != 0:
            return None
        for name in (*self.users, "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        names = " or ".join(f"`{name}`" for name in (*self.users, "nobody"))
        raise RuntimeError(f"{self.title} needs a user {names} when the lab runs as root")

    def own(self, path: Path) -> None:
        """Gives a file or folder to the servers' user, and to nobody else."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def environment(self) -> dict[str, str]:
        """What the programs are told."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def launch(self, command: list[str], folder: Path, output: int) -> subprocess.Popen[bytes]:
        """Starts a program of the engine as the servers' user."""
        return self._lab.processes.start(
            command,
            environment=self.environment(),
            folder=folder,
            user=self.user.pw_uid if self.user else None,
            group=self.user.pw_gid if self.user else None,
            stdout=output,
        )

    def run(self, command: list[str], folder: Path) -> None:
        """Runs a program of the engine to its end."""
        child = self.launch(command, folder, subprocess.PIPE)
        output = child.communicate(timeout=START_SECONDS)[0]
        if child.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {output.decode(errors='replace')}")

    def run_script(self, command: str, script: str, folder: Path) -> None:
        """Runs a shell command that reads statements from its standard input."""
        file = folder.parent / f".{folder.name}.sql"
        file.touch()
        self.own(file)
        file.write_text(script)
        try:
            self.run(["/bin/sh", "-c", f'exec {command} <"{file}"'], folder)
        finally:
            file.unlink()


class Servers:
    """Starts and stops the servers of one engine. Its methods block; call them without the lock."""

    def __init__(self, lab: Lab, engine: Engine, gates: Gates | None = None) -> None:
        self._lab = lab
        self._gates = gates
        self.engine = engine
        self._servers: dict[str, Server] = {}
        lab.resets.append(self._reset)

    @property
    def lack(self) -> str | None:
        """Why there can be no servers, if there can be none."""
        if self.engine.programs is not None:
            return None
        missing = " and ".join(self.engine.programs_needed)
        return f"{self.engine.title} is not on this machine ({missing})"

    def named(self, name: str) -> Server | None:
        """The server of a name, where one runs."""
        server = self._servers.get(name)
        return server if server and server.child and server.child.poll() is None else None

    def create(
        self, name: str, login: Login, port: int, admits: Admits | None = None
    ) -> Server | None:
        """Makes a folder, fills it, and starts a server on it.

        `admits` says which tasks come in; all of them without it. None if a reset in the meantime
        took it away again.
        """
        generation = self._lab.generation
        # Caches' names are ARNs, whose colons would end a path in the programs' lists of paths.
        folder = self._lab.data / self.engine.title.lower() / name.replace(":", ".")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.parent.chmod(0o755)
        self.engine.own(folder)
        address = self._lab.addresses.take()
        server = Server(folder, address, _free_port(address, port), login)
        if admits is not None:
            outside = self._lab.addresses.take()
            place = (outside, _free_port(outside, port))
            front = self.engine.front(outside)
            server.gate = Gate(place, (address, server.port), admits, front)
        self.engine.prepare(server)
        self._servers[name] = server
        self._start(server)
        if generation != self._lab.generation:
            self.delete(name)
            return None
        return server

    def change_password(self, name: str, password: str, former: str | None = None) -> None:
        """Sets the password; takes servers down for a moment that cannot do it otherwise."""
        server = self._servers.get(name)
        if server is not None:
            server.login = replace(server.login, password=password, former_password=former)
            if self.engine.change_password_live(server):
                return
            self._stop(server)
            self.engine.change_password(server)
            self._start(server)

    def require_tls(self, name: str, wanted: bool) -> None:
        """Whether clients must encrypt from the next start on."""
        server = self._servers.get(name)
        if server is not None and server.login.encrypted != wanted:
            server.login = replace(server.login, encrypted=wanted)
            self.engine.require_tls(server)

    def restart(self, name: str, port: int | None = None) -> None:
        """Restarts a server, on another port when one is given."""
        server = self._servers.get(name)
        if server is not None:
            self._stop(server)
            if port is not None and port != server.outside[1]:
                server.port = _free_port(server.address, port)
                if server.gate is not None:
                    outside = server.gate.outside[0]
                    place = (outside, _free_port(outside, port))
                    inside = (server.address, server.port)
                    server.gate = replace(server.gate, outside=place, inside=inside)
            self._start(server)

    def delete(self, name: str) -> None:
        """Stops a server and removes its data."""
        server = self._servers.pop(name, None)
        if server is not None:
            self._stop(server)
            for address in {server.address, server.outside[0]}:
                self._lab.addresses.give_back(address)
            shutil.rmtree(server.folder, ignore_errors=True)

    def _start(self, server: Server) -> None:
        log = server.folder / "server.log"
        with log.open("wb") as output:
            server.child = self.engine.launch(
                self.engine.command(server), server.folder, output.fileno()
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.engine.says_ready in log.read_text(errors="replace"):
                if self._gates is not None and server.gate is not None:
                    self._gates.open(server.gate)
                return
            if server.child.poll() is not None:
                break
            time.sleep(0.02)
        text = log.read_text(errors="replace")
        raise RuntimeError(f"{self.engine.title} did not start: {text}")

    def _stop(self, server: Server) -> None:
        if server.child is None:
            return
        if self._gates is not None and server.gate is not None:
            self._gates.close(server.gate)
        self._lab.processes.signal(server.child, self.engine.stops_by)
        try:
            server.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._lab.processes.signal(server.child, signal.SIGKILL)
            server.child.wait(STOP_SECONDS)

    def _reset(self) -> None:
        for name in list(self._servers):
            self.delete(name)


def nothing_listens(name: str, why: str) -> None:
    """Says that a database or cache is an entry in the API and no more."""
    print(f"lab: nothing listens behind {name}: {why}", file=sys.stderr, flush=True)


def folders_of(program: str) -> list[Path]:
    """Where a program is by the `PATH` and where system servers usually are."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    return [Path(found).resolve().parent, Path(found).parent] if found else []


def _free_port(address: str, wanted: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind((address, wanted))
        except OSError:
            probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
