"""What Task states call: RunTask, with or without waiting for its end, and SNS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException

from lab.aws.common.service_roles import Agent, NotAllowed
from lab.policies.needs import Need
from lab.running.deliveries import topics
from lab.running.machines.definition import State, integration
from lab.running.machines.errors import Failed, Stopped, TimedOut
from lab.running.machines.machine import Execution
from lab.running.tasks.description import describe
from lab.running.tasks.requests import Requests, needs
from lab.running.tasks.task import Task

if TYPE_CHECKING:
    from lab.world.lab import Lab

LOOK_SECONDS = 0.05
STARTED_BY = "AWS Step Functions"
SYNC = ".sync"


class Caller:
    """Calls services in the name of an execution's role."""

    def __init__(self, lab: Lab, run: Execution, agent: Agent, goes_on: Callable[[], None]) -> None:
        self._lab = lab
        self._run = run
        self._agent = agent
        self._goes_on = goes_on

    def call(self, state: State, given: Any) -> Any:
        """The result of a Task state; Failed when it has none."""
        service, _, action = integration(state).partition(":")
        about = {"resourceType": service, "resource": action}
        region = self._run.machine.place.region
        scheduled = {**about, "region": region, "parameters": json.dumps(given)}
        if limit := state.get("TimeoutSeconds"):
            scheduled["timeoutInSeconds"] = limit
        self._note("TaskScheduled", scheduled)
        self._note("TaskStarted", about)
        try:
            if service == "sns":
                result = self._publish(given)
            else:
                result = self._run_task(state, given, about, action.endswith(SYNC))
        except Failed as failure:
            kind = "TaskTimedOut" if failure.error == "States.Timeout" else "TaskFailed"
            why = {"error": failure.error, "cause": failure.cause}
            self._note(kind, about | {key: value for key, value in why.items() if value})
            raise
        self._note("TaskSucceeded", {**about, "output": json.dumps(result)})
        return result

    def _run_task(self, state: State, given: Any, about: dict[str, Any], waits: bool) -> Any:
        limit = state.get("TimeoutSeconds")
        ends = self._lab.clock.now() + limit if limit else None
        tasks, failures = self._start(given)
        submitted = {"Tasks": [_shown(task) for task in tasks], "Failures": failures}
        if not waits:
            return submitted
        self._note("TaskSubmitted", {**about, "output": json.dumps(submitted)})
        if failures:
            raise Failed("States.TaskFailed", json.dumps(submitted))
        self._wait(tasks, ends)
        shown = [_shown(task) for task in tasks]
        result = shown[0] if len(shown) == 1 else shown
        if any(_has_failed(task) for task in tasks):
            raise Failed("States.TaskFailed", json.dumps(result))
        return result

    def _start(self, given: Any) -> tuple[list[Task], list[dict[str, str]]]:
        place = self._run.machine.place
        request = {"startedBy": STARTED_BY, **_lowered(given)}
        with self._lab.lock:
            self._goes_on()
            try:
                self._agent.demand(needs(place, request))
                started = self._lab.part(Requests).run(place, request)
            except NotAllowed as error:
                raise Failed("ECS.AccessDeniedException", str(error)) from None
            except ServiceException as error:
                raise Failed(f"ECS.{error.code}", error.message) from None
        failures = [{"Reason": failure["reason"]} for failure in started.failures]
        return started.tasks, failures

    def _wait(self, tasks: list[Task], ends: float | None) -> None:
        """Until all have stopped. They are stopped when their time, or the execution, is over."""
        try:
            while not all(task.is_over for task in tasks):
                self._goes_on()
                if ends is not None and self._lab.clock.now() >= ends:
                    raise Failed("States.Timeout", None)
                time.sleep(LOOK_SECONDS)
        except (Failed, Stopped, TimedOut):
            self._stop(tasks)
            raise

    def _stop(self, tasks: Iterable[Task]) -> None:
        """As the role may: without ecs:StopTask they go on."""
        with self._lab.lock:
            for task in tasks:
                try:
                    self._agent.demand([Need("ecs:StopTask", task.arn)])
                except NotAllowed:
                    continue
                task.stop("Stopped by AWS Step Functions", "UserInitiated")

    def _publish(self, given: Any) -> Any:
        arn = str(given.get("TopicArn"))
        with self._lab.lock:
            try:
                self._agent.demand([Need("sns:Publish", arn)])
            except NotAllowed as error:
                raise Failed("SNS.AuthorizationErrorException", str(error)) from None
            if topics.find(arn) is None:
                raise Failed("SNS.NotFoundException", "Topic does not exist")
            message = given.get("Message")
            text = message if isinstance(message, str) else json.dumps(message)
            return {"MessageId": topics.publish(arn, text, given.get("Subject"))}

    def _note(self, kind: str, details: dict[str, Any]) -> None:
        named = {f"{kind[0].lower()}{kind[1:]}EventDetails": details}
        with self._lab.lock:
            if not self._run.is_over:
                self._run.note(kind, self._lab.clock.moment(), **named)


def _has_failed(task: Task) -> bool:
    """Whether one of its containers ended badly, or never started."""
    codes = [container.exit_code for container in task.containers]
    return any(codes) or all(code is None for code in codes)


def _shown(task: Task) -> dict[str, Any]:
    shown: dict[str, Any] = _raised(describe(task, with_tags=True))
    return shown


def _raised(value: Any) -> Any:
    """Members as Step Functions writes them, with a capital letter."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _raised(inner) for key, inner in value.items()}
    return [_raised(inner) for inner in value] if isinstance(value, list) else value


def _lowered(value: Any) -> Any:
    """Members as ECS takes them, with a small letter."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lowered(inner) for key, inner in value.items()}
    return [_lowered(inner) for inner in value] if isinstance(value, list) else value
