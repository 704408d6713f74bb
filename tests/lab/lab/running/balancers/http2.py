"""One HTTP/2 connection of a load balancer, for gRPC.

The first request is read to find its target by the listener's rules; from there on the bytes of
the connection go back and forth untouched, so every later request goes to the same target. Only
targets that speak HTTP/2 are reached this way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import ProtocolError

from lab.running.balancers.http1 import REASONS
from lab.running.balancers.rules import Request, action_for, redirect_location, target_group_of
from lab.running.balancers.traffic import Passage
from lab.running.streams import PIECE, copy_all

if TYPE_CHECKING:
    from lab.running.balancers.way import Way

UNSEEN = 0
PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
FRAME_HEAD = 9
SETTINGS, ACKNOWLEDGED = 4, 1


class Http2:
    """Serves one client connection until it closes."""

    def __init__(
        self,
        way: Way,
        listener: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._way = way
        self._listener = listener
        self._reader = reader
        self._writer = writer
        self._connection = H2Connection(
            H2Configuration(client_side=False, header_encoding="iso-8859-1")
        )

    async def serve(self) -> None:
        """Finds the target of the first request, or answers it."""
        try:
            self._connection.initiate_connection()
            self._writer.write(self._connection.data_to_send())
            received, event = await self._first_request()
            await self._dispatch(received, event)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ProtocolError):
            pass
        finally:
            self._writer.close()

    async def _first_request(self) -> tuple[bytes, RequestReceived]:
        received = b""
        while piece := await self._reader.read(PIECE):
            received += piece
            for event in self._connection.receive_data(piece):
                if isinstance(event, RequestReceived):
                    return received, event
        raise ProtocolError("the client hung up")

    async def _dispatch(self, received: bytes, event: RequestReceived) -> None:
        headers = {str(name): str(value) for name, value in event.headers}
        source = self._writer.get_extra_info("peername")[0]
        headers["host"] = headers.get(":authority", "")
        request = Request(headers[":method"], headers[":path"], headers, source)
        listener = self._way.listener(self._listener)
        if listener is None:
            return
        action = action_for(listener, request)
        if action["Type"] == "redirect":
            port = self._writer.get_extra_info("sockname")[1]
            status, location = redirect_location(action, request, "https", port)
            await self._say(event, status, [("location", location)])
        elif action["Type"] == "fixed-response":
            config = action["FixedResponseConfig"]
            kind = [("content-type", config.get("ContentType") or "text/plain")]
            await self._say(event, int(config["StatusCode"]), kind, config.get("MessageBody") or "")
        else:
            await self._forward(received, event, target_group_of(action))

    async def _forward(self, received: bytes, event: RequestReceived, group: str | None) -> None:
        target = self._way.targets.choose(group) if group else None
        if target is None:
            return await self._fail(event, None, 503)
        if self._way.targets.version(target.group) == "HTTP1":
            return await self._fail(event, target.group, 464)
        try:
            reader, writer = await self._way.connect(target)
        except TimeoutError:
            return await self._fail(event, target.group, 504)
        except OSError:
            return await self._fail(event, target.group, 502)
        # What it answers goes by untouched.
        self._way.traffic.note(Passage(self._listener, target.group, UNSEEN))
        ways = [self._to_target(received, writer), copy_all(reader, self._writer)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        writer.close()

    async def _fail(self, event: RequestReceived, group: str | None, status: int) -> None:
        self._way.traffic.note(Passage(self._listener, group, status))
        await self._say(event, status)

    async def _to_target(self, received: bytes, writer: asyncio.StreamWriter) -> None:
        """Copies what the client sends, but for its acknowledgement of our own settings."""
        writer.write(received[:PREFACE])
        left = received[PREFACE:]
        while True:
            while len(left) < FRAME_HEAD or len(left) < FRAME_HEAD + _length(left):
                piece = await self._reader.read(PIECE)
                if not piece:
                    return
                left += piece
            size = FRAME_HEAD + _length(left)
            frame, left = left[:size], left[size:]
            if frame[3] == SETTINGS and frame[4] & ACKNOWLEDGED:
                break
            writer.write(frame)
            await writer.drain()
        writer.write(left)
        await copy_all(self._reader, writer)

    async def _say(
        self,
        event: RequestReceived,
        status: int,
        headers: list[tuple[str, str]] | None = None,
        body: str | None = None,
    ) -> None:
        text = (f"{status} {REASONS.get(status, '')}" if body is None else body).encode()
        said = [(":status", str(status)), ("server", "awselb/2.0"), *(headers or [])]
        self._connection.send_headers(event.stream_id, said)
        self._connection.send_data(event.stream_id, text, end_stream=True)
        self._connection.close_connection()
        self._writer.write(self._connection.data_to_send())
        await self._writer.drain()


def _length(frame: bytes) -> int:
    return int.from_bytes(frame[:3], "big")
