"""Alarms and their history are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from lab.aws.cloudwatch.alarms import Alarm, alarms_of, history_of
from lab.aws.cloudwatch.keeping import parents_of
from lab.aws.cloudwatch.refusals import Refused, invalid
from lab.aws.cloudwatch.rules import children_of
from lab.aws.cloudwatch.series import key_of, moment, seconds
from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place

PAGE = 100
TYPES = ("MetricAlarm", "CompositeAlarm")
FILTERS = ("AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "ActionPrefix")
FAMILY = ("ChildrenOfAlarmName", "ParentsOfAlarmName")
Shown = Callable[[Alarm], dict[str, Any]]


def install(lab: Lab) -> None:
    """Patches what shows alarms."""
    _patch_alarms()
    _patch_history()


def _patch_alarms() -> None:
    @patch(CloudWatchResponse)
    def describe_alarms(self: Any) -> ActionResult:
        alarms = alarms_of(Place(self.current_account, self.region))
        family = [name for name in FAMILY if self._get_param(name)]
        if family:
            beside = [name for name in FILTERS if self._get_param(name)]
            if beside or len(family) > 1:
                raise invalid(f"{family[0]} goes with no other filter.")
            found = _family(family[0], self._get_param(family[0]), alarms)
            show: Shown = _child if family[0] == FAMILY[0] else Alarm.named
        else:
            found, show = _filtered(self, list(alarms.values())), Alarm.shown
        found = sorted(found, key=lambda alarm: alarm.name)
        shown, following = _page(self, found)
        return ActionResult(
            {
                "MetricAlarms": [show(alarm) for alarm in shown if alarm.rule is None],
                "CompositeAlarms": [show(alarm) for alarm in shown if alarm.rule is not None],
                "NextToken": following,
            }
        )

    @patch(CloudWatchResponse)
    def describe_alarms_for_metric(self: Any) -> ActionResult:
        """Those of one metric; what else is asked for has to be the same as well."""
        asked = self._get_params()
        others = ("Statistic", "ExtendedStatistic", "Period", "Unit")
        found = [
            alarm
            for alarm in alarms_of(Place(self.current_account, self.region)).values()
            if "MetricName" in alarm.settings
            and key_of(alarm.settings) == key_of(asked)
            and all(asked.get(name) in (None, alarm.settings.get(name)) for name in others)
        ]
        return ActionResult({"MetricAlarms": [alarm.shown() for alarm in found]})


def _child(alarm: Alarm) -> dict[str, Any]:
    return alarm.named() | alarm.stated()


def _family(which: str, name: str, alarms: dict[str, Alarm]) -> list[Alarm]:
    if which == "ParentsOfAlarmName":
        return parents_of(name, alarms)
    rule = alarms[name].rule if name in alarms else None
    return [alarms[child] for child in children_of(rule or "") if child in alarms]


def _filtered(response: Any, alarms: list[Alarm]) -> list[Alarm]:
    names, prefix, types, state, action = (response._get_param(name) for name in FILTERS)
    if names and prefix:
        raise invalid("AlarmNames and AlarmNamePrefix are mutually exclusive.")
    if names and len(names) > PAGE:
        raise invalid(f"AlarmNames has at most {PAGE} names.")
    types = types or TYPES[:1]

    def is_wanted(alarm: Alarm) -> bool:
        lists = ("OKActions", "AlarmActions", "InsufficientDataActions")
        actions = [it for kind in lists for it in alarm.settings.get(kind) or []]
        return (
            TYPES[alarm.rule is not None] in types
            and (not names or alarm.name in names)
            and alarm.name.startswith(prefix or "")
            and state in (None, alarm.state)
            and (not action or any(it.startswith(action) for it in actions))
        )

    return [alarm for alarm in alarms if is_wanted(alarm)]


def _page(response: Any, items: Sequence[Any]) -> tuple[list[Any], str | None]:
    wanted = response._get_int_param("MaxRecords")
    try:
        return page(items, response._get_param("NextToken"), wanted, PAGE)
    except ValueError:
        raise Refused("InvalidNextToken", "The next token is invalid.") from None


def _patch_history() -> None:
    @patch(CloudWatchResponse)
    def describe_alarm_history(self: Any) -> ActionResult:
        name, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
        types = self._get_param("AlarmTypes") or TYPES[:1]
        start = seconds(self._get_param("StartDate") or 0)
        end = seconds(self._get_param("EndDate") or 1e11)
        found = [
            item
            for item in history_of(Place(self.current_account, self.region))
            if name in (None, item["AlarmName"])
            and kind in (None, item["HistoryItemType"])
            and item["AlarmType"] in types
            and start <= item["Timestamp"] <= end
        ]
        if self._get_param("ScanBy") != "TimestampAscending":
            found.reverse()
        shown, following = _page(self, found)
        items = [{**item, "Timestamp": moment(item["Timestamp"])} for item in shown]
        return ActionResult({"AlarmHistoryItems": items, "NextToken": following})
