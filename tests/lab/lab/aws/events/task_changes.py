"""What ECS puts on the event bus whenever a task's status changes (ECS guide, "Task state change
events")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lab.aws.events.delivery import Bus
from lab.running.tasks.description import describe
from lab.running.tasks.roster import Tasks
from lab.running.tasks.task import Task
from lab.world.lab import Lab

HIDDEN = ("tags", "healthStatus", "enableExecuteCommand")


def install(lab: Lab, bus: Bus) -> None:
    """Watches all tasks."""

    def changed(task: Task) -> None:
        shown = {key: value for key, value in describe(task, False).items() if key not in HIDDEN}
        detail = _written({**shown, "updatedAt": lab.clock.moment()})
        bus.put(task.launch.place, "ECS Task State Change", "aws.ecs", task.arn, detail)

    lab.part(Tasks).watchers.append(changed)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    if isinstance(value, dict):
        return {key: _written(inner) for key, inner in value.items()}
    return [_written(inner) for inner in value] if isinstance(value, list) else value
