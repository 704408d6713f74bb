"""What network load balancers pass on: connections as they come, and datagrams, each client's to one
target and the answers back."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, cast

from lab.running.balancers.rules import Action, target_group_of
from lab.running.streams import copy_both_ways

if TYPE_CHECKING:
    from lab.running.balancers.targets import Target
    from lab.running.balancers.way import Way

LARGEST = 64 * 1024
Client = tuple[str, int]


def choose(way: Way, listener: str) -> Target | None:
    """The next target of what a listener forwards to."""
    found = way.listener(listener)
    action = cast("Action", found.default_actions[0].data) if found else None
    group = target_group_of(action) if action else None
    return way.targets.choose(group) if group else None


async def connect(
    way: Way, listener: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Passes one connection on until a side closes; closes it where there is no target."""
    target = choose(way, listener)
    try:
        if target is not None:
            theirs = await way.connect(target)
            try:
                await copy_both_ways((reader, writer), theirs)
            finally:
                theirs[1].close()
    except (OSError, TimeoutError):
        pass
    finally:
        writer.close()


class Datagrams(asyncio.DatagramProtocol):
    """One port that takes datagrams: what comes from one client goes to one target as long as that
    is healthy.
    """

    def __init__(self, way: Way, listener: str, loop: asyncio.AbstractEventLoop) -> None:
        self._way = way
        self._listener = listener
        self._loop = loop
        self._front: asyncio.DatagramTransport | None = None
        self._flows: dict[Client, tuple[Target, socket.socket]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps where answers are sent from."""
        self._front = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Client) -> None:
        """Passes one on; what no target can take is lost, as datagrams are."""
        flow = self._flows.get(addr)
        if flow is not None and flow[0].state[0] != "healthy":
            self._end(addr)
            flow = None
        try:
            flow = flow or self._begin(addr)
            if flow is not None:
                flow[1].send(data)
        except OSError:
            self._end(addr)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends with its listener."""
        for client in list(self._flows):
            self._end(client)

    def _begin(self, client: Client) -> tuple[Target, socket.socket] | None:
        target = choose(self._way, self._listener)
        if target is None or not self._way.targets.is_reached(target, "udp"):
            return None
        way = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        way.setblocking(False)
        way.connect((self._way.targets.host(target), target.port))
        self._flows[client] = (target, way)
        self._loop.add_reader(way, self._answer, client, way)
        return target, way

    def _answer(self, client: Client, way: socket.socket) -> None:
        try:
            answer = way.recv(LARGEST)
        except OSError:
            self._end(client)
            return
        if self._front is not None:
            self._front.sendto(answer, client)

    def _end(self, client: Client) -> None:
        flow = self._flows.pop(client, None)
        if flow is not None:
            self._loop.remove_reader(flow[1])
            flow[1].close()
