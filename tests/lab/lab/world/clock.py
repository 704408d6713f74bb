"""The lab's own time of day: the machine's, and how far it was put ahead."""

from __future__ import annotations

import time
from datetime import UTC, datetime

FURTHEST = 400 * 24 * 3600.0


class Clock:
    """What schedules, timeouts and stopped tasks go by; a reset puts it right again."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def moment(self) -> datetime:
        """The same as a moment."""
        return datetime.fromtimestamp(self.now(), UTC)

    def advance(self, seconds: float) -> None:
        """Puts it ahead; ValueError where that is back, or too far."""
        if not 0 <= seconds <= FURTHEST:
            raise ValueError(f"a clock is advanced by 0 to {FURTHEST:g} seconds")
        self._ahead += seconds

    def reset(self) -> None:
        """Puts it to the machine's time."""
        self._ahead = 0.0
