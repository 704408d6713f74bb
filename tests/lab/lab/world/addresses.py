"""Loopback addresses for tasks and load balancers, so that several labs do not meet."""

from __future__ import annotations

import threading


class Addresses:
    """Hands out `127.A.B.n`, where A.B are the two bytes of the lab's port."""

    def __init__(self) -> None:
        self._network = "127.127.127"
        self._used: set[int] = set()
        self._last = 1
        self._lock = threading.Lock()

    def settle(self, port: int) -> None:
        """Chooses the network once the port is known."""
        self._network = f"127.{port >> 8}.{port & 255}"

    def take(self) -> str:
        """Reserves an address; they come round as late as possible."""
        with self._lock:
            for step in range(1, 254):
                number = 2 + (self._last - 2 + step) % 253
                if number not in self._used:
                    self._used.add(number)
                    self._last = number
                    return f"{self._network}.{number}"
        raise RuntimeError("this lab has given away all of its 253 loopback addresses")

    def give_back(self, address: str) -> None:
        """Makes an address free again."""
        with self._lock:
            self._used.discard(int(address.rsplit(".", 1)[1]))
