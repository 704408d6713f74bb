"""Executions of state machines: started, told of, and stopped."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse as Response

from lab.aws.common.patching import patch
from lab.aws.stepfunctions.checks import Refusal, check_name
from lab.aws.stepfunctions.requests import listed, machine_of
from lab.running.machines.interpreter import end
from lab.running.machines.machine import Execution
from lab.running.machines.roster import Machines, Refused
from lab.world.lab import Lab
from lab.world.places import of_arn, of_request


def install(lab: Lab, machines: Machines) -> None:
    """Patches the operations on executions."""
    _patch_changes(lab, machines)
    _patch_reads(machines)


def _patch_changes(lab: Lab, machines: Machines) -> None:
    @patch(Response)
    def start_execution(self: Any) -> ActionResult:
        machine, name = machine_of(self, machines), self._get_param("name")
        if name:
            check_name(name)
        try:
            run = machines.start(machine, name, self._get_param("input") or "{}")
        except Refused as error:
            raise Refusal(error.code, str(error)) from None
        return ActionResult({"executionArn": run.arn, "startDate": run.began})

    @patch(Response)
    def stop_execution(self: Any) -> ActionResult:
        run = _run(self, machines)
        cause, error = self._get_param("cause"), self._get_param("error")
        end(lab, run, "ABORTED", error=error, cause=cause)
        return ActionResult({"stopDate": run.ended})


def _patch_reads(machines: Machines) -> None:
    @patch(Response)
    def describe_execution(self: Any) -> ActionResult:
        run = _run(self, machines)
        details = {"included": True}
        shown = {
            **_summary(run),
            "input": run.input,
            "inputDetails": details,
            "output": run.output,
            "outputDetails": details if run.output is not None else None,
            "error": run.error,
            "cause": run.cause,
            "redriveCount": 0,
            "redriveStatus": "NOT_REDRIVABLE",
        }
        return ActionResult({key: value for key, value in shown.items() if value is not None})

    @patch(Response)
    def list_executions(self: Any) -> ActionResult:
        machine, wanted = machine_of(self, machines), self._get_param("statusFilter")
        found = [_summary(run) for run in machine.executions if wanted in (None, run.status)]
        return listed(self, "executions", found)

    @patch(Response)
    def get_execution_history(self: Any) -> ActionResult:
        events = list(_run(self, machines).history)
        return listed(self, "events", events[::-1] if self._get_param("reverseOrder") else events)

    @patch(Response)
    def describe_state_machine_for_execution(self: Any) -> ActionResult:
        run = _run(self, machines)
        return ActionResult(
            {
                **run.machine.settings,
                "stateMachineArn": run.machine.arn,
                "name": run.machine.name,
                "definition": run.revision.definition,
                "roleArn": run.revision.role,
                "updateDate": run.machine.created,
            }
        )


def _run(response: Any, machines: Machines) -> Execution:
    arn = str(response._get_param("executionArn"))
    run = machines.execution(arn)
    if run is None or of_arn(arn) != of_request(response):
        raise Refusal("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    return run


def _summary(run: Execution) -> dict[str, Any]:
    shown = {
        "executionArn": run.arn,
        "stateMachineArn": run.machine.arn,
        "name": run.name,
        "status": run.status,
        "startDate": run.began,
        "stopDate": run.ended,
    }
    return {key: value for key, value in shown.items() if value is not None}
