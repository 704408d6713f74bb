"""Child processes that end with the lab, however the lab ends.

Children start through `launch.py`, which asks the kernel to kill them when their parent
dies, and where it may puts each into a PID namespace, so that the kernel kills all that they
started too. The parent of a process is the thread that forked it, so one thread forks them all.
A shell waits on a pipe for the lab's end and then removes the data directory.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any, NamedTuple

LAUNCH = Path(__file__).with_name("launch.py")


class Mount(NamedTuple):
    """What one program finds at a path: a folder, or a file system in memory where none is named."""

    source: str
    target: str
    read_only: bool
    mebibytes: int = 0


class Processes:
    """Starts and ends the lab's children."""

    def __init__(self, data: Path, remove_data: bool) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._sweeper = self._start_sweeper(data) if remove_data else None
        threading.Thread(target=self._fork, name="forker", daemon=True).start()

    def start(
        self,
        command: list[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        root: Path | None = None,
        user: int | None = None,
        group: int | None = None,
        mounts: Sequence[Mount] = (),
        stdout: Any = subprocess.DEVNULL,
        stderr: Any = subprocess.STDOUT,
        beside: subprocess.Popen[bytes] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Starts `command` in `folder`, inside `root` and as `user` where they are given; `mounts`
        are seen by it alone. One that runs `beside` another program sees what that sees, and ends
        with it; its output is a terminal.
        """
        other = self._inside(beside) if beside is not None else ""
        launch = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid())]
        launch += [str(folder), str(root or ""), str("" if user is None else user)]
        launch += [str("" if group is None else group), json.dumps(mounts), str(other)]
        launch += ["--", *command]

        def fork() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                launch,
                env=dict(environment),
                stdin=subprocess.DEVNULL if beside is None else stdout,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )

        done: Future[subprocess.Popen[bytes]] = Future()
        self._jobs.put((fork, done))
        child = done.result()
        with self._lock:
            self._running = {other for other in self._running if other.poll() is None}
            self._running.add(child)
        return child

    def signal(self, child: subprocess.Popen[bytes], number: Signals) -> None:
        """Signals the child and what it started."""
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, number)

    @staticmethod
    def family(child: subprocess.Popen[bytes]) -> list[int]:
        """The child and all that it started, as far as they still run."""
        found, left = [], [child.pid]
        while left:
            found.append(left.pop())
            with contextlib.suppress(OSError):
                for thread in Path(f"/proc/{found[-1]}/task").iterdir():
                    left += map(int, (thread / "children").read_text().split())
        return found

    @staticmethod
    def programs(child: subprocess.Popen[bytes]) -> list[int]:
        """The same, without the process that waits outside."""
        found = Processes.family(child)
        with contextlib.suppress(OSError):
            waits = str(LAUNCH).encode() in Path(f"/proc/{child.pid}/cmdline").read_bytes()
            return found[1:] if waits else found
        return found

    @staticmethod
    def _inside(child: subprocess.Popen[bytes]) -> int:
        """The program itself, where another process waits outside for it."""
        try:
            inside = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        except OSError:
            return child.pid
        return int(inside[0]) if inside else child.pid

    @staticmethod
    def listens(child: subprocess.Popen[bytes], number: Signals) -> bool:
        """Whether the program has a handler for a signal; without one, a first process ignores it."""
        try:
            status = Path(f"/proc/{Processes._inside(child)}/status").read_text()
        except OSError:
            return False
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (number - 1) & 1)

    def stop(self) -> None:
        """Kills every child that is left, and lets the sweeper end."""
        with self._lock:
            running = list(self._running)
        for child in running:
            self.signal(child, SIGKILL)
        for child in running:
            child.wait(timeout=10)
        if self._sweeper is not None and self._sweeper.stdin is not None:
            self._sweeper.stdin.close()

    def _fork(self) -> None:
        while True:
            job, done = self._jobs.get()
            try:
                done.set_result(job())
            except BaseException as error:  # noqa: BLE001 - handed to the caller
                done.set_exception(error)

    @staticmethod
    def _start_sweeper(data: Path) -> subprocess.Popen[bytes]:
        script = 'cat >/dev/null; for _ in 1 2 3 4 5; do rm -rf "$0" && exit; sleep 0.2; done'
        return subprocess.Popen(
            ["/bin/sh", "-c", script, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
