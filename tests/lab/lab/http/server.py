"""The HTTP side: one loopback port for the AWS API, the registry and `/_lab/`, with TLS for those
who begin with it.

A thread a connection, kept alive between requests. Bodies of API calls are read whole;
the registry streams its uploads.
"""

from __future__ import annotations

import io
import socket
import ssl
import sys
from collections.abc import Callable, Iterable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from wsgiref.types import WSGIEnvironment

from lab.http.clients import Client
from lab.http.doors import turned_away
from lab.http.errors import Reply
from lab.http.faults import DropConnection, Verdict
from lab.http.websocket import WebSocket, answer, is_asked_for

# The first byte of a TLS connection (RFC 8446, 5.1: a record with a handshake).
CLIENT_HELLO = b"\x16"


class Api(Protocol):
    """The AWS API, asked as WSGI asks."""

    def answer(
        self, environ: WSGIEnvironment, client: Client, body: bytes
    ) -> tuple[Reply, Verdict]:
        """Serves one call; says what is still to happen after its reply."""
        ...


class Images(Protocol):
    """The registry of images, which reads bodies by itself."""

    def answer(self, request: Handler) -> tuple[Reply, Verdict]:
        """Serves one request; says what is still to happen after its reply."""
        ...


class Steering(Protocol):
    """What is under `/_lab/`."""

    def answer(self, method: str, url: str, headers: Message, body: bytes) -> Reply:
        """Serves one request."""
        ...


class Channels(Protocol):
    """What is spoken of over WebSockets."""

    def serve(self, target: str, socket: WebSocket) -> None:
        """Serves one until it is closed."""
        ...


class Server(ThreadingHTTPServer):
    """Listens on a port of 127.0.0.1; on a free one for port 0."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        port: int,
        api: Api,
        registry: Images,
        control: Steering,
        channels: Channels,
        secure: Callable[[], ssl.SSLContext],
    ) -> None:
        self.api, self.registry, self.control, self.secure = api, registry, control, secure
        self.channels = channels
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing about clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def setup(self) -> None:
        """Speaks TLS with whoever does."""
        self.scheme = "http"
        if self.request.recv(1, socket.MSG_PEEK) == CLIENT_HELLO:
            self.request = self.server.secure().wrap_socket(self.request, server_side=True)
            self.scheme = "https"
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """Is quiet; the journal is at `/_lab/log`."""

    def _serve(self) -> None:
        path = urlsplit(self.path).path
        verdict = Verdict()
        if refusal := turned_away(self.headers, self.server.port):
            self.close_connection = True
            self.reply(*refusal)
            return
        if is_asked_for(self.headers):
            self._talk()
            return
        try:
            if path == "/v2" or path.startswith("/v2/"):
                reply, verdict = self.server.registry.answer(self)
            elif path.startswith("/_lab"):
                reply = self.server.control.answer(
                    self.command, self.path, self.headers, self.read_body()
                )
            else:
                body = self.read_body()
                reply, verdict = self.server.api.answer(self._environ(body), self.client, body)
        except DropConnection:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.reply(*reply)
        verdict.end_client("replied")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _talk(self) -> None:
        """Serves a WebSocket, which has no end of its own in time."""
        self.close_connection = True
        self.send_response_only(101)
        for name, value in answer(self.headers):
            self.send_header(name, value)
        self.end_headers()
        self.connection.settimeout(None)
        self.server.channels.serve(self.path, WebSocket(self.connection, self.rfile))

    @property
    def client(self) -> Client:
        """Whoever asks."""
        return Client(self.client_address, self.connection.getsockname())

    def reply(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Writes one answer with its length."""
        self.send_response_only(status)
        for name, value in headers:
            if name == "Location" and self.scheme == "https":
                self.send_header(name, value.replace("http:", "https:", 1))
            elif name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self) -> bytes:
        """Reads the request's body, whatever way its length is told."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterable[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _environ(self, body: bytes) -> WSGIEnvironment:
        url = urlsplit(self.path)
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(url.path, "iso-8859-1"),
            "QUERY_STRING": url.query,
            "RAW_URI": self.path,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": self.request_version,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH", "TRANSFER_ENCODING"):
                environ[f"HTTP_{key}"] = value
        return environ
