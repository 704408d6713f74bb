"""A state machine and its executions, as Step Functions keeps them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.running.machines.definition import State, read
from lab.world.places import Place

OWNED_KEY = {"type": "AWS_OWNED_KEY"}
NOT_LOGGED = {"level": "OFF", "includeExecutionData": False}


@dataclass(eq=False)
class Revision:
    """What an execution runs, and under which role."""

    definition: str
    role: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def machine(self) -> State:
        """The definition, read."""
        return read(self.definition)


@dataclass(eq=False)
class Execution:
    """One run through a state machine."""

    arn: str
    machine: Machine
    revision: Revision
    name: str
    input: str
    began: datetime
    status: str = "RUNNING"
    ended: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    # Told whenever its status changes.
    changed: Callable[[Execution], None] = lambda run: None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status != "RUNNING"

    def note(self, kind: str, now: datetime, **details: Any) -> None:
        """Adds an event to its history."""
        number = len(self.history) + 1
        event = {"timestamp": now, "type": kind, "id": number, "previousEventId": number - 1}
        self.history.append(event | details)


@dataclass(eq=False)
class Machine:
    """A state machine, its present revision, and the one before."""

    place: Place
    name: str
    revision: Revision
    created: datetime
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "ACTIVE"
    before: Revision | None = None
    executions: list[Execution] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.place.arn("states", f"stateMachine:{self.name}")

    def arn_of(self, execution: str) -> str:
        """The ARN of an execution by its name."""
        return self.place.arn("states", f"execution:{self.name}:{execution}")

    def update(self, definition: str | None, role: str | None) -> None:
        """Begins a new revision; what runs goes on as it is."""
        self.before = self.revision
        self.revision = Revision(definition or self.before.definition, role or self.before.role)


def settings_of(request: dict[str, Any]) -> dict[str, Any]:
    """What a request says beside definition and role, with AWS's defaults."""
    return {
        "loggingConfiguration": request.get("loggingConfiguration") or NOT_LOGGED,
        "tracingConfiguration": request.get("tracingConfiguration") or {"enabled": False},
        "encryptionConfiguration": request.get("encryptionConfiguration") or OWNED_KEY,
    }
