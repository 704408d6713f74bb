"""ECS Exec: a session as AWS's own client holds it, and a command on a terminal in the container."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import RunningLab
from jobs import role_for
from stack import refused
from test_services import Web

from lab.running.sessions import messages
from lab.running.sessions.messages import Message

BINARY, CLOSE = 2, 8
CTRL_C = b"\x03"


class Closed(Exception):
    """The other side has hung up."""


class Client:
    """One connection to a session."""

    def __init__(self, session: dict[str, str], token: str = "") -> None:
        url = urlsplit(session["streamUrl"])
        host, port = str(url.hostname), int(url.port or 0)
        self._socket = socket.create_connection((host, port), 10)
        key = base64.b64encode(os.urandom(16)).decode()
        asked = (
            f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        self._socket.sendall(asked.encode())
        self._reader = self._socket.makefile("rb")
        assert b" 101 " in self._reader.readline()
        while self._reader.readline().strip():
            pass
        self.sequence, self.expected, self.shown, self.words = 0, 0, b"", ""
        opening = {
            "MessageSchemaVersion": "1.0",
            "RequestId": "1",
            "TokenValue": token or session["tokenValue"],
            "ClientId": "2",
            "ClientVersion": "1.2.0.0",
        }
        self._frame(1, json.dumps(opening).encode())

    def _frame(self, kind: int, payload: bytes) -> None:
        mask = os.urandom(4)
        length = len(payload)
        head = bytes([0x80 | kind, 0x80 | min(length, 126)])
        head += struct.pack(">H", length) if length > 125 else b""
        self._socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def receive(self) -> Message:
        """The next message."""
        head = self._reader.read(2)
        if len(head) < 2 or head[0] & 15 == CLOSE:
            raise Closed
        (length,) = struct.unpack(">H", self._reader.read(2)) if head[1] == 126 else (head[1],)
        return messages.decode(self._reader.read(length))

    def send(self, kind: int, payload: bytes, sequence: int | None = None) -> None:
        """Sends one message of the input."""
        number = self.sequence if sequence is None else sequence
        self._frame(BINARY, Message(messages.INPUT, number, kind, payload).encode())
        self.sequence += sequence is None

    def type(self, text: bytes) -> None:
        """Types at the terminal."""
        self.send(messages.BYTES, text)

    def agree(self) -> dict[str, Any]:
        """Goes through the handshake; says what the agent asked for."""
        request = self.receive()
        assert (request.kind, request.payload_kind) == (messages.OUTPUT, messages.REQUEST)
        self.acknowledge(request)
        asked = messages.content(request)["RequestedClientActions"]
        done = [{"ActionType": it["ActionType"], "ActionStatus": 1, "Error": ""} for it in asked]
        response = {"ClientVersion": "1.2.0.0", "ProcessedClientActions": done, "Errors": []}
        self.send(messages.RESPONSE, json.dumps(response).encode())
        assert self.receive().kind == messages.ACKNOWLEDGE
        complete = self.receive()
        assert (complete.sequence, complete.payload_kind) == (1, messages.COMPLETE)
        self.acknowledge(complete)
        self.expected = 2
        action: dict[str, Any] = asked[0]
        return action

    def acknowledge(self, message: Message) -> None:
        """Says that one has arrived."""
        self._frame(BINARY, messages.acknowledging(message).encode())

    def until(self, text: bytes) -> None:
        """Reads until this is shown."""
        while text not in self.shown:
            self.take()

    def take(self) -> None:
        """Takes one message."""
        message = self.receive()
        if message.kind == messages.OUTPUT:
            self.acknowledge(message)
            if message.sequence == self.expected:
                self.shown += message.payload
                self.expected += 1
        elif message.kind == messages.CLOSED:
            self.words = messages.content(message)["Output"]
            raise Closed

    def end(self) -> str:
        """Reads until it ends; what is said of that."""
        with pytest.raises(Closed):
            while True:
                self.take()
        return self.words


@pytest.fixture
def web(lab: RunningLab) -> Iterator[Web]:
    """A service whose tasks can be entered."""
    made = Web(lab)
    made.registry.push("web", "1")
    made.create(made.definition(environment={"NAME": "one"}), enableExecuteCommand=True)
    made.rollout()
    yield made


def test_an_agent_whose_role_lets_it_open_no_channel_is_not_reached(lab: RunningLab) -> None:
    web = Web(lab)
    web.registry.push("web", "1")
    role = role_for(lab, "ecs-tasks.amazonaws.com", name="app")
    web.create(web.definition(role=role), enableExecuteCommand=True)
    web.rollout()
    with refused("TargetNotConnectedException"):
        enter(web, "sh")


def enter(web: Web, command: str) -> dict[str, str]:
    """Asks for a session."""
    (task,) = web.ecs.list_tasks(cluster="main")["taskArns"]
    answer = web.ecs.execute_command(cluster="main", task=task, command=command, interactive=True)
    session: dict[str, str] = answer["session"]
    return session


def test_a_command_runs_on_a_terminal_of_the_container_until_it_ends(web: Web) -> None:
    session = enter(web, "/app talk")
    client = Client(session)
    assert client.agree()["ActionParameters"]["SessionType"] == "InteractiveCommands"
    client.until(b"one as 0 in /\r\n" if os.geteuid() == 0 else b"one as ")
    client.send(messages.SIZE, json.dumps({"cols": 100, "rows": 30}).encode())
    # What comes early waits, and what comes twice is done once.
    first = client.sequence
    client.send(messages.BYTES, b"llo\r", sequence=first + 1)
    for _ in range(2):
        client.send(messages.BYTES, b"he", sequence=first)
    client.sequence += 2
    client.until(b"100x30 heard hello\r\n")
    assert client.shown.count(b"heard") == 1
    client.type(b"bye\r")
    assert client.end() == "" and client.shown.endswith(b"good-bye\r\n")
    # A token is good for one channel.
    with pytest.raises(Closed):
        Client(session).receive()


def test_what_is_not_acknowledged_is_sent_again(web: Web) -> None:
    client = Client(enter(web, "/app talk"))
    request = client.receive()
    assert client.receive() == request
    with pytest.raises(Closed):
        Client(enter(web, "/app talk"), token="wrong").receive()


def test_control_c_reaches_the_command_and_the_container_stays(web: Web) -> None:
    client = Client(enter(web, "/app talk"))
    client.agree()
    client.until(b"one as")
    client.type(CTRL_C)
    client.end()
    assert b"good-bye" not in client.shown and web.get().startswith("one")


def test_what_cannot_start_is_said_and_who_does_nothing_is_sent_away(web: Web) -> None:
    client = Client(enter(web, "bash"))
    client.agree()
    assert 'exec: "bash": executable file not found in $PATH' in client.end()
    idle = Client(enter(web, "/app talk"))
    idle.agree()
    idle.until(b"one as")
    web.lab.post("clock", {"advance": 1201})
    assert "inactivity" in idle.end()


def test_a_session_ends_with_its_task_or_when_its_client_wants(web: Web) -> None:
    client, other = Client(enter(web, "/app talk")), Client(enter(web, "/app talk"))
    for each in (client, other):
        each.agree()
        each.until(b"one as")
    client.send(messages.FLAG, struct.pack(">I", messages.TERMINATE))
    client.end()
    (task,) = web.ecs.list_tasks(cluster="main")["taskArns"]
    web.ecs.stop_task(cluster="main", task=task)
    other.end()
    with refused("InvalidParameterException"):
        web.ecs.execute_command(cluster="main", task=task, command="sh", interactive=True)
