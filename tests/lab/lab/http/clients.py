"""The process at the other end of a connection, found by its socket."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress

Address = tuple[str, int]


class Process:
    """A process that may be ended: this one, and no other that comes to have its number."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __del__(self) -> None:
        os.close(self._handle)

    def end(self) -> bool:
        """Ends it with SIGKILL, and says whether it was still there."""
        try:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        except OSError:
            return False
        return True


class Client:
    """Whoever holds the client's end of one TCP connection of this machine."""

    def __init__(self, theirs: Address, ours: Address) -> None:
        self._theirs, self._ours = theirs, ours

    def process(self, pid: int) -> Process | None:
        """The process of this number, if it is the client."""
        try:
            process = Process(os.pidfd_open(pid))
        except OSError:
            return None
        return process if self._is_held_by(pid) else None

    def _is_held_by(self, pid: int) -> bool:
        wanted = f"socket:[{self._inode()}]"
        folder = f"/proc/{pid}/fd"
        try:
            files = os.listdir(folder)
        except OSError:
            return False
        for file in files:
            with suppress(OSError):
                if os.readlink(f"{folder}/{file}") == wanted:
                    return True
        return False

    def _inode(self) -> str:
        """The number of the client's socket, as the kernel's table of connections has it."""
        ends = (_as_kernel_writes(self._theirs), _as_kernel_writes(self._ours))
        with open("/proc/net/tcp", encoding="ascii") as table:
            for line in table:
                fields = line.split()
                if (fields[1], fields[2]) == ends:
                    return fields[9]
        return "none"


def _as_kernel_writes(address: Address) -> str:
    number = int.from_bytes(socket.inet_aton(address[0]), sys.byteorder)
    return f"{number:08X}:{address[1]:04X}"
