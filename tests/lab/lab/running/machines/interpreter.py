"""Runs an execution, state by state, in a thread of its own (Amazon States Language specification)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from lab.aws.common.json_paths import look, put
from lab.aws.common.service_roles import Agent
from lab.running.machines import calls
from lab.running.machines.definition import State
from lab.running.machines.errors import Failed, Stopped, TimedOut, is_named
from lab.running.machines.machine import Execution
from lab.running.machines.templates import filled

if TYPE_CHECKING:
    from lab.world.lab import Lab

SHORTEST_WAIT = 0.02
LOOK_SECONDS = 0.05
MOST_ATTEMPTS, INTERVAL, BACKOFF = 3, 1.0, 2.0


class Interpreter:
    """One execution on its way."""

    def __init__(self, lab: Lab, run: Execution, agent: Agent) -> None:
        self._lab = lab
        self._run = run
        self._machine = run.revision.machine
        limit = self._machine.get("TimeoutSeconds")
        self._ends = lab.clock.now() + limit if limit else None
        self.caller = calls.Caller(lab, run, agent, self.look)

    def run(self) -> None:
        """From the first state to the last."""
        self._lab.guard("an execution", self._live)

    def look(self) -> None:
        """Goes on while the execution does: Stopped or TimedOut when it does not."""
        if self._run.is_over:
            raise Stopped
        if self._ends is not None and self._lab.clock.now() >= self._ends:
            raise TimedOut

    def _live(self) -> None:
        run = self._run
        self._note(
            "ExecutionStarted",
            executionStartedEventDetails={"input": run.input, "roleArn": run.revision.role},
        )
        try:
            output = self._states(json.loads(run.input))
        except Stopped:
            return
        except TimedOut:
            self._end("TIMED_OUT", error="States.Timeout")
        except Failed as failure:
            self._end("FAILED", error=failure.error, cause=failure.cause)
        else:
            self._end("SUCCEEDED", output=json.dumps(output))

    def _states(self, document: Any) -> Any:
        name: str | None = self._machine["StartAt"]
        while name is not None:
            self.look()
            if self._run.machine.status != "ACTIVE":
                self._end("ABORTED")
                raise Stopped
            state = self._machine["States"][name]
            kind = f"{state['Type']}State"
            details = {"name": name, "input": json.dumps(document)}
            self._note(f"{kind}Entered", stateEnteredEventDetails=details)
            following, document = self._state(name, state, document)
            if state["Type"] != "Fail":
                left = {"name": name, "output": json.dumps(document)}
                self._note(f"{kind}Exited", stateExitedEventDetails=left)
            name = following
        return document

    def _state(self, name: str, state: State, document: Any) -> tuple[str | None, Any]:
        """The next state, and what it gets."""
        if state["Type"] == "Fail":
            raise Failed(state.get("Error"), state.get("Cause"))
        given = self._at(state.get("InputPath", "$"), document)
        if state["Type"] == "Succeed":
            return None, self._at(state.get("OutputPath", "$"), given)
        try:
            result = self._tried(name, state, given)
        except Failed as failure:
            return self._caught(state, document, failure)
        if "ResultSelector" in state:
            result = filled(state["ResultSelector"], result, self._context(name))
        path = state.get("ResultPath", "$")
        combined = document if path is None else put(path, document, result)
        return state.get("Next"), self._at(state.get("OutputPath", "$"), combined)

    def _tried(self, name: str, state: State, given: Any) -> Any:
        """The result of a state, after as many tries as its retriers allow."""
        tries: dict[int, int] = {}
        while True:
            try:
                return self._result(name, state, given)
            except Failed as failure:
                self._wait(_next_wait(state, failure, tries))

    def _result(self, name: str, state: State, given: Any) -> Any:
        if "Parameters" in state:
            given = filled(state["Parameters"], given, self._context(name))
        if state["Type"] == "Pass":
            return state.get("Result", given)
        return self.caller.call(state, given)

    def _caught(self, state: State, document: Any, failure: Failed) -> tuple[str | None, Any]:
        for catcher in state.get("Catch") or []:
            if is_named(failure, catcher["ErrorEquals"]):
                path = catcher.get("ResultPath", "$")
                told = {"Error": failure.error, "Cause": failure.cause or ""}
                return catcher["Next"], document if path is None else put(path, document, told)
        raise failure

    def _wait(self, seconds: float) -> None:
        ends = time.monotonic() + max(seconds * self._lab.options.scale, SHORTEST_WAIT)
        while time.monotonic() < ends:
            self.look()
            time.sleep(min(LOOK_SECONDS, SHORTEST_WAIT))

    def _at(self, path: str | None, document: Any) -> Any:
        if path is None:
            return {}
        try:
            return look(path, document)
        except KeyError:
            raise Failed("States.Runtime", f"Invalid path '{path}'") from None

    def _context(self, name: str) -> dict[str, Any]:
        run = self._run
        return {
            "Execution": {
                "Id": run.arn,
                "Input": json.loads(run.input),
                "Name": run.name,
                "RoleArn": run.revision.role,
                "StartTime": f"{run.began:%Y-%m-%dT%H:%M:%S}.000Z",
            },
            "State": {"Name": name},
            "StateMachine": {"Id": run.machine.arn, "Name": run.machine.name},
        }

    def _note(self, kind: str, **details: Any) -> None:
        with self._lab.lock:
            if not self._run.is_over:
                self._run.note(kind, self._lab.clock.moment(), **details)

    def _end(self, status: str, **result: str | None) -> None:
        with self._lab.lock:
            end(self._lab, self._run, status, **result)


def end(lab: Lab, run: Execution, status: str, **result: str | None) -> None:
    """Ends an execution, unless it has ended."""
    if run.is_over:
        return
    kind = "".join(word.capitalize() for word in status.split("_"))
    details = {key: value for key, value in result.items() if value is not None}
    run.note(
        f"Execution{kind}",
        lab.clock.moment(),
        **{f"execution{kind}EventDetails": details},
    )
    run.status, run.ended = status, lab.clock.moment()
    run.output, run.error, run.cause = (result.get(key) for key in ("output", "error", "cause"))
    run.changed(run)


def _next_wait(state: State, failure: Failed, tries: dict[int, int]) -> float:
    """How long to wait before the next try; the failure itself where there is none."""
    for number, retrier in enumerate(state.get("Retry") or []):
        if not is_named(failure, retrier["ErrorEquals"]):
            continue
        tried = tries.get(number, 0)
        if tried >= retrier.get("MaxAttempts", MOST_ATTEMPTS):
            break
        tries[number] = tried + 1
        wait = (
            retrier.get("IntervalSeconds", INTERVAL) * retrier.get("BackoffRate", BACKOFF) ** tried
        )
        return float(min(wait, retrier.get("MaxDelaySeconds", wait)))
    raise failure
