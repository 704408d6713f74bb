"""The client ended in the midst of a call."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import REGION, RunningLab

CLIENT = f"""
import boto3, sys
ec2 = boto3.client("ec2", "{REGION}", endpoint_url=sys.argv[1], aws_access_key_id="lab",
                   aws_secret_access_key="lab")
input()
ec2.create_vpc(CidrBlock="10.0.0.0/16")
input()
"""


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1), ("replied", 1)])
def test_the_client_is_killed_before_after_or_upon_the_reply(
    lab: RunningLab, when: str, made: int
) -> None:
    command = [sys.executable, "-c", CLIENT, lab.endpoint]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as client:
        rule = {"kind": "kill", "match": "ec2:CreateVpc", "when": when, "pid": client.pid}
        lab.post("faults", rule)
        assert client.stdin is not None
        client.stdin.write("\n")
        client.stdin.flush()
        assert client.wait(20) == -9
    assert len(lab.client("ec2").describe_vpcs()["Vpcs"]) == made


@pytest.mark.parametrize(
    "rule",
    [{"kind": "kill"}, {"kind": "deny", "pid": 1}, {"kind": "fail", "when": "replied"}],
)
def test_a_kill_names_its_client_and_nothing_else_does(lab: RunningLab, rule: object) -> None:
    with pytest.raises(OSError, match="400"):
        lab.post("faults", rule)
