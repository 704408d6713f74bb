"""One health check of a target: asked as its group says, and judged by the group's matcher."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from lab.running.balancers.certificates import unverified

if TYPE_CHECKING:
    from moto.elbv2.models import FakeTargetGroup

AGENT = "ELB-HealthChecker/2.0"
PIECE = 64 * 1024
EMPTY_MESSAGE = bytes(5)


def probe(host: str, port: int, timeout: float, group: FakeTargetGroup) -> int | None:
    """What a target answers: a status of HTTP or gRPC; None where it is enough that it connects."""
    if group.health_check_protocol not in ("HTTP", "HTTPS"):
        socket.create_connection((host, port), timeout).close()
        return None
    path, secure = group.health_check_path or "/", group.health_check_protocol == "HTTPS"
    if group.protocol_version in ("HTTP2", "GRPC"):
        return _ask_http2(host, port, timeout, path, secure, group.protocol_version == "GRPC")
    if secure:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=timeout, context=unverified()
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"User-Agent": AGENT, "Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def judge(status: int | None, group: FakeTargetGroup) -> tuple[str, str] | None:
    """Why an answer is not good enough, as reason and description."""
    matcher = group.matcher or {}
    expected = matcher.get("GrpcCode") or matcher.get("HttpCode") or "200"
    if status is None or matches(status, expected):
        return None
    text = f"Health checks failed with these codes: [{status}]"
    return ("Target.ResponseCodeMismatch", text)


def matches(status: int, expected: str) -> bool:
    """Whether a status is in a matcher such as `200,301-399`."""
    for part in expected.split(","):
        low, _, high = part.partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False


def _ask_http2(
    host: str, port: int, timeout: float, path: str, secure: bool, grpc: bool
) -> int | None:
    """Asks with one request of HTTP/2, which the target must know to speak."""
    headers = [
        (":method", "POST" if grpc else "GET"),
        (":scheme", "https" if secure else "http"),
        (":authority", f"{host}:{port}"),
        (":path", path),
        ("user-agent", AGENT),
    ]
    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    if grpc:
        headers += [("content-type", "application/grpc"), ("te", "trailers")]
        connection.send_headers(1, headers)
        connection.send_data(1, EMPTY_MESSAGE, end_stream=True)
    else:
        connection.send_headers(1, headers, end_stream=True)
    with socket.create_connection((host, port), timeout) as plain:
        stream = _encrypted(plain) if secure else plain
        answer = _answer(connection, stream)
    status = answer.get("grpc-status") if grpc else answer.get(":status")
    if status is None:
        raise ProtocolError("an answer without a status")
    return int(status)


def _encrypted(plain: socket.socket) -> socket.socket:
    context = unverified()
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(plain)


def _answer(connection: H2Connection, stream: socket.socket) -> dict[str, str]:
    """The headers and trailers of the answer to the only request."""
    answer: dict[str, str] = {}
    while True:
        stream.sendall(connection.data_to_send())
        received = stream.recv(PIECE)
        if not received:
            raise ProtocolError("the target hung up")
        for event in connection.receive_data(received):
            if isinstance(event, (ResponseReceived, TrailersReceived)):
                answer |= {str(name): str(value) for name, value in event.headers}
            if isinstance(event, StreamEnded):
                return answer
            if isinstance(event, (StreamReset, ConnectionTerminated)):
                raise ProtocolError("the target refused")
