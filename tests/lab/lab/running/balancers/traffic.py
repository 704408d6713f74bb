"""What load balancers had to do since somebody last asked: requests, answers, and how long they took."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """One request: its listener, the group of its target where one was chosen, the status that was
    answered (0 for what goes by unread), and the seconds until the target answered; None where the
    load balancer did.
    """

    listener: str
    group: str | None
    status: int
    seconds: float | None = None

    @property
    def balancer(self) -> str:
        """The ARN of the load balancer."""
        start, _, rest = self.listener.partition(":listener/")
        return f"{start}:loadbalancer/{rest.rpartition('/')[0]}"


class Traffic:
    """The requests of all load balancers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passages: list[Passage] = []

    def note(self, passage: Passage) -> None:
        """Takes one into account."""
        with self._lock:
            self._passages.append(passage)

    def take(self) -> list[Passage]:
        """Those since the last time."""
        with self._lock:
            taken, self._passages = self._passages, []
        return taken
