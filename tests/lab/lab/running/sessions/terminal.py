"""A program of a container on a terminal of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import signal
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

from lab.running.tasks.container import CannotStart

if TYPE_CHECKING:
    from lab.running.tasks.container import Container
    from lab.world.processes import Processes

PIECE = 1024


class Terminal:
    """Both ends of it, and what runs there."""

    def __init__(self, processes: Processes, container: Container, command: str) -> None:
        self._processes = processes
        self._ours, theirs = os.openpty()
        try:
            self._child: subprocess.Popen[bytes] = container.enter(_words(command), theirs)
        except BaseException:
            os.close(self._ours)
            raise
        finally:
            os.close(theirs)

    def read(self) -> bytes:
        """What it shows next; nothing once the program has ended."""
        try:
            return os.read(self._ours, PIECE)
        except OSError:
            return b""

    def write(self, typed: bytes) -> None:
        """Types."""
        while typed:
            try:
                typed = typed[os.write(self._ours, typed) :]
            except OSError:
                return

    def resize(self, columns: int, rows: int) -> None:
        """Tells the program how large the window is."""
        with contextlib.suppress(OSError, struct.error):
            fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self) -> None:
        """Ends the program, if it still runs."""
        self._processes.signal(self._child, signal.SIGKILL)

    def close(self) -> None:
        """Lets the terminal go, once nobody reads it any more."""
        self._child.wait(10)
        os.close(self._ours)


def _words(command: str) -> list[str]:
    """A command as its program and arguments: there is no shell but the one that it names."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CannotStart(str(error)) from None
    if not words:
        raise CannotStart("no command")
    return words
