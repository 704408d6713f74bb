"""A gate before a server: whom security groups let in comes through, others wait for nothing.

What no rule allows is dropped without a word on AWS, so whoever is not let in gets no answer;
once a rule allows it, the connection goes on, as the kernel's next attempt would. A task is
known by the socket it holds. Who is no task, such as somebody at this machine, comes through.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lab.running.reach import sockets
from lab.running.streams import Side, carry
from lab.running.tasks.roster import Tasks

if TYPE_CHECKING:
    from lab.running.reach.sockets import Place
    from lab.running.tasks.task import Task
    from lab.world.lab import Lab

LOOK_SECONDS = 0.1
OPEN_SECONDS = 5
PATIENCE_SECONDS = 30
Admits = Callable[["Task"], bool]


class Beginning(NamedTuple):
    """How one is carried to the server: what was heard already goes first, from which address."""

    first: bytes = b""
    source: str | None = None


Begin = Callable[[Side, "Place"], Awaitable[Beginning]]


async def at_once(client: Side, inside: Place) -> Beginning:
    """Whoever comes in is carried to the server as they come."""
    return Beginning()


@dataclass(frozen=True)
class Gate:
    """Where people knock, where the server is, who may come in, and how they begin."""

    outside: Place
    inside: Place
    admits: Admits
    begin: Begin = at_once


class Gates:
    """All gates, served by one event loop in one thread."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._loop = asyncio.new_event_loop()
        self._open: dict[Place, asyncio.Server] = {}
        self._beginning: defaultdict[Place, set[asyncio.StreamWriter]] = defaultdict(set)
        threading.Thread(target=self._loop.run_forever, name="gates", daemon=True).start()

    def open(self, gate: Gate) -> None:
        """Begins to listen."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                with contextlib.suppress(OSError, EOFError):
                    await self._serve(gate, reader, writer)
            finally:
                writer.close()

        async def listen() -> asyncio.Server:
            return await asyncio.start_server(serve, *gate.outside, reuse_address=True)

        opening = asyncio.run_coroutine_threadsafe(listen(), self._loop)
        self._open[gate.outside] = opening.result(OPEN_SECONDS)

    def close(self, gate: Gate) -> None:
        """Listens no more, and ends who only begins; who is inside stays."""
        server = self._open.pop(gate.outside, None)
        if server is not None:
            self._loop.call_soon_threadsafe(self._close, gate, server)

    def _close(self, gate: Gate, server: asyncio.Server) -> None:
        server.close()
        for writer in self._beginning.pop(gate.outside, ()):
            writer.close()

    async def _serve(
        self, gate: Gate, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = self._whose(writer.get_extra_info("peername"), gate)
        given_up = self._loop.time() + PATIENCE_SECONDS
        while task is not None and not gate.admits(task):
            await asyncio.sleep(LOOK_SECONDS)
            if self._loop.time() > given_up:
                return
        beginning = self._beginning[gate.outside]
        beginning.add(writer)
        try:
            how = await gate.begin((reader, writer), gate.inside)
        finally:
            beginning.discard(writer)
        await carry((reader, writer), gate.inside, how.first, how.source)

    def _whose(self, peer: Place, gate: Gate) -> Task | None:
        """The task that knocks; None too where it does not matter, for to find it takes a while."""
        tasks = self._lab.part(Tasks)
        if all(gate.admits(task) for task in tasks.present):
            return None
        try:
            inode = sockets.inode(peer, gate.outside)
        except OSError:
            # A kernel that tells nobody's sockets apart lets everybody in.
            return None
        return tasks.holder(inode) if inode else None
