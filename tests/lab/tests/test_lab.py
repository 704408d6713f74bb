"""The lab as a program: faults, counters, several at once, and what is left when it ends."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from conftest import RunningLab, until
from stack import TAGS, network, refused, tags_for


def vpcs(lab: RunningLab) -> int:
    """How many VPCs there are."""
    return len(lab.client("ec2").describe_vpcs()["Vpcs"])


def test_calls_are_counted_by_operation(lab: RunningLab) -> None:
    lab.post("reset-calls")
    ec2 = lab.client("ec2")
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    ec2.describe_vpcs()
    lab.client("ecs").list_clusters()
    with refused("ClusterNotFoundException"):
        lab.client("ecs").list_services(cluster="none")
    assert lab.get("calls") == {
        "total": 4,
        "operations": {
            "ec2:CreateVpc": 1,
            "ec2:DescribeVpcs": 1,
            "ecs:ListClusters": 1,
            "ecs:ListServices": 1,
        },
    }
    log = [json.loads(line) for line in lab.get("log").splitlines()]
    assert [entry["operation"] for entry in log] == [
        "CreateVpc",
        "DescribeVpcs",
        "ListClusters",
        "ListServices",
    ]
    assert log[3]["error"] == "ClusterNotFoundException" and log[0]["status"] == 200


def test_the_nth_call_fails_before_or_after_its_effect(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    lab.post("faults", {"kind": "fail", "match": "ec2:CreateVpc", "nth": 1})
    lab.post("faults", {"kind": "fail", "match": "ec2:CreateVpc", "nth": 2, "when": "after"})
    for expected in (0, 1):
        with refused("InternalFailure"):
            ec2.create_vpc(CidrBlock="10.0.0.0/16")
        assert vpcs(lab) == expected
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs(lab) == 2


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_a_connection_drops_before_or_after_the_effect(
    lab: RunningLab, when: str, made: int
) -> None:
    lab.post("faults", {"kind": "drop", "match": "ec2:CreateVpc", "when": when})
    with pytest.raises(ConnectionClosedError):
        lab.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs(lab) == made


def test_a_seeded_fraction_is_throttled_in_the_services_own_words(lab: RunningLab) -> None:
    def hits() -> list[bool]:
        lab.post("faults", method="DELETE")
        lab.post("faults", {"kind": "throttle", "match": "*:List*", "fraction": 0.5, "seed": 7})
        ecs, found = lab.client("ecs"), []
        for _ in range(20):
            try:
                ecs.list_clusters()
                found.append(False)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "ThrottlingException"
                found.append(True)
        return found

    first = hits()
    assert first == hits() and 4 < sum(first) < 16
    lab.post("faults", {"kind": "throttle"})
    with refused("RequestLimitExceeded"):
        lab.client("ec2").describe_vpcs()
    with refused("Throttling"):
        lab.client("elbv2").describe_load_balancers()
    with refused("ThrottledException"):
        lab.client("resourcegroupstaggingapi").get_resources()


def test_one_action_is_denied(lab: RunningLab) -> None:
    lab.post(
        "faults", [{"kind": "deny", "match": "ec2:CreateVpc"}, {"kind": "deny", "match": "ecs:*"}]
    )
    with refused("UnauthorizedOperation"):
        lab.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    with refused("AccessDeniedException"):
        lab.client("ecs").list_clusters()
    assert vpcs(lab) == 0


def test_calls_are_delayed_and_frozen(lab: RunningLab) -> None:
    lab.post("faults", {"kind": "delay", "match": "ec2:*", "milliseconds": 200})
    began = time.monotonic()
    vpcs(lab)
    assert time.monotonic() - began > 0.2
    lab.post("faults", method="DELETE")
    lab.post("faults", {"kind": "freeze", "match": "ec2:DescribeSubnets"})
    with pytest.raises(ReadTimeoutError):
        lab.client("ec2", read_timeout=0.5).describe_subnets()
    assert vpcs(lab) == 0


def test_a_frozen_call_goes_on_when_the_faults_are_removed(lab: RunningLab) -> None:
    lab.post("faults", {"kind": "freeze", "match": "ec2:CreateVpc"})
    with ThreadPoolExecutor(1) as pool:
        frozen = pool.submit(lab.client("ec2").create_vpc, CidrBlock="10.0.0.0/16")
        until(lambda: lab.get("faults")["faults"][0]["hits"] == 1, "the call")
        assert vpcs(lab) == 0 and not frozen.done()
        lab.post("faults", method="DELETE")
        assert frozen.result(10)["Vpc"]["VpcId"]


def test_a_fault_strikes_no_more_often_than_it_says(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    lab.post("faults", {"kind": "fail", "times": 2, "code": "Unavailable", "status": 503})
    for _ in range(2):
        with refused("Unavailable"):
            ec2.describe_vpcs()
    assert vpcs(lab) == 0
    assert lab.get("faults")["faults"][0]["seen"] >= 3


def test_a_bad_fault_is_refused(lab: RunningLab) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        lab.post("faults", {"kind": "nonsense"})


def test_fifty_callers_at_once(lab: RunningLab) -> None:
    clients = [lab.client("ec2") for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        made = list(
            pool.map(lambda c: c.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"], clients)
        )
    assert len(set(made)) == 50 == vpcs(lab)


@pytest.mark.slow
def test_a_thousand_resources_do_not_slow_it_down(lab: RunningLab) -> None:
    ec2, ecr = lab.client("ec2"), lab.client("ecr")
    logs, secrets = lab.client("logs"), lab.client("secretsmanager")
    vpc, _, _ = network(ec2)
    before = lab.get("inventory")["count"]

    def create_four(number: int) -> float:
        began = time.monotonic()
        ec2.create_security_group(
            VpcId=vpc,
            GroupName=f"g{number}",
            Description="x",
            TagSpecifications=tags_for("security-group"),
        )
        ecr.create_repository(repositoryName=f"web-{number}", tags=TAGS)
        logs.create_log_group(logGroupName=f"/web-{number}", tags={"stack": "test"})
        secrets.create_secret(Name=f"web-{number}", SecretString="x", Tags=TAGS)
        return time.monotonic() - began

    spent = [create_four(number) for number in range(250)]
    assert sum(spent[-25:]) < 4 * sum(spent[:25]) + 0.5
    assert lab.get("inventory")["count"] == before + 1000


def test_several_labs_run_side_by_side(start_lab: Callable[..., RunningLab]) -> None:
    first, second = start_lab(), start_lab()
    first.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    assert (vpcs(first), vpcs(second)) == (1, 0)


def test_it_starts_within_three_seconds(start_lab: Callable[..., RunningLab]) -> None:
    pid = start_lab().get("")["pid"]
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    assert ticks / os.sysconf("SC_CLK_TCK") < 3, "seconds of processor time"
