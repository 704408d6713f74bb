"""Work that takes both real time and AWS's: done when the later of the two is over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.world.lab import Lab

Action = Callable[[], None]


def begin(
    lab: Lab, what: str, work: Action, duration: str, finish: Action, fail: Action | None = None
) -> None:
    """Does `work` in a thread, and calls `finish` under the lock once the duration is over too.

    A reset in between forgets `finish`. Where the work fails, `fail` is called instead.
    """
    generation, left = lab.generation, [2]

    def part() -> None:
        with lab.lock:
            left[0] -= 1
            if left[0] == 0 and generation == lab.generation:
                finish()

    def run() -> None:
        if lab.guard(what, work):
            part()
        elif fail is not None and generation == lab.generation:
            fail()

    threading.Thread(target=run, name=what, daemon=True).start()
    lab.timers.after(duration, part)
