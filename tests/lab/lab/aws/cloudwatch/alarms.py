"""Alarms: what their owners asked for, in AWS's own names, their state, and their history."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from lab.aws.cloudwatch.series import moment
from lab.world.places import Place, everywhere, of_backend

NEW = "INSUFFICIENT_DATA"
ACTIONS = {
    "OK": "OKActions",
    "ALARM": "AlarmActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}
SHOWN_EMPTY: dict[str, Any] = {
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": [],
    "InsufficientDataActions": [],
}
# An alarm that changed, with the state that it had.
Changed = Callable[["Alarm", str], None]


class Alarm:
    """One alarm. `name` and `alarm_arn` are what moto calls them."""

    def __init__(self, place: Place, settings: Mapping[str, Any]) -> None:
        self.place = place
        self.name = str(settings["AlarmName"])
        self.alarm_arn = place.arn("cloudwatch", f"alarm:{self.name}")
        self.state, self.reason = NEW, "Unchecked: Initial alarm creation"
        self.reason_data: str | None = None
        self.changed = self.configured = time.time()
        self.settings: dict[str, Any] = {}
        self.seen: Any = None
        self.is_followed = True
        self.configure(settings)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Replaces everything but the state."""
        left_out = ("Tags", "AlarmName")
        self.settings = {
            name: value
            for name, value in settings.items()
            if name not in left_out and value not in (None, "")
        }
        self.configured, self.seen = time.time(), None

    @property
    def rule(self) -> str | None:
        """The rule of a composite alarm."""
        return self.settings.get("AlarmRule")

    @property
    def actions(self) -> list[str]:
        """What its state leads to; nothing while its actions are disabled."""
        is_on = self.settings.get("ActionsEnabled", True)
        return list(self.settings.get(ACTIONS[self.state]) or []) if is_on else []

    def move(self, state: str, reason: str, data: str | None) -> str:
        """Takes a state; says the one it had."""
        before, self.state = self.state, state
        self.reason, self.reason_data, self.changed = reason, data, time.time()
        return before

    def shown(self) -> dict[str, Any]:
        """As DescribeAlarms has it."""
        plain = (
            SHOWN_EMPTY
            if self.rule or self.settings.get("Metrics")
            else {
                **SHOWN_EMPTY,
                "Dimensions": [],
            }
        )
        return {
            **plain,
            **self.settings,
            **self.named(),
            "AlarmConfigurationUpdatedTimestamp": moment(self.configured),
            "StateReason": self.reason,
            "StateReasonData": self.reason_data,
            "StateTransitionedTimestamp": moment(self.changed),
            **self.stated(),
        }

    def named(self) -> dict[str, Any]:
        """Its names alone."""
        return {"AlarmName": self.name, "AlarmArn": self.alarm_arn}

    def stated(self) -> dict[str, Any]:
        """Its state alone."""
        return {"StateValue": self.state, "StateUpdatedTimestamp": moment(self.changed)}


def alarms_of(place: Place) -> dict[str, Alarm]:
    """The alarms of a place by their names, where moto keeps them."""
    alarms: Any = cloudwatch_backends[place.account][place.region].alarms
    kept: dict[str, Alarm] = alarms
    return kept


def places() -> list[Place]:
    """Where CloudWatch was ever asked for anything."""
    return [of_backend(backend) for backend in everywhere(cloudwatch_backends)]


def history_of(place: Place) -> list[dict[str, Any]]:
    """What happened to alarms, the oldest first, also to those that are gone."""
    backend = cloudwatch_backends[place.account][place.region]
    kept: list[dict[str, Any]] = vars(backend).setdefault("lab_history", [])
    return kept


def note(alarm: Alarm, kind: str, summary: str, data: Mapping[str, Any]) -> None:
    """Adds to the history."""
    history_of(alarm.place).append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "CompositeAlarm" if alarm.rule else "MetricAlarm",
            "Timestamp": time.time(),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps({"version": "1.0", **data}, default=str),
        }
    )


def move(alarm: Alarm, state: str, reason: str, data: Mapping[str, Any] | str | None) -> str | None:
    """Gives an alarm a state; says which one it had, None when it is the same.

    A reason that is another is no change of the state.
    """
    text = data if isinstance(data, str) or data is None else json.dumps(data)
    if state == alarm.state:
        return None
    old = {"stateValue": alarm.state, "stateReason": alarm.reason}
    before = alarm.move(state, reason, text)
    new = {"stateValue": state, "stateReason": reason}
    summary = f"Alarm updated from {before} to {state}"
    note(alarm, "StateUpdate", summary, {"oldState": old, "newState": new})
    return before
