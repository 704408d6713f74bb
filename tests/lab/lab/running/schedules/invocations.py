"""One coming round of a schedule: tried, tried again, and put into its dead-letter queue."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from lab.aws.common.service_roles import NotAllowed
from lab.policies.needs import Need
from lab.running.deliveries import queues
from lab.running.schedules.schedule import Schedule
from lab.running.schedules.targets import Failed, agent, start

if TYPE_CHECKING:
    from lab.world.lab import Lab

KEPT = 1000
LONGEST_WAIT = 600.0
SHORTEST_WAIT = 0.02
# Told of each number that AWS counts: the schedule and the metric's name.
Watcher = Callable[[Schedule, str], None]


@dataclass
class Invocation:
    """What became of it so far."""

    schedule: str
    scheduled: str
    attempts: int = 0
    started: list[str] = field(default_factory=list)
    error: str = ""
    is_dropped: bool = False


class Invocations:
    """Those that are under way, and the last ones that were."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._known: deque[Invocation] = deque(maxlen=KEPT)
        self.watchers: list[Watcher] = []
        lab.resets.append(self._known.clear)
        lab.parts["invocations"] = self

    def list(self) -> list[dict[str, Any]]:
        """For `GET /_lab/schedules`, oldest first."""
        return [asdict(invocation) for invocation in self._known]

    def begin(self, schedule: Schedule, moment: float) -> None:
        """Starts the target of a schedule, as it is now."""
        invocation = Invocation(schedule.arn, _written(moment))
        self._known.append(invocation)
        self._attempt(schedule, invocation, 0.0)

    def _attempt(self, schedule: Schedule, invocation: Invocation, age: float) -> None:
        invocation.attempts += 1
        self._count(schedule, "InvocationAttemptCount")
        try:
            invocation.started = start(self._lab, schedule)
            invocation.error = ""
        except Failed as failure:
            invocation.error = f"{failure.code}: {failure}"
            self._count(schedule, "TargetErrorCount")
            self._retry(schedule, invocation, age, failure)

    def _retry(
        self, schedule: Schedule, invocation: Invocation, age: float, failure: Failed
    ) -> None:
        """Waits longer each time; gives up after the retries, or the age, that are allowed."""
        wait = min(2.0 ** min(invocation.attempts, 10), LONGEST_WAIT)
        policy = schedule.target["RetryPolicy"]
        if invocation.attempts > policy["MaximumRetryAttempts"]:
            self._drop(schedule, invocation, failure, "MaximumRetryAttempts")
        elif age + wait > policy["MaximumEventAgeInSeconds"]:
            self._drop(schedule, invocation, failure, "MaximumEventAgeInSeconds")
        else:
            seconds = max(wait * self._lab.options.scale, SHORTEST_WAIT)
            again = partial(self._attempt, schedule, invocation, age + wait)
            self._lab.timers.after(seconds, again)

    def _drop(
        self, schedule: Schedule, invocation: Invocation, failure: Failed, condition: str
    ) -> None:
        invocation.is_dropped = True
        self._count(schedule, "InvocationDroppedCount")
        queue = (schedule.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        attributes = {
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": str(failure),
            "EXECUTION_ID": str(uuid.uuid4()),
            "EXHAUSTED_RETRY_CONDITION": condition,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(invocation.attempts - 1),
            "SCHEDULED_TIME": invocation.scheduled,
            "SCHEDULE_ARN": schedule.arn,
            "TARGET_ARN": schedule.target["Arn"],
        }
        try:
            agent(schedule).demand([Need("sqs:SendMessage", queue)])
        except NotAllowed as error:
            invocation.error += f"; {error}"
            return
        if queues.send(queue, schedule.target.get("Input") or "{}", attributes):
            self._count(schedule, "InvocationsSentToDeadLetterCount")

    def _count(self, schedule: Schedule, metric: str) -> None:
        for watcher in self.watchers:
            watcher(schedule, metric)


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
