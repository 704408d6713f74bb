"""All state machines of the lab, and how they are started and deleted."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.models import stepfunctions_backends as backends

from lab.aws.common.service_roles import Agent
from lab.running.machines.interpreter import Interpreter
from lab.running.machines.machine import Execution, Machine
from lab.world.places import Place, everywhere

if TYPE_CHECKING:
    from lab.world.lab import Lab

STATES = "states.amazonaws.com"
GONE_LOOK = 0.1


class Refused(Exception):
    """An execution that does not begin; the code and the text are AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Machines:
    """State machines, which lie where moto has its own."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.watchers: list[Callable[[Execution], None]] = []
        lab.resets.append(self._reset)
        lab.parts["state-machines"] = self

    def of(self, place: Place) -> list[Machine]:
        """Those of a place."""
        found: list[Any] = backends[place.account][place.region].state_machines
        return found

    def find(self, arn: str) -> Machine | None:
        """One by its ARN."""
        return next((machine for machine in _all() if machine.arn == arn), None)

    def execution(self, arn: str) -> Execution | None:
        """An execution by its ARN."""
        runs = (run for machine in _all() for run in machine.executions)
        return next((run for run in runs if run.arn == arn), None)

    def start(self, machine: Machine, name: str | None, text: str) -> Execution:
        """Begins an execution; the same name with the same input is the one that runs."""
        if machine.status != "ACTIVE":
            raise Refused(
                "StateMachineDeleting", f"State machine is being deleted: '{machine.arn}'"
            )
        try:
            json.loads(text)
        except ValueError as error:
            text = f"Invalid State Machine Execution Input: '{error}'"
            raise Refused("InvalidExecutionInput", text) from None
        name = name or str(uuid.uuid4())
        for there in machine.executions:
            if there.name == name:
                if there.input == text and not there.is_over:
                    return there
                raise Refused("ExecutionAlreadyExists", f"Execution Already Exists: '{there.arn}'")
        return self._begin(machine, name, text)

    def remove(self, machine: Machine) -> None:
        """Deletes one, which is gone once its executions are over."""
        machine.status = "DELETING"

        def look() -> None:
            if all(run.is_over for run in machine.executions):
                there = self.of(machine.place)
                there[:] = [other for other in there if other is not machine]
            else:
                self._lab.timers.after(GONE_LOOK, look)

        self._lab.timers.after("state-machine.deleting", look)

    def agent(self, machine: Machine, role: str) -> Agent:
        """Step Functions under the role of a state machine: globally named, or for its region."""
        regional = f"states.{machine.place.region}.amazonaws.com"
        plain, local = (
            Agent(role, service, machine.name, machine.arn) for service in (STATES, regional)
        )
        return local if local.is_trusted() and not plain.is_trusted() else plain

    def _begin(self, machine: Machine, name: str, text: str) -> Execution:
        revision = machine.revision
        if machine.before and self._lab.strict.is_fresh("state-machine", revision):
            revision = machine.before
        now = self._lab.clock.moment()
        run = Execution(machine.arn_of(name), machine, revision, name, text, now)
        machine.executions.insert(0, run)
        run.changed = self._changed
        run.changed(run)
        interpreter = Interpreter(self._lab, run, self.agent(machine, revision.role))
        threading.Thread(target=interpreter.run, name=f"execution-{name}", daemon=True).start()
        return run

    def _changed(self, run: Execution) -> None:
        for watcher in self.watchers:
            watcher(run)

    def _reset(self) -> None:
        """Ends what runs, before its machines are forgotten."""
        with self._lab.lock:
            for machine in _all():
                for run in machine.executions:
                    if not run.is_over:
                        run.status = "ABORTED"


def made(place: Place) -> list[Machine]:
    """The state machines of a place, where anything was asked for."""
    account, region = place
    if account not in backends or region not in backends[account].keys():
        return []
    found: list[Any] = list(backends[account][region].state_machines)
    return found


def _all() -> list[Machine]:
    return [machine for backend in everywhere(backends) for machine in backend.state_machines]
