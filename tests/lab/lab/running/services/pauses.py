"""Hooks that let a deployment wait until somebody says how it goes on.

ECS developer guide, "Pause hooks for Amazon ECS service deployments". There are no Lambda functions
here: hooks that call one succeed at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lab.running.services.settings import DeploymentConfiguration

DEFAULT_MINUTES = 1440
CONTINUE = "CONTINUE"
ROLLBACK = "ROLLBACK"
WAITS = "AWAITING_ACTION"
TIMED_OUT = "TIMED_OUT"


@dataclass
class Pause:
    """A hook that was reached."""

    id: str
    expires: datetime
    at_timeout: str
    status: str = WAITS
    # What was decided, by somebody or by the time that passed.
    action: str = ""

    def decide(self, action: str, status: str) -> None:
        """Ends it."""
        self.action, self.status = action, status

    def look(self, now: datetime) -> None:
        """Ends it where nobody has for too long."""
        if self.status == WAITS and now >= self.expires:
            self.decide(self.at_timeout, TIMED_OUT)

    def describe(self) -> dict[str, Any]:
        """As it stands among a deployment's `lifecycleHookDetails`."""
        return {
            "hookId": self.id,
            "targetType": "PAUSE",
            "status": self.status,
            "expiresAt": self.expires,
            "timeoutAction": self.at_timeout,
        }


def look(pauses: Iterable[Pause], now: datetime) -> str:
    """How a deployment goes on that has reached these: `ROLLBACK`, not yet, or by nothing held."""
    found = list(pauses)
    for pause in found:
        pause.look(now)
    if any(pause.action == ROLLBACK for pause in found):
        return ROLLBACK
    return WAITS if any(pause.status == WAITS for pause in found) else ""


def reached(configuration: DeploymentConfiguration, stage: str, now: datetime) -> Iterator[Pause]:
    """The pauses of a stage, each under an id of its own whenever it is reached."""
    for hook in configuration.get("lifecycleHooks") or []:
        if hook.get("targetType") == "PAUSE" and stage in (hook.get("lifecycleStages") or []):
            given = hook.get("timeoutConfiguration") or {}
            minutes = int(given.get("timeoutInMinutes") or DEFAULT_MINUTES)
            yield Pause(
                f"ecs-pause-{secrets.token_urlsafe(32)}",
                now + timedelta(minutes=minutes),
                given.get("action") or ROLLBACK,
            )
