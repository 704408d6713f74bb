"""What stands for the proxies of Service Connect: whoever connects to a name gets to a task behind it.

On AWS each task has a proxy of its own, which connects to that of a task of the server, at the
container's port. Here all clients of an endpoint share an address of loopback; whose a connection
is, the socket tells, so that security groups count as on AWS.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from lab.running.reach import groups, sockets
from lab.running.streams import copy_both_ways
from lab.running.tasks.roster import Tasks

if TYPE_CHECKING:
    from lab.running.tasks.task import Task
    from lab.world.lab import Lab

OPEN_SECONDS = 5
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 30
Alive = Callable[[], Sequence["Task"]]


class Proxies:
    """All of them, served by one event loop in one thread."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._loop = asyncio.new_event_loop()
        self._open: dict[tuple[str, int], asyncio.Server] = {}
        self._turns = itertools.count()
        threading.Thread(target=self._loop.run_forever, name="connect", daemon=True).start()

    def open(self, address: str, port: int, target: int, alive: Alive) -> None:
        """Begins to listen for a server's tasks, which listen on the target port."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                with contextlib.suppress(OSError, EOFError):
                    await self._serve(reader, writer, (address, port), target, alive)
            finally:
                writer.close()

        opening = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(serve, address, port, reuse_address=True), self._loop
        )
        self._open[address, port] = opening.result(OPEN_SECONDS)

    def close(self, address: str, port: int) -> None:
        """Listens no more; who is connected stays."""
        server = self._open.pop((address, port), None)
        if server is not None:
            self._loop.call_soon_threadsafe(server.close)

    async def _serve(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        at: tuple[str, int],
        target: int,
        alive: Alive,
    ) -> None:
        whose = partial(self._whose, writer.get_extra_info("peername"), at)
        client = await asyncio.to_thread(whose)
        given_up = self._loop.time() + PATIENCE_SECONDS
        while self._loop.time() < given_up:
            tasks = list(alive())
            reached = [task for task in tasks if _reaches(client, task, target)]
            if not tasks:
                return
            turn = next(self._turns) % max(len(reached), 1)
            # As Service Connect's proxies do, another one is tried where one does not answer.
            for task in reached[turn:] + reached[:turn]:
                with contextlib.suppress(OSError):
                    server = await asyncio.open_connection(task.loopback, target)
                    await copy_both_ways((reader, writer), server)
                    server[1].close()
                    return
            if reached:
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _whose(self, peer: tuple[str, int], at: tuple[str, int]) -> Task | None:
        """The task that connects; None where it is no task, or the kernel does not tell."""
        try:
            inode = sockets.inode(peer, at)
        except OSError:
            return None
        return self._lab.part(Tasks).holder(inode) if inode else None


def _reaches(client: Task | None, server: Task, port: int) -> bool:
    return client is None or groups.is_let_in(client.interface, server.interface, port)
