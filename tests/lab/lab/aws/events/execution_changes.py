"""What Step Functions puts on the event bus whenever an execution begins or ends (Step Functions
guide, "Automating event delivery")."""

from __future__ import annotations

from datetime import datetime

from lab.aws.events.delivery import Bus
from lab.running.machines.machine import Execution
from lab.running.machines.roster import Machines
from lab.world.lab import Lab

KIND = "Step Functions Execution Status Change"


def install(lab: Lab, bus: Bus) -> None:
    """Watches all executions."""

    def changed(run: Execution) -> None:
        details = {
            "executionArn": run.arn,
            "stateMachineArn": run.machine.arn,
            "name": run.name,
            "status": run.status,
            "startDate": _milliseconds(run.began),
            "stopDate": _milliseconds(run.ended),
            "input": run.input,
            "output": run.output,
            "error": run.error,
            "cause": run.cause,
        }
        bus.put(run.machine.place, KIND, "aws.states", run.arn, details)

    lab.part(Machines).watchers.append(changed)


def _milliseconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment is not None else None
