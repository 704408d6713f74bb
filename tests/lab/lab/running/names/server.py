"""A DNS server on loopback, over UDP, that answers what the hosted zones of the lab say."""

from __future__ import annotations

import socket
import struct
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.running.names import wire

if TYPE_CHECKING:
    from lab.running.names.resolver import Names
    from lab.world.lab import Lab

HOST = "127.0.0.1"
LARGEST = 4096


class Server:
    """One socket and the thread that reads it."""

    def __init__(self, lab: Lab, names: Names) -> None:
        self._lab, self._names = lab, names
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        lab.parts["dns"] = self
        threading.Thread(target=self._run, name="dns", daemon=True).start()

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        return {"address": HOST, "port": self._socket.getsockname()[1]}

    def _run(self) -> None:
        while True:
            message, client = self._socket.recvfrom(LARGEST)
            self._lab.guard("dns", partial(self._reply, message, client))

    def _reply(self, message: bytes, client: Any) -> None:
        try:
            name, kind, asked = wire.question(message)
        except (IndexError, ValueError, struct.error):
            return
        known = wire.KINDS.get(kind)
        answer = self._names.resolve(name, known) if known else None
        self._socket.sendto(wire.response(message, asked, answer), client)
