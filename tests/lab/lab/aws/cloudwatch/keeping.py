"""Alarms are put, set by hand, and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import EmptyResult

from lab.aws.cloudwatch.alarms import Alarm, alarms_of, note
from lab.aws.cloudwatch.checks import check_common, check_metric_alarm
from lab.aws.cloudwatch.evaluation import change
from lab.aws.cloudwatch.refusals import Refused, invalid
from lab.aws.cloudwatch.rules import BadRule, children_of, parsed
from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_backend

MOST_NAMES = 100
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
SUPPRESSION = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")

# Whether an alarm is there for a rule: the strict profile lets new ones be late.
IsSeen = Callable[[Alarm], bool]


def is_seen(alarm: Alarm) -> bool:
    """Whether composite alarms find an alarm that is there."""
    return True


is_visible: IsSeen = is_seen


def install(lab: Lab) -> None:
    """Patches what changes alarms."""
    _patch_puts(lab)
    _patch_others()
    _patch_deletes()


def _patch_puts(lab: Lab) -> None:
    @patch(CloudWatchResponse)
    def put_metric_alarm(self: Any) -> EmptyResult:
        given = dict(self._get_params())
        check_metric_alarm(given, self.region)
        _put(lab, self, given)
        return EmptyResult()

    @patch(CloudWatchResponse)
    def put_composite_alarm(self: Any) -> EmptyResult:
        given = dict(self._get_params())
        check_common(given, self.region)
        _check_composite(given, alarms_of(Place(self.current_account, self.region)))
        _put(lab, self, given)
        return EmptyResult()

    @patch(CloudWatchBackend, "put_metric_alarm")
    def put_by_aws(self: Any, **given: Any) -> Alarm:
        """Alarms that Application Auto Scaling makes, which it evaluates by itself."""
        settings = {_spelt(name): value for name, value in given.items() if value not in (None, [])}
        settings["AlarmName"] = settings.pop("Name")
        alarm = Alarm(of_backend(self), settings)
        alarm.is_followed, alarm.state = False, "OK"
        alarms_of(alarm.place)[alarm.name] = alarm
        lab.strict.made(alarm)
        return alarm


def _spelt(name: str) -> str:
    if name in ("metric_data_queries", "description"):
        return {"metric_data_queries": "Metrics", "description": "AlarmDescription"}[name]
    return "".join(word.capitalize() for word in name.split("_"))


def _put(lab: Lab, response: Any, given: Mapping[str, Any]) -> None:
    """Makes an alarm, or replaces everything of it but its state and its tags."""
    place = Place(response.current_account, response.region)
    alarms, name = alarms_of(place), str(given["AlarmName"])
    there = alarms.get(name)
    if there is None:
        alarm = alarms[name] = Alarm(place, given)
        lab.strict.made(alarm)
        if given.get("Tags"):
            response.cloudwatch_backend.tagger.tag_resource(alarm.alarm_arn, given["Tags"])
        note(alarm, "ConfigurationUpdate", f'Alarm "{name}" created', {"type": "Create"})
        return
    if (there.rule is None) != ("AlarmRule" not in given):
        raise invalid(f"An alarm of another kind is called {name}.")
    there.configure(given)
    note(there, "ConfigurationUpdate", f'Alarm "{name}" updated', {"type": "Update"})


def _check_composite(given: Mapping[str, Any], alarms: Mapping[str, Alarm]) -> None:
    rule, name = str(given.get("AlarmRule") or ""), str(given["AlarmName"])
    if not 1 <= len(rule) <= 10240:
        raise invalid("AlarmRule has 1 to 10240 characters.")
    try:
        parsed(rule)
    except BadRule as wrong:
        raise invalid(f"AlarmRule must not contain invalid expressions: {wrong}") from None
    children = sorted(children_of(rule))
    if name in children:
        raise invalid(f"The composite alarm {name} cannot depend on itself.")
    missing = [it for it in children if it not in alarms or not is_visible(alarms[it])]
    if missing:
        raise invalid(
            f"Could not save the composite alarm as alarms [{', '.join(missing)}] in the alarm "
            "rule do not exist"
        )
    given_periods = [period for period in SUPPRESSION if given.get(period) is not None]
    if bool(given.get("ActionsSuppressor")) != (len(given_periods) == len(SUPPRESSION)):
        raise invalid(f"ActionsSuppressor must be specified with {' and '.join(SUPPRESSION)}.")


def _patch_others() -> None:
    @patch(CloudWatchResponse)
    def set_alarm_state(self: Any) -> EmptyResult:
        alarms = alarms_of(Place(self.current_account, self.region))
        state, data = self._get_param("StateValue"), self._get_param("StateReasonData")
        alarm = alarms.get(self._get_param("AlarmName"))
        if state not in STATES:
            raise invalid(f"Value '{state}' at 'stateValue' is none of {', '.join(STATES)}")
        try:
            json.loads(data or "{}")
        except ValueError:
            raise Refused("InvalidFormat", "StateReasonData is no JSON") from None
        if alarm is None:
            raise Refused("ResourceNotFound", "The named alarm does not exist.")
        change(alarm, state, self._get_param("StateReason"), data, alarms)
        return EmptyResult()

    for operation, is_on in (("enable_alarm_actions", True), ("disable_alarm_actions", False)):
        _patch_switch(operation, is_on)


def _patch_switch(operation: str, is_on: bool) -> None:
    @patch(CloudWatchResponse, operation)
    def switch(self: Any) -> EmptyResult:
        alarms = alarms_of(Place(self.current_account, self.region))
        for name in _names(self):
            if name in alarms:
                alarms[name].settings["ActionsEnabled"] = is_on
        return EmptyResult()


def _names(response: Any) -> list[str]:
    names: list[str] = response._get_param("AlarmNames") or []
    if not 1 <= len(names) <= MOST_NAMES:
        raise invalid(f"AlarmNames has 1 to {MOST_NAMES} names.")
    return names


def parents_of(name: str, alarms: Mapping[str, Alarm]) -> list[Alarm]:
    """The composite alarms that depend on an alarm."""
    return [it for it in alarms.values() if it.rule and name in children_of(it.rule)]


def _patch_deletes() -> None:
    @patch(CloudWatchResponse)
    def delete_alarms(self: Any) -> EmptyResult:
        """All or nothing; names of none are passed over."""
        names = _names(self)
        alarms = alarms_of(Place(self.current_account, self.region))
        present = [alarms[name] for name in names if name in alarms]
        if sum(alarm.rule is not None for alarm in present) > 1:
            raise invalid("At most one composite alarm can be deleted in a request.")
        for alarm in present:
            if parents_of(alarm.name, alarms):
                raise invalid(
                    f"Cannot delete {alarm.name} as there are composite alarm(s) depending on it."
                )
        self.cloudwatch_backend.delete_alarms([alarm.name for alarm in present])
        return EmptyResult()

    @patch(CloudWatchBackend, "delete_alarms")
    def forget(self: Any, alarm_names: list[str]) -> None:
        alarms = alarms_of(of_backend(self))
        for name in alarm_names:
            alarm = alarms.pop(name, None)
            if alarm is not None:
                self.tagger.delete_all_tags_for_resource(alarm.alarm_arn)
                note(alarm, "ConfigurationUpdate", f'Alarm "{name}" deleted', {"type": "Delete"})
