"""How tests watch the parts of the strict profile, one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from conftest import RunningLab, until
from stack import refused

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def switch(lab: RunningLab, *parts: str) -> None:
    """Switches parts on until the next reset."""
    lab.post("strict", dict.fromkeys(parts, True))


def eventually(call: Callable[[], Any], code: str) -> Any:
    """Expects the error first, and success a little later."""
    with refused(code):
        call()

    def attempt() -> Any:
        try:
            return call()
        except ClientError as error:
            assert error.response["Error"]["Code"] == code
            return None

    return until(attempt, f"the end of {code}", 5)


def code(call: Callable[[], Any]) -> str | None:
    """The error code of a call, if it is refused."""
    try:
        call()
    except ClientError as error:
        found: str = error.response["Error"]["Code"]
        return found
    return None
