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
