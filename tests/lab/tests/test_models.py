"""Requests held against AWS's models."""

from __future__ import annotations

import contextlib
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import REGION, RunningLab


def unchecked(lab: RunningLab, service: str) -> Any:
    """A client that sends what it is given."""
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=lab.endpoint,
        config=config,
        aws_access_key_id="lab",
        aws_secret_access_key="lab",
    )


def put_alarm(lab: RunningLab, more: dict[str, str]) -> None:
    """Makes an alarm by query parameters, as most clients do: botocore speaks CBOR to CloudWatch."""
    fields = {
        "Action": "PutMetricAlarm",
        "Version": "2010-08-01",
        "AlarmName": "busy",
        "MetricName": "CPUUtilization",
        "Namespace": "AWS/ECS",
        "Statistic": "Average",
        "Period": "60",
        "EvaluationPeriods": "1",
        "Threshold": "80",
        "ComparisonOperator": "GreaterThanThreshold",
        **more,
    }
    scope = f"Credential=lab/20260101/{REGION}/monitoring/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}"}
    body = urllib.parse.urlencode(fields).encode()
    urllib.request.urlopen(urllib.request.Request(lab.endpoint, body, headers)).close()


def problems(lab: RunningLab) -> set[str]:
    """What the models say against the requests so far."""
    return {
        f"{entry['operation']} {entry['problem']}" for entry in lab.get("model-check")["refused"]
    }


def test_good_requests_pass(lab: RunningLab) -> None:
    ec2, ecs = lab.client("ec2"), lab.client("ecs")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    ecs.create_cluster(
        clusterName="main", settings=[{"name": "containerInsights", "value": "enabled"}]
    )
    lab.client("elbv2").describe_load_balancers()
    found = lab.get("model-check")
    assert found["checked"] == 4 and found["refused"] == []


def test_a_request_is_held_against_the_protocol_that_it_was_sent_in(lab: RunningLab) -> None:
    put_alarm(lab, {"Tags.member.1.Key": "purpose", "Tags.member.1.Value": "tests"})
    assert problems(lab) == set()
    put_alarm(lab, {"Mood": "good"})
    assert problems(lab) == {"monitoring:PutMetricAlarm Mood: not a member of the request"}


def test_what_aws_would_refuse_is_named(lab: RunningLab) -> None:
    ecs, logs = unchecked(lab, "ecs"), unchecked(lab, "logs")
    calls: list[Callable[[], Any]] = [
        lambda: ecs.create_cluster(
            clusterName="main", settings=[{"name": "insights", "value": "on"}]
        ),
        lambda: ecs.describe_services(cluster="main"),
        lambda: logs.create_log_group(logGroupName="a group"),
        lambda: logs.create_log_group(logGroupName="g" * 513),
    ]
    for call in calls:
        with contextlib.suppress(ClientError):
            call()
    found = problems(lab)
    assert "ecs:CreateCluster settings.name: 'insights' is not one of containerInsights" in found
    assert "ecs:DescribeServices services: required" in found
    assert "logs:CreateLogGroup logGroupName: 513 is more than 512" in found
    assert any("does not match" in problem for problem in found)


def test_setting_the_counters_to_nothing_forgets_no_request(lab: RunningLab) -> None:
    with contextlib.suppress(ClientError):
        unchecked(lab, "ecs").describe_services(cluster="main")
    assert problems(lab)
    before = lab.get("model-check")
    lab.post("reset-calls")
    assert lab.get("calls")["total"] == 0
    assert lab.get("model-check") == before
