"""The two ends of gRPC that the tests need: a server with one answer, and one call."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    TrailersReceived,
)

MESSAGE = b"\0\0\0\0\2hi"


class Server:
    """Answers every call with a message and a status; counts its connections."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.paths: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        for event in events(connection, client):
            if isinstance(event, RequestReceived):
                headers = {str(name): str(value) for name, value in event.headers}
                self.paths.append(headers[":path"])
            if isinstance(event, StreamEnded):
                head = [(":status", "200"), ("content-type", "application/grpc")]
                connection.send_headers(event.stream_id, head)
                connection.send_data(event.stream_id, MESSAGE)
                end = [("grpc-status", str(self.status))]
                connection.send_headers(event.stream_id, end, end_stream=True)


class Client:
    """A connection that speaks HTTP/2 only, as gRPC's clients do."""

    def __init__(self, place: tuple[str, int], name: str, trust: str) -> None:
        context = ssl.create_default_context(cafile=trust)
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(place, 5)
        self._stream = context.wrap_socket(plain, server_hostname=name)
        self._name = name
        self._connection = H2Connection(H2Configuration(header_encoding="utf-8"))
        self._connection.initiate_connection()

    def call(self, path: str) -> tuple[dict[str, str], bytes]:
        """One call: headers and trailers together, and the body."""
        stream = self._connection.get_next_available_stream_id()
        headers = [(":method", "POST"), (":scheme", "https"), (":authority", self._name)]
        headers += [(":path", path), ("content-type", "application/grpc"), ("te", "trailers")]
        self._connection.send_headers(stream, headers)
        self._connection.send_data(stream, MESSAGE, end_stream=True)
        answer: dict[str, str] = {}
        body = b""
        for event in events(self._connection, self._stream):
            if isinstance(event, (ResponseReceived, TrailersReceived)):
                answer |= {str(key): str(value) for key, value in event.headers}
            if isinstance(event, DataReceived):
                body += event.data
            if isinstance(event, StreamEnded):
                break
        return answer, body


def events(connection: H2Connection, stream: socket.socket) -> Iterator[Event]:
    """What comes in, until the other side hangs up; what is to go out goes out before."""
    while True:
        stream.sendall(connection.data_to_send())
        if not (received := stream.recv(65536)):
            return
        yield from connection.receive_data(received)
