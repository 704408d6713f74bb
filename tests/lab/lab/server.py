"""The HTTP side: one loopback port for the AWS API, the registry and `/_lab/`.

A thread a connection, kept alive between requests. Bodies of API calls are read whole;
the registry streams its uploads.
"""

from __future__ import annotations

import io
import socket
import sys
import traceback
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from lab import cbor, sessions
from lab.calls import identify
from lab.clients import Client
from lab.control import Control
from lab.doors import turned_away
from lab.errors import Reply, error_reply, throttled
from lab.faults import DropConnection, Verdict
from lab.registry import Registry
from lab.small_pages import with_small_page
from lab.world import Lab


class Server(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, lab: Lab, aws: Aws, registry: Registry, control: Control) -> None:
        self.aws, self.registry, self.control = aws, registry, control
        super().__init__(("127.0.0.1", lab.options.port), Handler)
        lab.port = self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing about clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120

    def log_message(self, format: str, *args: Any) -> None:
        """Is quiet; the journal is at `/_lab/log`."""

    def _serve(self) -> None:
        path = urlsplit(self.path).path
        verdict = Verdict()
        if refusal := turned_away(self.headers, self.server.server_address[1]):
            self.close_connection = True
            self.reply(*refusal)
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
                reply, verdict = self.server.aws.answer(self._environ(body), self.client, body)
        except DropConnection:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.reply(*reply)
        verdict.end_client("replied")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    @property
    def client(self) -> Client:
        """Whoever asks."""
        return Client(self.client_address, self.connection.getsockname())

    def reply(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Writes one answer with its length."""
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
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

    def _environ(self, body: bytes) -> dict[str, Any]:
        url = urlsplit(self.path)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(url.path, "iso-8859-1"),
            "QUERY_STRING": url.query,
            "RAW_URI": self.path,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
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


def _replace_body(environ: dict[str, Any], body: bytes) -> None:
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))


class Aws:
    """The AWS API: faults, then moto with the overlay under the lab's lock, then the journal."""

    def __init__(self, lab: Lab) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._lab = lab
        self._moto = DomainDispatcherApplication(create_backend_app)

    def answer(self, environ: dict[str, Any], client: Client, body: bytes) -> tuple[Reply, Verdict]:
        """Serves one call; says what is still to happen after its reply."""
        operation = cbor.operation_of(environ)
        if operation is None:
            return self._answer(environ, client, body)
        text = cbor.as_json(environ, body, operation)
        reply, verdict = self._answer(environ, client, text)
        return cbor.as_cbor(reply, operation), verdict

    def _answer(
        self, environ: dict[str, Any], client: Client, body: bytes
    ) -> tuple[Reply, Verdict]:
        call = identify(environ, sessions.account_of, body)

        def effect() -> Reply:
            strict = self._lab.strict
            if refused := sessions.refused(environ, call.protocol):
                return refused
            if strict.is_on("buckets") and not self._lab.buckets.allows(call):
                return throttled(call.service, call.protocol)
            if strict.is_on("pages"):
                _replace_body(environ, with_small_page(call))
            return self._effect(environ, call.protocol)

        return self._lab.faults.befall(call, client, effect, self._lab.calls)

    def _effect(self, environ: dict[str, Any], protocol: str) -> Reply:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            started[:] = [int(status.split(maxsplit=1)[0]), headers]

        try:
            with self._lab.lock:
                content = b"".join(self._moto(environ, start_response))
        except NotImplementedError as error:
            message = f"the lab does not know this operation: {error}"
            return error_reply(protocol, "NotImplemented", message, 501)
        except Exception:  # noqa: BLE001 - a bug of the emulator is shown, not hidden
            text = traceback.format_exc()
            print(f"lab: moto failed\n{text}", file=sys.stderr, flush=True)
            return error_reply(protocol, "InternalFailure", text.splitlines()[-1], 500)
        return started[0], started[1], content
