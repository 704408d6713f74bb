"""EventBridge Scheduler. A schedule's ARN has its group in it, and its role is handed over."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Want, found, named, passing, tagging

SCHEDULE = ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule")
GROUP = ("CreateScheduleGroup", "DeleteScheduleGroup", "GetScheduleGroup")
TAGS = ("ListTagsForResource", "TagResource", "UntagResource")


def _schedule(asked: Asked) -> Iterator[str]:
    yield f"schedule/{asked.text('GroupName') or 'default'}/{asked.text('Name')}"


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation in ("CreateSchedule", "UpdateSchedule"):
        yield from passing(asked, "scheduler.amazonaws.com", "Target.RoleArn")
    elif asked.operation == "CreateScheduleGroup":
        yield from tagging(asked, "TagResource", f"schedule-group/{asked.text('Name')}")


SERVICE = Service(
    {
        **dict.fromkeys(SCHEDULE, (found(_schedule),)),
        **dict.fromkeys(GROUP, (named("schedule-group/{}", "Name"),)),
        **dict.fromkeys(TAGS, (named("{}", "ResourceArn"),)),
    },
    _beside,
)
