"""All sessions of ECS Exec, and the door that they are opened at."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lab.http.websocket import WRONG, WebSocket
from lab.running.sessions.session import Session

if TYPE_CHECKING:
    from lab.running.tasks.container import Container
    from lab.world.lab import Lab

PATH = "/v1/data-channel/"


class Sessions:
    """Sessions by their ids."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._sessions: dict[str, Session] = {}
        lab.parts["sessions"] = self
        lab.resets.append(self._reset)

    def open(self, container: Container, command: str) -> dict[str, str]:
        """Makes one, as ExecuteCommand answers it; in clear text, to whoever it was that asked."""
        session = Session(self._lab, container, command)
        self._sessions[session.id] = session
        endpoint = self._lab.endpoint.replace("http", "ws", 1)
        return {
            "sessionId": session.id,
            "streamUrl": f"{endpoint}{PATH}{session.id}?role=publish_subscribe",
            "tokenValue": session.token,
        }

    def serve(self, target: str, socket: WebSocket) -> None:
        """Serves a connection that came for a session."""
        path = urlsplit(target).path
        session = self._sessions.get(path.removeprefix(PATH)) if path.startswith(PATH) else None
        if session is None:
            socket.close(WRONG)
        else:
            session.serve(socket)

    def _reset(self) -> None:
        for session in list(self._sessions.values()):
            session.end()
        self._sessions.clear()
