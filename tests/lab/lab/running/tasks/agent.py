"""The agent of ECS Exec beside a task's containers: whether its role lets it be reached."""

from __future__ import annotations

from lab.aws.common.permissions import Denied, Reader

# ECS developer guide, ECS Exec, "Permissions required for ECS Exec".
NEEDS = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


def may_connect(role: str | None, task: str) -> bool:
    """Whether the agent of a task may open its channels. A task without a role is not judged."""
    reader = Reader(role, task)
    try:
        for action in NEEDS:
            reader.demand(action, "*")
    except Denied:
        return False
    return True
