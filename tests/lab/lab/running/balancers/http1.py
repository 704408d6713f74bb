"""One HTTP/1.1 connection of a load balancer: read a request, apply the rules, relay the answer."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

from lab.running.balancers.rules import Request, action_for, redirect_location, target_group_of
from lab.running.balancers.stickiness import cookies, place, stuck_to
from lab.running.balancers.traffic import Passage
from lab.running.streams import PIECE, copy_all, copy_both_ways

if TYPE_CHECKING:
    from lab.running.balancers.way import Way

IDLE_SECONDS = 60
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection"}
REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    404: "Not Found",
    464: "Incompatible Protocol Versions",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}

Headers = list[tuple[str, str]]


class ClientGone(Exception):
    """The client closed its side."""


class Exchange:
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
        self._group: str | None = None
        self._cookies: Headers = []
        self._began = 0.0
        self._scheme = "https" if writer.get_extra_info("ssl_object") else "http"

    async def serve(self) -> None:
        """Serves requests one after the other."""
        try:
            while await asyncio.wait_for(self._one(), IDLE_SECONDS * 60):
                pass
        except (ClientGone, OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            pass
        finally:
            self._writer.close()

    async def _one(self) -> bool:
        first, headers = await read_head(self._reader)
        method, url, _ = first.split(" ", 2)
        source = self._writer.get_extra_info("peername")[0]
        request = Request(method, url, {name.lower(): value for name, value in headers}, source)
        listener = self._way.listener(self._listener)
        if listener is None:
            raise ClientGone
        action = action_for(listener, request)
        port = self._writer.get_extra_info("sockname")[1]
        if action["Type"] == "forward":
            return await self._forward(request, headers, target_group_of(action), port)
        await self._skip_body(request)
        if action["Type"] == "redirect":
            status, location = redirect_location(action, request, self._scheme, port)
            return await self._say(status, "", [("Location", location)], request)
        if action["Type"] == "fixed-response":
            config = action["FixedResponseConfig"]
            kind = [("Content-Type", config.get("ContentType") or "text/plain")]
            body = config.get("MessageBody") or ""
            return await self._say(int(config["StatusCode"]), body, kind, request)
        return await self._say(500, "the lab does not serve this action", [], request)

    async def _forward(
        self, request: Request, headers: Headers, group: str | None, port: int
    ) -> bool:
        stuck = stuck_to(request.headers.get("cookie", ""))
        target = self._way.targets.choose(group, stuck) if group else None
        seconds = self._way.targets.stickiness(target.group) if target else 0
        self._cookies = cookies(place(*target.key), seconds) if target and seconds else []
        self._group = target.group if target else None
        if target is None:
            await self._skip_body(request)
            return await self._error(503, request)
        if self._way.targets.version(target.group) != "HTTP1":
            await self._skip_body(request)
            return await self._error(464, request)
        try:
            reader, writer = await self._way.connect(target)
        except TimeoutError:
            return await self._error(504, request, close=True)
        except OSError:
            return await self._error(502, request, close=True)
        try:
            await self._send_request(writer, request, headers, port)
            self._began = time.monotonic()
            try:
                first, answer = await asyncio.wait_for(read_head(reader), IDLE_SECONDS)
            except TimeoutError:
                return await self._error(504, request, close=True)
            except (ClientGone, OSError, asyncio.IncompleteReadError):
                return await self._error(502, request, close=True)
            if not first.startswith("HTTP/") or " " not in first:
                return await self._error(502, request, close=True)
            self._note(int(first.split(" ", 2)[1]), time.monotonic() - self._began)
            if first.split(" ", 2)[1] == "101":
                return await self._tunnel(first, answer, reader, writer)
            return await self._relay(first, answer, reader, request)
        finally:
            writer.close()

    async def _send_request(
        self, writer: asyncio.StreamWriter, request: Request, headers: Headers, port: int
    ) -> None:
        upgrade = "upgrade" in request.headers
        kept = [(n, v) for n, v in headers if upgrade or n.lower() not in HOP_BY_HOP]
        kept = [(n, v) for n, v in kept if not n.lower().startswith("x-forwarded-")]
        came_from = request.headers.get("x-forwarded-for")
        kept += [
            ("X-Forwarded-For", f"{came_from}, {request.source}" if came_from else request.source),
            ("X-Forwarded-Proto", self._scheme),
            ("X-Forwarded-Port", str(port)),
        ]
        if "x-amzn-trace-id" not in request.headers:
            trace = uuid.uuid4().hex
            kept.append(("X-Amzn-Trace-Id", f"Root=1-{trace[:8]}-{trace[8:]}"))
        if not upgrade:
            kept.append(("Connection", "close"))
        writer.write(head(f"{request.method} {request.url} HTTP/1.1", kept))
        await copy_body(self._reader, writer, request.headers)
        await writer.drain()

    async def _relay(
        self, first: str, answer: Headers, reader: asyncio.StreamReader, request: Request
    ) -> bool:
        low = {name.lower(): value for name, value in answer}
        status = int(first.split(" ", 2)[1])
        bare = request.method == "HEAD" or status in (204, 304)
        measured = "content-length" in low or "chunked" in low.get("transfer-encoding", "")
        keep = self._keeps(request) and (bare or measured)
        kept = [(n, v) for n, v in answer if n.lower() not in HOP_BY_HOP]
        kept += self._cookies
        kept.append(("Connection", "keep-alive" if keep else "close"))
        self._writer.write(head(first, kept))
        if not bare:
            if measured:
                await copy_body(reader, self._writer, low)
            else:
                await copy_all(reader, self._writer)
        await self._writer.drain()
        return keep

    async def _tunnel(
        self,
        first: str,
        answer: Headers,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        self._writer.write(head(first, answer))
        await copy_both_ways((self._reader, self._writer), (reader, writer))
        return False

    async def _error(self, status: int, request: Request, close: bool = False) -> bool:
        self._note(status)
        reason = f"{status} {REASONS[status]}"
        page = (
            f"<html>\r\n<head><title>{reason}</title></head>\r\n"
            f"<body>\r\n<center><h1>{reason}</h1></center>\r\n</body>\r\n</html>\r\n"
        )
        return await self._say(status, page, [("Content-Type", "text/html")], request, close)

    async def _say(
        self, status: int, body: str, headers: Headers, request: Request, close: bool = False
    ) -> bool:
        keep = self._keeps(request) and not close
        content = body.encode()
        headers = [
            ("Server", "awselb/2.0"),
            *headers,
            ("Content-Length", str(len(content))),
            ("Connection", "keep-alive" if keep else "close"),
        ]
        self._writer.write(head(f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", headers))
        if request.method != "HEAD":
            self._writer.write(content)
        await self._writer.drain()
        return keep

    def _note(self, status: int, seconds: float | None = None) -> None:
        self._way.traffic.note(Passage(self._listener, self._group, status, seconds))

    async def _skip_body(self, request: Request) -> None:
        await copy_body(self._reader, None, request.headers)

    @staticmethod
    def _keeps(request: Request) -> bool:
        return request.headers.get("connection", "").lower() != "close"


async def read_head(reader: asyncio.StreamReader) -> tuple[str, Headers]:
    """Reads a first line and headers; skips interim answers such as 100 Continue."""
    while True:
        first = (await reader.readline()).decode("iso-8859-1").strip()
        if not first:
            raise ClientGone
        headers: Headers = []
        while line := (await reader.readline()).decode("iso-8859-1").strip():
            name, _, value = line.partition(":")
            headers.append((name.strip(), value.strip()))
        if not first.startswith("HTTP/1.1 100"):
            return first, headers


def head(first: str, headers: Headers) -> bytes:
    """Writes a first line and headers."""
    lines = [first, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("iso-8859-1")


async def copy_body(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter | None,
    headers: dict[str, str] | object,
) -> None:
    """Copies a body of known length or in chunks, as it is; without a writer, skips it."""
    assert isinstance(headers, dict)
    if "chunked" in headers.get("transfer-encoding", ""):
        while True:
            line = await reader.readline()
            size = int(line.split(b";")[0], 16)
            rest = await reader.readexactly(size + 2) if size else await reader.readline()
            if writer is not None:
                writer.write(line + rest)
                await writer.drain()
            if not size:
                return
    left = int(headers.get("content-length") or 0)
    while left:
        piece = await reader.read(min(PIECE, left))
        if not piece:
            raise ClientGone
        left -= len(piece)
        if writer is not None:
            writer.write(piece)
            await writer.drain()
