"""Step Functions. Executions have their state machine in their ARNs; its role is handed over."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Want, named, passing, tagging

MACHINE = (
    "CreateStateMachine",
    "DeleteStateMachine",
    "DescribeStateMachine",
    "ListExecutions",
    "StartExecution",
    "UpdateStateMachine",
)
EXECUTION = (
    "DescribeExecution",
    "DescribeStateMachineForExecution",
    "GetExecutionHistory",
    "StopExecution",
)
TAGS = ("ListTagsForResource", "TagResource", "UntagResource")


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation in ("CreateStateMachine", "UpdateStateMachine"):
        yield from passing(asked, "states.amazonaws.com", "roleArn")
    if asked.operation == "CreateStateMachine":
        yield from tagging(asked, "TagResource", f"stateMachine:{asked.text('name')}")


SERVICE = Service(
    {
        **dict.fromkeys(MACHINE, (named("stateMachine:{}", "stateMachineArn", "name"),)),
        "StartExecution": (named("{}", "stateMachineArn"),),
        **dict.fromkeys(EXECUTION, (named("{}", "executionArn"),)),
        **dict.fromkeys(TAGS, (named("{}", "resourceArn"),)),
        "ValidateStateMachineDefinition": (named("{}", otherwise="stateMachine:*"),),
    },
    _beside,
)
