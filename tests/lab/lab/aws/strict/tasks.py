"""A task just run is `MISSING` at first, and not listed."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.responses import EC2ContainerServiceResponse as Response

from lab.aws.common.patching import patch
from lab.running.tasks.roster import Tasks
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches what shows tasks."""

    def is_young(arn: str) -> bool:
        task = lab.part(Tasks).find_anywhere(arn)
        return task is not None and lab.strict.is_fresh("task", task)

    @patch(Response)
    def describe_tasks(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        young = [task["taskArn"] for task in result["tasks"] if is_young(task["taskArn"])]
        result["tasks"] = [task for task in result["tasks"] if task["taskArn"] not in young]
        result["failures"] += [{"arn": arn, "reason": "MISSING"} for arn in young]
        return answer

    @patch(Response)
    def list_tasks(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        result["taskArns"] = [arn for arn in result["taskArns"] if not is_young(arn)]
        return answer
