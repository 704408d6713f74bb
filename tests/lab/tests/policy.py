"""Small policies, and what became of the calls that they were attached for."""

from __future__ import annotations

import json
import urllib.error
from typing import Any

import pytest
from conftest import REGION, RunningLab

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/lab"
ALL: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TAG = {"aws:RequestTag/stack": "test"}
CIDR = "10.0.0.0/16"


def allow(*actions: str, on: str | list[str] = "*", **conditions: Any) -> dict[str, Any]:
    """A statement that allows actions."""
    condition = {"Condition": conditions} if conditions else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **condition}


def deny(*actions: str, on: str | list[str] = "*", **conditions: Any) -> dict[str, Any]:
    """A statement that denies them."""
    return {**allow(*actions, on=on, **conditions), "Effect": "Deny"}


def attach(lab: RunningLab, *statements: dict[str, Any], **holder: str) -> None:
    """Attaches one policy."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    lab.post("policies", {"documents": [document], **holder})


def problem(lab: RunningLab, wanted: Any) -> str:
    """What is wrong with policies."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        lab.post("policies", wanted)
    assert caught.value.code == 400
    text: str = json.loads(caught.value.read())["error"]
    return text


def needed(lab: RunningLab, action: str) -> list[str]:
    """What an action was needed on, without what all ARNs have, by the calls that were allowed."""
    allowed = lab.get("policies")["allowed"]
    return [resource.split(":", 5)[-1] for name, resource in allowed if name == action]


def denied(lab: RunningLab) -> list[tuple[str, str]]:
    """What was denied, in the same way."""
    return [
        (entry["action"], entry["resource"].split(":", 5)[-1])
        for entry in lab.get("policies")["denied"]
    ]


def arn(service: str, resource: str, region: str = REGION) -> str:
    """An ARN of the lab's own account."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"
