"""Who is killed for the memory that the containers of a task take.

ECS API reference, ContainerDefinition, `memory`: a container that tries to take more is killed; and so is
one where all of them take more than the task has (ECS guide, task size). The kernel kills the largest
process of those that share the limit (Linux, cgroup v2, `memory.oom.group`), which is not always the
container's first: what is left ends as it likes, and the reason is shown with whatever code that is
(amazon-ecs-agent issue 2467).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.world.usage import held_bytes

if TYPE_CHECKING:
    from lab.running.tasks.container import Container

MEBIBYTE = 1 << 20
# Of real time: programs take memory as fast as they do, however quick AWS is.
EVERY = 0.5
REASON = "OutOfMemoryError: Container killed due to memory usage"


class Memory:
    """Looks at what the containers of one task hold; limits are in MiB, and 0 is none."""

    def __init__(
        self, containers: Sequence[Container], task: int, limits: Mapping[str, int]
    ) -> None:
        self._containers = containers
        self._task = task
        self._limits = limits
        self._next = time.monotonic() + EVERY

    def tick(self) -> None:
        """Looks when it is time to, and kills whoever takes too much."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        held = {
            (container.name, process): held_bytes(process)
            for container in self._containers
            if container.poll() is None
            for process in container.programs()
        }
        for container in self._containers:
            own = {key: size for key, size in held.items() if key[0] == container.name}
            self._judge(own, self._limits.get(container.name, 0))
        self._judge(held, self._task)

    def _judge(self, held: Mapping[tuple[str, int], int], limit: int) -> None:
        if not limit or sum(held.values()) <= limit * MEBIBYTE:
            return
        name, process = max(held, key=lambda key: held[key])
        next(it for it in self._containers if it.name == name).reason = REASON
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)
