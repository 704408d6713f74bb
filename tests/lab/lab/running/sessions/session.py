"""One session of ECS Exec, as its agent holds it: a handshake, both streams in order and acknowledged,
and the end.

What is sent is what AWS's own client understands (aws/session-manager-plugin, `src/datachannel`). No
exit code is sent, as none is in sessions of ECS (aws/session-manager-plugin#59).
"""

from __future__ import annotations

import json
import secrets
import struct
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.http.websocket import BINARY, TEXT, WRONG, Hung, WebSocket
from lab.running.sessions import messages
from lab.running.sessions.messages import Malformed, Message
from lab.running.sessions.terminal import Terminal
from lab.running.tasks.container import CannotStart

if TYPE_CHECKING:
    from lab.running.tasks.container import Container
    from lab.world.lab import Lab

AGENT = "3.3.2746.0"
# ECS developer guide, ECS Exec: a session that nothing happens in ends after 20 minutes.
IDLE = 20 * 60
SENT_AGAIN = 1.0
LOOK = 0.2
# How a client says that it can do what the agent asks for.
DONE = 1


class Session:
    """A command that waits for whoever has its token."""

    def __init__(self, lab: Lab, container: Container, command: str) -> None:
        self._lab = lab
        self._container = container
        self._command = command
        self.id = f"ecs-execute-command-{secrets.token_hex(9)}"
        self.token = secrets.token_urlsafe(96)
        self._is_taken = False
        self._socket: WebSocket | None = None
        self._terminal: Terminal | None = None
        self._size: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._sequence = 0
        self._unacknowledged: dict[int, tuple[float, bytes]] = {}
        self._expected = 0
        self._early: dict[int, Message] = {}
        self._active = lab.clock.now()
        self._is_over = threading.Event()

    def serve(self, socket: WebSocket) -> None:
        """Holds the session until it ends. A token opens one channel, once."""
        try:
            kind, text = socket.receive()
            if kind != TEXT or not self._opens(text):
                socket.close(WRONG)
                return
            self._socket = socket
            self._ask()
            threading.Thread(target=self._watch, name=f"session-{self.id}", daemon=True).start()
            while True:
                kind, frame = socket.receive()
                if kind == BINARY:
                    self._take(frame)
        except Hung:
            pass
        finally:
            self.end()

    def end(self, words: str = "") -> None:
        """Ends it, with what there is to say of that."""
        with self._lock:
            if self._is_over.is_set():
                return
            self._is_over.set()
        if self._terminal is not None:
            self._terminal.end()
        if self._socket is not None:
            try:
                self._socket.send(BINARY, messages.closed(self.id, words).encode())
            except Hung:
                return
            self._socket.close()

    def _opens(self, text: bytes) -> bool:
        try:
            asked = json.loads(text)
        except ValueError:
            return False
        is_right = isinstance(asked, dict) and asked.get("TokenValue") == self.token
        with self._lock:
            opens = is_right and not self._is_taken
            self._is_taken = self._is_taken or is_right
        return opens

    def _ask(self) -> None:
        properties = {"command": self._command, "interactive": True}
        parameters = {"SessionType": "InteractiveCommands", "Properties": properties}
        action = {"ActionType": "SessionType", "ActionParameters": parameters}
        request = {"AgentVersion": AGENT, "RequestedClientActions": [action]}
        self._send(messages.REQUEST, json.dumps(request).encode())

    def _take(self, frame: bytes) -> None:
        """Takes what the client sent; what is no message is passed over, as the agent does."""
        try:
            message = messages.decode(frame)
            if message.kind == messages.ACKNOWLEDGE:
                number = messages.content(message).get("AcknowledgedMessageSequenceNumber")
                with self._lock:
                    self._unacknowledged.pop(number if isinstance(number, int) else -1, None)
            elif message.kind == messages.INPUT:
                self._acknowledge(message)
        except Malformed:
            return

    def _acknowledge(self, message: Message) -> None:
        assert self._socket is not None
        if self._is_over.is_set():
            return
        self._socket.send(BINARY, messages.acknowledging(message).encode())
        if message.sequence >= self._expected:
            self._early[message.sequence] = message
        while (following := self._early.pop(self._expected, None)) is not None:
            self._expected += 1
            self._do(following)

    def _do(self, message: Message) -> None:
        """Does what a message wants whose turn it is."""
        self._active = self._lab.clock.now()
        if message.payload_kind == messages.RESPONSE:
            self._begin(messages.content(message))
        elif message.payload_kind == messages.SIZE:
            size = messages.content(message)
            self._size = (int(size.get("cols") or 0), int(size.get("rows") or 0))
            if self._terminal is not None:
                self._terminal.resize(*self._size)
        elif message.payload_kind == messages.FLAG:
            if message.payload == struct.pack(">I", messages.TERMINATE):
                self.end()
        elif message.payload_kind == messages.BYTES and self._terminal is not None:
            self._terminal.write(message.payload)

    def _begin(self, response: dict[str, Any]) -> None:
        """Starts the command once the client has said that it can hold such a session."""
        actions = response.get("ProcessedClientActions") or []
        if not any(it.get("ActionStatus") == DONE for it in actions) or self._terminal is not None:
            self.end("The client cannot hold such a session.")
            return
        complete = {"HandshakeTimeToComplete": 1_000_000, "CustomerMessage": ""}
        self._send(messages.COMPLETE, json.dumps(complete).encode())
        try:
            self._terminal = Terminal(self._lab.processes, self._container, self._command)
        except CannotStart as error:
            self.end(f"Unable to start command: Failed to start pty: {error}")
            return
        if self._size is not None:
            self._terminal.resize(*self._size)
        show = partial(self._lab.guard, "session", partial(self._show, self._terminal))
        threading.Thread(target=show, name=f"terminal-{self.id}", daemon=True).start()

    def _show(self, terminal: Terminal) -> None:
        """Sends what the command shows, and ends with it."""
        while shown := terminal.read():
            self._active = self._lab.clock.now()
            try:
                self._send(messages.BYTES, shown)
            except Hung:
                terminal.end()
        self.end()
        terminal.close()

    def _send(self, payload_kind: int, payload: bytes) -> None:
        assert self._socket is not None
        with self._lock:
            message = Message(messages.OUTPUT, self._sequence, payload_kind, payload)
            self._sequence += 1
            encoded = message.encode()
            self._unacknowledged[message.sequence] = (time.monotonic(), encoded)
        self._socket.send(BINARY, encoded)

    def _watch(self) -> None:
        """Sends again what was not acknowledged, and ends what nothing happens in."""
        while not self._is_over.wait(LOOK):
            if self._lab.clock.now() - self._active > IDLE:
                self.end("Session timed out due to inactivity.")
                return
            if (encoded := self._due()) and self._socket is not None:
                try:
                    self._socket.send(BINARY, encoded)
                except Hung:
                    return

    def _due(self) -> bytes:
        """The oldest message that nobody has acknowledged for too long."""
        now = time.monotonic()
        with self._lock:
            for number in sorted(self._unacknowledged)[:1]:
                since, encoded = self._unacknowledged[number]
                if now - since > SENT_AGAIN:
                    self._unacknowledged[number] = (now, encoded)
                    return encoded
        return b""
