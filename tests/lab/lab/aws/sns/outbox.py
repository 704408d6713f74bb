"""What SNS would have sent to people and programs outside: it stays in the lab, to be read."""

from __future__ import annotations

import threading
import time
from typing import Any

from lab.world.lab import Lab


class Outbox:
    """Letters, the oldest first."""

    def __init__(self, lab: Lab) -> None:
        self._lock = threading.Lock()
        self._letters: list[dict[str, Any]] = []
        lab.resets.append(self._letters.clear)
        lab.parts["outbox"] = self

    def add(self, to: str, protocol: str, subject: str, body: str, **more: Any) -> None:
        """Puts a letter in."""
        letter = {"to": to, "protocol": protocol, "subject": subject, "body": body}
        with self._lock:
            self._letters.append({**letter, "time": round(time.time(), 3), **more})

    def letters(self, to: str | None = None) -> list[dict[str, Any]]:
        """All of them, or those to somebody."""
        with self._lock:
            return [letter for letter in self._letters if to in (None, letter["to"])]
