"""One container of a task: unpacked, started, watched, stopped; its output goes to the logs.

As root the process is locked into its root folder and runs as the image's user. An ordinary
user cannot do that, so there the entry point is run straight from the unpacked folder, which
suits static binaries.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lab.running.authority import Authority
from lab.running.images.bundle import BUNDLE, trust, within
from lab.running.images.layers import beneath, entry
from lab.running.images.pull import Image, unpack
from lab.running.tasks import log_lines
from lab.running.tasks.shapes import ContainerDefinition, ContainerOverride, HealthCheck
from lab.world.places import Place
from lab.world.processes import Mount

if TYPE_CHECKING:
    from lab.world.lab import Lab

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STOP_TIMEOUT = 30.0
SHORTEST_STOP = 0.1


class CannotStart(Exception):
    """The image has no such program; the text is the container's reason."""


class Container:
    """A container definition and the process that runs for it."""

    def __init__(self, lab: Lab, definition: ContainerDefinition, place: Place, task: str) -> None:
        self._lab = lab
        self.definition = definition
        self._home = place
        self._task = task
        # Beside the containers: no container's name has a dot.
        self._volumes = lab.data / "tasks" / task / ".volumes"
        self.image: Image | None = None
        self._folder = lab.data / "tasks"
        self.root = self._folder / task / str(definition["name"])
        self.environment: dict[str, str] = {}
        self.exit_code: int | None = None
        self.reason: str | None = None
        self.status = "PENDING"
        self.health = "UNKNOWN"
        self._child: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The container's name in its task."""
        return str(self.definition["name"])

    @property
    def is_essential(self) -> bool:
        """Whether the task ends with it."""
        return bool(self.definition.get("essential", True))

    @property
    def health_check(self) -> HealthCheck | None:
        """The task definition's check; ECS ignores the image's own."""
        return self.definition.get("healthCheck")

    def start(
        self,
        environment: dict[str, str],
        overrides: ContainerOverride,
        hosts: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Unpacks the image and starts the process, which finds these addresses by their names."""
        if self._lab.options.hollow:
            self.status = "RUNNING"
            return
        assert self.image is not None
        # What a task makes, such as a program that runs as its owner, is for nobody outside.
        self._folder.mkdir(mode=0o700, exist_ok=True)
        unpack(self.image, self.root)
        trust(self.root, self._lab.part(Authority).file)
        self._name(hosts)
        changed = {item["name"]: item["value"] for item in overrides.get("environment") or []}
        own = {item["name"]: item["value"] for item in self.definition.get("environment") or []}
        self.environment = {
            "PATH": DEFAULT_PATH,
            **environment,
            **self.image.environment,
            **own,
            **changed,
        }
        entry, arguments = self.image.command
        if self.definition.get("entryPoint"):
            entry, arguments = list(self.definition["entryPoint"]), []
        arguments = list(overrides.get("command") or self.definition.get("command") or arguments)
        command = [*entry, *arguments]
        self._check_program(command[0] if command else "")
        self._child = self._launch(command, subprocess.PIPE)
        self.status = "RUNNING"
        self._reader = threading.Thread(target=self._read, name=f"logs-{self.name}", daemon=True)
        self._reader.start()

    def _name(self, hosts: Sequence[tuple[str, str]]) -> None:
        """Writes names into its own file of hosts, as ECS does for Service Connect."""
        if not hosts:
            return
        place = beneath(self.root, "/etc/hosts")
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for address, name in hosts)]
        place.write_text("".join(f"{line}\n" for line in lines))
        place.chmod(0o644)

    def finish(self) -> None:
        """Ends well, where nothing runs."""
        self.exit_code, self.status = 0, "STOPPED"

    def poll(self) -> int | None:
        """The exit code as a shell tells it, once the process has ended."""
        if self.exit_code is None and self._child is not None:
            code = self._child.poll()
            if code is not None:
                self.exit_code = 128 - code if code < 0 else code
                self.status = "STOPPED"
        return self.exit_code

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after the stop timeout.

        A program that listens has all of the time; for one that does not, the wait is AWS's
        alone and is scaled.
        """
        if self._child is None or self.poll() is not None:
            self.status = "STOPPED"
            return
        given = self.definition.get("stopTimeout")
        timeout = STOP_TIMEOUT if given is None else float(given)
        if not self._lab.processes.listens(self._child, signal.SIGTERM):
            timeout = max(timeout * self._lab.options.scale, SHORTEST_STOP)
        self._lab.processes.signal(self._child, signal.SIGTERM)
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self.poll()

    def processes(self) -> list[int]:
        """What runs for it."""
        return self._lab.processes.family(self._child) if self._child is not None else []

    def programs(self) -> list[int]:
        """The same, without what is the lab's own."""
        return self._lab.processes.programs(self._child) if self._child is not None else []

    def kill(self) -> None:
        """Ends the process at once."""
        if self._child is not None and self._child.poll() is None:
            self._lab.processes.signal(self._child, signal.SIGKILL)
            self._child.wait(10)

    def finish_logs(self) -> None:
        """Waits until all output is in the logs."""
        if self._reader is not None:
            self._reader.join(2)

    def check(self) -> bool:
        """Runs the health check command once, inside the container."""
        if self._lab.options.hollow:
            return True
        assert self.health_check is not None
        kind, *command = self.health_check["command"]
        if kind == "CMD-SHELL":
            command = ["/bin/sh", "-c", " ".join(command)]
        elif kind != "CMD":
            command = [kind, *command]
        child = self._launch(command, subprocess.DEVNULL)
        try:
            return child.wait(float(self.health_check.get("timeout") or 5)) == 0
        except subprocess.TimeoutExpired:
            self._lab.processes.signal(child, signal.SIGKILL)
            child.wait(10)
            return False

    def enter(self, command: list[str], terminal: int) -> subprocess.Popen[bytes]:
        """Starts a program beside what runs, as root and on a terminal; CannotStart where there is no
        such program.
        """
        if self._child is None or self.poll() is not None:
            raise CannotStart("the container does not run")
        reason = self._missing(command[0])
        if reason:
            raise CannotStart(f'exec: "{command[0]}": {reason}')
        return self._launch(command, terminal, beside=self._child)

    def _launch(
        self, command: list[str], stdout: int, beside: subprocess.Popen[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        assert self.image is not None
        folder = self.definition.get("workingDirectory") or self.image.folder
        if os.geteuid() != 0:
            inside, bundle = beneath(self.root, folder), str(within(self.root))
            command = [str(self._place(command[0])), *command[1:]]
            environment = {k: v.replace(BUNDLE, bundle) for k, v in self.environment.items()}
            return self._lab.processes.start(
                command, environment=environment, folder=inside, stdout=stdout, beside=beside
            )
        uid, gid = self.image.user if beside is None else (0, 0)
        user = str(self.definition.get("user") or "").partition(":")[0] if beside is None else ""
        return self._lab.processes.start(
            command,
            environment=self.environment,
            folder=Path(folder),
            root=self.root,
            mounts=self._mounts() if beside is None else (),
            user=int(user) if user.isdigit() else uid,
            group=gid,
            stdout=stdout,
            beside=beside,
        )

    def _mounts(self) -> list[Mount]:
        """What is mounted into its root folder, all of it root's."""
        made = []
        for point in self.definition.get("mountPoints") or []:
            volume = self._volumes / point["sourceVolume"]
            volume.mkdir(parents=True, exist_ok=True)
            path = self._mounted_at(point["containerPath"])
            made.append(Mount(str(volume), path, point.get("readOnly", False)))
        for tmpfs in (self.definition.get("linuxParameters") or {}).get("tmpfs") or []:
            made.append(Mount("", self._mounted_at(tmpfs["containerPath"]), False, tmpfs["size"]))
        return made

    def _mounted_at(self, path: str) -> str:
        place = beneath(self.root, path)
        place.mkdir(parents=True, exist_ok=True)
        return str(place)

    def _missing(self, program: str) -> str:
        """Why there is no such program; nothing where there is."""
        place = self._place(program)
        if program and (place.exists() or place.is_symlink()):
            return ""
        if program.startswith("/"):
            return f"stat {program}: no such file or directory"
        return "executable file not found in $PATH"

    def _check_program(self, program: str) -> None:
        missing = self._missing(program)
        if not missing:
            return
        self.reason = (
            "CannotStartContainerError: ResourceInitializationError: failed to create new "
            "container runtime task: failed to create shim task: OCI runtime create failed: runc "
            f'create failed: unable to start container process: exec: "{program}": {missing}: '
            "unknown"
        )
        raise CannotStart(self.reason)

    def _place(self, program: str) -> Path:
        """Where a program of the image lies for a process that is not locked in."""
        if "/" not in program:
            for folder in self.environment.get("PATH", DEFAULT_PATH).split(":"):
                place = beneath(self.root, folder) / program
                if place.exists():
                    return place
        return entry(self.root, program)

    def _read(self) -> None:
        assert self._child is not None and self._child.stdout is not None
        options = self._log_options()
        for line in self._child.stdout:
            if options is not None:
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                write = partial(log_lines.write, *options, [text or " "], time.time())
                self._lab.timers.after(self._lab.strict.seconds("log-lines"), write)

    def _log_options(self) -> tuple[Place, str, str] | None:
        configuration = self.definition.get("logConfiguration") or {}
        options = configuration.get("options") or {}
        if configuration.get("logDriver") != "awslogs" or "awslogs-group" not in options:
            return None
        prefix = options.get("awslogs-stream-prefix", "ecs")
        region = options.get("awslogs-region", self._home.region)
        place = self._home._replace(region=region)
        return place, options["awslogs-group"], f"{prefix}/{self.name}/{self._task}"
