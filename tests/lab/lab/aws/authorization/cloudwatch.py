"""CloudWatch. Composite alarms want rights on all alarms, to be put and to be shown (API reference,
`PutCompositeAlarm`, `DescribeAlarms`); dashboards have no region.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import (
    Asked,
    Facts,
    Service,
    Target,
    Want,
    found,
    named,
    tagging,
)

NAMED = ("DeleteAlarms", "DisableAlarmActions", "EnableAlarmActions")
COMPOSITE = ("CompositeAlarm",)
FAMILY = ("ChildrenOfAlarmName", "ParentsOfAlarmName")


def _dashboard(asked: Asked, name: str) -> str:
    return f"arn:{asked.place.partition}:cloudwatch::{asked.place.account}:dashboard/{name}"


def _dashboards(asked: Asked) -> Iterator[str]:
    for path in ("DashboardName", "DashboardNames"):
        for name in asked.all(path):
            yield _dashboard(asked, name)


def _shown(asked: Asked) -> Iterator[Target]:
    """Those that are named, else all; nothing narrower than `*` where composite ones are shown."""
    is_wide = any(asked.text(name) for name in FAMILY)
    if is_wide or set(COMPOSITE) & set(asked.all("AlarmTypes")):
        return
    for name in asked.all("AlarmNames") or ["*"]:
        yield Target(asked.arn(f"alarm:{name}"), asked.tags)


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation in ("PutMetricAlarm", "PutCompositeAlarm"):
        yield from tagging(asked, "TagResource", f"alarm:{asked.text('AlarmName')}")
    if asked.operation == "PutDashboard":
        yield from tagging(asked, "TagResource", _dashboard(asked, asked.text("DashboardName")))


def _facts(asked: Asked) -> Facts:
    kinds = ("AlarmActions", "OKActions", "InsufficientDataActions")
    actions = tuple(str(it) for kind in kinds for it in asked.all(kind))
    known = {"cloudwatch:alarmactions": actions} if actions else {}
    if namespace := asked.text("Namespace"):
        known["cloudwatch:namespace"] = (namespace,)
    return known


SERVICE = Service(
    {
        **dict.fromkeys(NAMED, (named("alarm:{}", "AlarmNames"),)),
        **dict.fromkeys(("PutMetricAlarm", "SetAlarmState"), (named("alarm:{}", "AlarmName"),)),
        "DescribeAlarmHistory": (named("alarm:{}", "AlarmName", otherwise="alarm:*"),),
        "DescribeAlarms": (_shown,),
        **dict.fromkeys(
            ("DeleteDashboards", "GetDashboard", "PutDashboard"), (found(_dashboards),)
        ),
        **dict.fromkeys(
            ("ListTagsForResource", "TagResource", "UntagResource"), (named("{}", "ResourceARN"),)
        ),
    },
    _beside,
    _facts,
)
