"""Application Auto Scaling. What is inside of a target is on the target; what it asks of other
services is asked in the caller's name ("Permissions required for API calls" in its user guide)."""

from __future__ import annotations

from collections.abc import Iterator

from moto.applicationautoscaling.models import applicationautoscaling_backends as backends

from lab.aws.authorization.table import Asked, Service, Target, Want, found, named, tagging

INSIDE = (
    "DeleteScalingPolicy",
    "DeleteScheduledAction",
    "DeregisterScalableTarget",
    "PutScalingPolicy",
    "PutScheduledAction",
    "RegisterScalableTarget",
)
ALARMS = {
    "DeleteScalingPolicy": ("DeleteAlarms",),
    "DeregisterScalableTarget": ("DeleteAlarms",),
    "PutScalingPolicy": ("PutMetricAlarm", "DeleteAlarms"),
}
READS_ALARMS = ("DescribeScalingPolicies", "PutScalingPolicy")


def _target(asked: Asked) -> Iterator[str]:
    targets = backends[asked.place.account][asked.place.region].targets
    there = targets.get(asked.text("ScalableDimension"), {}).get(asked.text("ResourceId"))
    yield there.arn if there is not None else "scalable-target/new"


def _beside(asked: Asked) -> Iterator[Want]:
    scaled = asked.text("ResourceId")
    if asked.operation == "RegisterScalableTarget":
        yield from tagging(asked, "TagResource", "scalable-target/new")
        service = asked.place.arn("ecs", scaled)
        for action in ("ecs:DescribeServices", "ecs:UpdateService"):
            yield Want(action, Target(service, {}))
    alarm = asked.place.arn("cloudwatch", f"alarm:TargetTracking-{scaled}-AlarmHigh-1")
    for action in ALARMS.get(asked.operation, ()):
        yield Want(f"cloudwatch:{action}", Target(alarm, {}))
    if asked.operation in READS_ALARMS:
        yield Want("cloudwatch:DescribeAlarms", Target("*", {}))


SERVICE = Service(
    {
        **dict.fromkeys(INSIDE, (found(_target),)),
        **dict.fromkeys(
            ("ListTagsForResource", "TagResource", "UntagResource"), (named("{}", "ResourceARN"),)
        ),
    },
    _beside,
)
