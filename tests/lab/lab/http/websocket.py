"""The server's side of a WebSocket (RFC 6455), on a connection that asked for one."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
import threading
from email.message import Message
from io import BufferedIOBase

# RFC 6455, 1.3.
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FINAL, MASKED, LENGTH = 0x80, 0x80, 0x7F
# Lengths that are written out behind the first two bytes.
SHORT, LONG = 126, 127
LONGEST = 1 << 20
NORMAL, WRONG = 1000, 1008
PATIENCE = 5.0


class Hung(Exception):
    """The other side has gone, or has said what is no frame."""


def is_asked_for(headers: Message) -> bool:
    """Whether a request asks for a WebSocket."""
    return headers.get("Upgrade", "").lower() == "websocket" and "Sec-WebSocket-Key" in headers


def answer(headers: Message) -> list[tuple[str, str]]:
    """The headers of the answer that lets it begin."""
    key = headers["Sec-WebSocket-Key"].encode() + MAGIC
    accept = base64.b64encode(hashlib.sha1(key).digest()).decode()
    return [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept),
    ]


class WebSocket:
    """One that is open. One thread receives; any may send."""

    def __init__(self, connection: socket.socket, reader: BufferedIOBase) -> None:
        self._connection = connection
        self._reader = reader
        self._lock = threading.Lock()

    def receive(self) -> tuple[int, bytes]:
        """The next whole message, with its kind; Hung when there is none any more."""
        kind, whole = CONTINUED, b""
        while True:
            is_final, code, payload = self._frame()
            if code == PING:
                self.send(PONG, payload)
            elif code == CLOSE:
                raise Hung
            elif code in (TEXT, BINARY, CONTINUED):
                kind, whole = code or kind, whole + payload
                if len(whole) > LONGEST:
                    raise Hung
                if is_final:
                    return kind, whole

    def send(self, kind: int, payload: bytes) -> None:
        """Sends one message; Hung where nobody takes it."""
        head = bytes([FINAL | kind])
        if len(payload) < SHORT:
            head += bytes([len(payload)])
        elif len(payload) < 1 << 16:
            head += bytes([SHORT]) + struct.pack(">H", len(payload))
        else:
            head += bytes([LONG]) + struct.pack(">Q", len(payload))
        try:
            with self._lock:
                self._connection.sendall(head + payload)
        except OSError:
            raise Hung from None

    def close(self, code: int = NORMAL) -> None:
        """Says good-bye. What the other side still sends may be received for a while: who hangs up on
        it at once takes the end of what it was sent away from it.
        """
        with contextlib.suppress(Hung, OSError):
            self.send(CLOSE, struct.pack(">H", code))
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(PATIENCE)

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        length = second & LENGTH
        if length == SHORT:
            (length,) = struct.unpack(">H", self._read(2))
        elif length == LONG:
            (length,) = struct.unpack(">Q", self._read(8))
        # RFC 6455, 5.1: what a client sends is masked.
        if not second & MASKED or length > LONGEST:
            raise Hung
        mask = self._read(4)
        payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self._read(length)))
        return bool(first & FINAL), first & 0x0F, payload

    def _read(self, size: int) -> bytes:
        try:
            read = self._reader.read(size)
        except (OSError, ValueError):
            raise Hung from None
        if len(read) < size:
            raise Hung
        return read
