"""Application Auto Scaling over services that run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import RunningLab, until
from stack import refused
from test_services import Web

TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/main/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.fixture
def web(lab: RunningLab) -> Web:
    """A running service of one task."""
    made = Web(lab)
    made.registry.push("web", "1")
    made.create(made.definition())
    made.rollout()
    return made


def test_registering_a_target_moves_the_count_into_its_bounds(web: Web) -> None:
    scaling = web.lab.client("application-autoscaling")
    with refused("ValidationException"):
        scaling.register_scalable_target(
            **{**TARGET, "ResourceId": "service/main/none"}, MinCapacity=1, MaxCapacity=2
        )
    arn = scaling.register_scalable_target(
        **TARGET, MinCapacity=2, MaxCapacity=4, Tags={"stack": "test"}
    )
    until(lambda: web.describe()["runningCount"] == 2, "two tasks")
    arn = arn["ScalableTargetARN"]
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"stack": "test"}
    activity = scaling.describe_scaling_activities(ServiceNamespace="ecs")["ScalingActivities"][0]
    assert activity["Description"] == "Setting desired count to 2."
    scaling.put_scaling_policy(
        **TARGET,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
        },
    )
    assert (
        len(
            scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"][0][
                "Alarms"
            ]
        )
        == 2
    )
    scaling.deregister_scalable_target(**TARGET)
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []
    assert web.lab.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_a_count_above_the_maximum_comes_down(web: Web) -> None:
    web.ecs.update_service(cluster="main", service="web", desiredCount=3)
    until(lambda: web.describe()["runningCount"] == 3, "three tasks")
    scaling = web.lab.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=2)
    assert web.describe()["desiredCount"] == 2
    until(lambda: web.describe()["runningCount"] == 2, "two tasks")
    scaling.register_scalable_target(**TARGET, MaxCapacity=1)
    assert web.describe()["desiredCount"] == 1
    scaling.register_scalable_target(**TARGET, MaxCapacity=5)
    assert web.describe()["desiredCount"] == 1


def test_what_is_not_there_or_there_already_is_said_as_aws_says_it(web: Web) -> None:
    scaling = web.lab.client("application-autoscaling")
    tracking = {
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
        },
    }
    with refused("ObjectNotFoundException"):
        scaling.put_scaling_policy(**TARGET, **tracking)
    with refused("ObjectNotFoundException"):
        scaling.deregister_scalable_target(**TARGET)
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4, Tags={"a": "b"})
    with refused("ValidationException"):
        scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4, Tags={"a": "b"})
    arn = scaling.put_scaling_policy(**TARGET, **tracking)["PolicyARN"]
    assert scaling.put_scaling_policy(**TARGET, **tracking)["PolicyARN"] == arn
    alarms = web.lab.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == 2, "those of the policy as it was are gone"
    assert {alarm["StateValue"] for alarm in alarms} == {"OK"}
    with refused("ValidationException"):
        scaling.put_scaling_policy(**TARGET, PolicyName="cpu", PolicyType="StepScaling")
    with refused("ObjectNotFoundException"):
        scaling.delete_scheduled_action(**TARGET, ScheduledActionName="none")


def test_a_young_target_is_not_seen(web: Web) -> None:
    scaling = web.lab.client("application-autoscaling")
    web.lab.post("strict", {"scalable-target": True})
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
    described = {"ServiceNamespace": "ecs", "ResourceIds": [TARGET["ResourceId"]]}
    assert scaling.describe_scalable_targets(**described)["ScalableTargets"] == []
    late = {"ScheduledActionName": "late", "Schedule": "rate(1 day)"}
    with refused("ObjectNotFoundException"):
        scaling.put_scheduled_action(**TARGET, **late, ScalableTargetAction={"MinCapacity": 1})
    until(lambda: scaling.describe_scalable_targets(**described)["ScalableTargets"], "a target")
    scaling.put_scheduled_action(**TARGET, **late, ScalableTargetAction={"MinCapacity": 1})


def test_a_target_goes_with_its_service(web: Web) -> None:
    scaling = web.lab.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
    web.ecs.delete_service(cluster="main", service="web", force=True)
    described = {"ServiceNamespace": "ecs"}
    until(
        lambda: scaling.describe_scalable_targets(**described)["ScalableTargets"] == [],
        "no target",
    )


def test_a_load_brings_tasks_and_takes_them_away(web: Web) -> None:
    scaling = web.lab.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=3)
    balancer = web.balancer.partition(":loadbalancer/")[2]
    group = web.targets.partition(":targetgroup/")[2]
    scaling.put_scaling_policy(
        **TARGET,
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 5.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ALBRequestCountPerTarget",
                "ResourceLabel": f"{balancer}/targetgroup/{group}",
            },
            "ScaleOutCooldown": 0,
            "ScaleInCooldown": 0,
        },
    )

    def many() -> bool:
        for _ in range(20):
            web.get()
        return bool(web.describe()["runningCount"] == 3)

    until(many, "three tasks")
    until(lambda: web.describe()["runningCount"] == 1, "one task again")
    causes = [
        activity["Cause"]
        for activity in scaling.describe_scaling_activities(ServiceNamespace="ecs")[
            "ScalingActivities"
        ]
    ]
    assert "AlarmLow" in causes[0] and "AlarmHigh" in causes[-1]
    measured = web.lab.client("cloudwatch").list_metrics(Namespace="AWS/ECS")["Metrics"]
    assert {it["MetricName"] for it in measured} == {"CPUUtilization", "MemoryUtilization"}


def test_a_scheduled_action_runs(web: Web) -> None:
    scaling = web.lab.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    scaling.put_scheduled_action(
        **TARGET,
        ScheduledActionName="morning",
        Schedule=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": 3},
    )
    until(lambda: web.describe()["runningCount"] == 3, "three tasks")
    with refused("ValidationException"):
        scaling.put_scheduled_action(**TARGET, ScheduledActionName="x", Schedule="each day")


def test_a_number_computed_of_two_metrics_brings_tasks(web: Web) -> None:
    sqs, scaling = web.lab.client("sqs"), web.lab.client("application-autoscaling")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)

    def stat(name: str, namespace: str, metric: str, kind: str, **whose: str) -> dict[str, object]:
        dimensions = [{"Name": key, "Value": value} for key, value in whose.items()]
        named = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
        return {"Id": name, "ReturnData": False, "MetricStat": {"Metric": named, "Stat": kind}}

    messages = stat("m", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Sum", QueueName="jobs")
    tasks = stat(
        "t", "AWS/ECS", "CPUUtilization", "SampleCount", ClusterName="main", ServiceName="web"
    )

    def follow(expression: str) -> None:
        divided = {"Id": "each", "Expression": expression, "ReturnData": True}
        tracking = {"Metrics": [messages, tasks, divided]}
        scaling.put_scaling_policy(
            **TARGET,
            PolicyName="backlog",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 2.0,
                "ScaleOutCooldown": 1,
                "CustomizedMetricSpecification": tracking,
            },
        )

    with refused("ValidationException", "Unknown metrics: other"):
        follow("m / other")
    follow("m / t")
    for number in range(6):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    until(lambda: web.describe()["runningCount"] == 3, "two messages for each of three tasks", 30)
