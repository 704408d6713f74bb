"""What AWS itself measures of load balancers, databases, caches and queues."""

from __future__ import annotations

import shutil
import socket
import time
import urllib.error
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import network
from test_database import instance
from test_services import Web

from lab.aws.cloudwatch.of_balancers import of_requests
from lab.running.balancers.traffic import Passage
from lab.world.places import Place


def read(
    lab: RunningLab, namespace: str, name: str, whose: dict[str, str], stat: str = "Maximum"
) -> float | None:
    """A statistic of a metric over the last minutes."""
    now = int(time.time())
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in whose.items()],
    }
    asked = {"Metric": metric, "Period": 3600, "Stat": stat}
    (found,) = lab.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": asked}], StartTime=now - 600, EndTime=now + 60
    )["MetricDataResults"]
    return max(found["Values"], default=None)


def test_a_load_balancer_counts_its_requests_and_an_alarm_sees_them(lab: RunningLab) -> None:
    web = Web(lab)
    web.registry.push("web", "1")

    def fails() -> int:
        try:
            web.get()
        except urllib.error.HTTPError as error:
            return error.code
        return 0

    until(lambda: fails() == 503, "a load balancer without targets")
    balancer = web.balancer.partition(":loadbalancer/")[2]
    whole = {"LoadBalancer": balancer}
    both = {**whole, "TargetGroup": web.targets.rsplit(":", 1)[-1]}

    def value(name: str, whose: dict[str, str], stat: str = "Maximum") -> float | None:
        return read(lab, "AWS/ApplicationELB", name, whose, stat)

    lab.client("cloudwatch").put_metric_alarm(
        AlarmName="failures",
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_ELB_5XX_Count",
        Dimensions=[{"Name": "LoadBalancer", "Value": balancer}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        TreatMissingData="notBreaching",
    )
    until(
        lambda: fails() and value("HTTPCode_ELB_5XX_Count", whole), "a failure that is counted", 9
    )
    alarms = lab.client("cloudwatch").describe_alarms
    until(lambda: alarms()["MetricAlarms"][0]["StateValue"] == "ALARM", "an alarm", 9)
    assert value("RequestCount", whole, "Sum") == 0, "no target was chosen"
    web.create(web.definition())
    web.rollout()
    for _ in range(6):
        web.get()
    until(lambda: value("RequestCount", whole, "Sum") == 6, "the requests", 9)
    assert value("RequestCount", both, "Sum") == 6
    assert value("HTTPCode_Target_2XX_Count", both, "Sum") == 6
    assert value("HTTPCode_Target_5XX_Count", both) is None
    assert 0 < (value("TargetResponseTime", whole, "p90") or 0) < 1
    assert value("HealthyHostCount", both) == 1
    assert value("UnHealthyHostCount", both, "Minimum") == 0
    group = {"TargetGroup": both["TargetGroup"]}
    until(lambda: value("RequestCountPerTarget", group, "Sum") == 6, "requests a target", 9)


def test_answers_are_counted_by_who_gave_them() -> None:
    listener, place = "arn:aws:elb:eu-west-1:1:listener/app/edge/1/2", Place("1", "eu-west-1")
    passages = [
        Passage(listener, "web", 200, 0.5),
        Passage(listener, "web", 500, 0.25),
        Passage(listener, "web", 502),
        Passage(listener, None, 503),
        Passage(listener, "web", 0),
    ]
    found = {name: values for _, _, name, _, values, _ in of_requests(place, {}, passages)}
    assert found == {
        "RequestCount": [4],
        "HTTPCode_Target_2XX_Count": [1],
        "HTTPCode_Target_5XX_Count": [1],
        "TargetResponseTime": [0.5, 0.25],
    }
    assert passages[0].balancer == "arn:aws:elb:eu-west-1:1:loadbalancer/app/edge/1"


@pytest.mark.skipif(not shutil.which("postgres"), reason="PostgreSQL is not on the path")
def test_a_database_is_measured(lab: RunningLab) -> None:
    found = instance(lab)
    place = (found["Endpoint"]["Address"], found["Endpoint"]["Port"])
    whose = {"DBInstanceIdentifier": "main"}

    def value(name: str, stat: str = "Maximum") -> float | None:
        return read(lab, "AWS/RDS", name, whose, stat)

    with socket.create_connection(place):
        until(lambda: value("DatabaseConnections") == 1, "a connection", 9)
    until(lambda: value("CPUUtilization") is not None, "a load", 9)
    free = value("FreeStorageSpace") or 0
    assert 19 * 1024**3 < free < 20 * 1024**3


@pytest.mark.skipif(not shutil.which("redis-server"), reason="Redis is not on this machine")
def test_a_cache_is_measured(lab: RunningLab) -> None:
    cache: Any = lab.client("elasticache")
    _, subnets, group = network(lab.client("ec2"))
    cache.create_cache_subnet_group(
        CacheSubnetGroupName="data", CacheSubnetGroupDescription="data", SubnetIds=subnets
    )
    cache.create_replication_group(
        ReplicationGroupId="sessions",
        ReplicationGroupDescription="sessions",
        Engine="redis",
        CacheNodeType="cache.t4g.micro",
        CacheSubnetGroupName="data",
        SecurityGroupIds=[group],
    )
    whose = {"CacheClusterId": "sessions-001"}

    def value(name: str) -> float | None:
        return read(lab, "AWS/ElastiCache", name, whose)

    until(lambda: value("EngineCPUUtilization") is not None, "a load", 9)
    assert value("CurrConnections") == 0
    assert 0 < (value("DatabaseMemoryUsagePercentage") or 0) < 100


def test_what_waits_in_a_queue_is_counted_and_grows_old(lab: RunningLab) -> None:
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    for body in ("one", "two"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1

    def value(name: str) -> float | None:
        return read(lab, "AWS/SQS", name, {"QueueName": "jobs"})

    until(lambda: value("ApproximateNumberOfMessagesVisible") == 1, "one that waits")
    assert value("ApproximateNumberOfMessagesNotVisible") == 1
    until(lambda: (value("ApproximateAgeOfOldestMessage") or 0) > 30, "an old one")
