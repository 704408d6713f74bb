"""Alarms that are really evaluated: over the lab's metrics, in the lab's time.

A minute is as much shorter as the scale makes AWS's waits, and a second at least, and the periods
of alarms are shorter by as much. An alarm is looked at each minute, or after each of its periods
where those are shorter, and then over periods that are over.
"""

from __future__ import annotations

import json
import operator
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from lab.aws.cloudwatch.actions import act
from lab.aws.cloudwatch.alarms import Alarm, alarms_of, move, places
from lab.aws.cloudwatch.metrics import answers, metrics_of
from lab.aws.cloudwatch.missing import MORE, Verdict, judge
from lab.aws.cloudwatch.refusals import Refused
from lab.aws.cloudwatch.rules import children_of, holds
from lab.aws.cloudwatch.series import moment
from lab.running.services.load import Loads
from lab.world.lab import Lab
from lab.world.places import Place

LOOK_SECONDS = 0.1
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
TREATED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


def install(lab: Lab) -> None:
    """Starts to look."""
    threading.Thread(target=_run, args=(lab,), name="alarms", daemon=True).start()


def _run(lab: Lab) -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        minute = lab.part(Loads).minute
        with lab.lock:
            for place in places():
                lab.guard("alarms", partial(_look, place, minute))


def _look(place: Place, minute: float) -> None:
    alarms = alarms_of(place)
    for alarm in list(alarms.values()):
        if alarm.is_followed and alarm.rule is None:
            _evaluate(alarm, minute, alarms)
    for alarm in list(alarms.values()):
        if alarm.rule is not None:
            _combine(alarm, alarms)


def change(alarm: Alarm, state: str, reason: str, data: Any, others: Mapping[str, Alarm]) -> None:
    """Gives an alarm a state, and does what follows when that is another one."""
    before = move(alarm, state, reason, data)
    if before is not None:
        act(alarm, before, others)


def _evaluate(alarm: Alarm, minute: float, others: Mapping[str, Alarm]) -> None:
    settings, now = alarm.settings, time.time()
    queries, watched, period = _queries(settings)
    length = period / 60 * minute
    look = int(now / min(length, minute))
    if alarm.seen == look:
        return
    alarm.seen, newest = look, int(now / length)
    needed = int(settings["EvaluationPeriods"])
    looked_at = range(newest - 1, newest - 1 - needed - MORE, -1)
    start, end = looked_at[-1] * length, newest * length
    try:
        found = answers(metrics_of(alarm.place), queries, start, end, minute)[watched]
    except Refused:
        found = {}
    by_number = {round(at / length): (at, value) for at, value in found.items()}
    points = [by_number.get(number) for number in looked_at]
    compare, _ = COMPARISONS[settings["ComparisonOperator"]]
    threshold = float(settings["Threshold"])
    verdict = judge(
        [point and point[1] for point in points],
        [compare(point[1], threshold) for point in points if point],
        needed,
        int(settings.get("DatapointsToAlarm", needed)),
        settings.get("TreatMissingData", "missing"),
    )
    if verdict.state is not None and verdict.state != alarm.state:
        times = [point[0] for point in points if point]
        reason = _reason(alarm, verdict, times)
        change(alarm, verdict.state, reason, _data(alarm, verdict, period), others)


def _queries(settings: Mapping[str, Any]) -> tuple[list[Any], str, int]:
    """What an alarm asks for, which of that it watches, and how long its periods are."""
    if queries := settings.get("Metrics"):
        watched = next(query["Id"] for query in queries if query.get("ReturnData", True))
        periods = [int(it["MetricStat"]["Period"]) for it in queries if "MetricStat" in it]
        return list(queries), watched, max(periods, default=60)
    asked = {
        "Metric": settings,
        "Period": settings["Period"],
        "Stat": settings.get("Statistic") or settings.get("ExtendedStatistic"),
        "Unit": settings.get("Unit"),
    }
    return [{"Id": "m1", "MetricStat": asked}], "m1", int(settings["Period"])


def _reason(alarm: Alarm, verdict: Verdict, times: list[float]) -> str:
    settings = alarm.settings
    needed = int(settings["EvaluationPeriods"])
    enough = int(settings.get("DatapointsToAlarm", needed))
    if verdict.state == "INSUFFICIENT_DATA":
        lacking = f"{verdict.missing} datapoint{'s were' if verdict.missing > 1 else ' was'}"
        return f"Insufficient Data: {lacking} unknown."
    if not verdict.points:
        periods = f"{needed} period{'s' if needed > 1 else ''}"
        treated = TREATED.get(settings.get("TreatMissingData", ""), "Missing")
        missing = (
            f"{verdict.missing} missing datapoint{'s were' if verdict.missing > 1 else ' was'}"
        )
        return (
            f"Threshold Crossed: no datapoints were received for {periods} and {missing} treated "
            f"as [{treated}]."
        )
    compare, words = COMPARISONS[settings["ComparisonOperator"]]
    threshold, is_bad = float(settings["Threshold"]), verdict.state == "ALARM"
    chosen = [
        f"{value} ({moment(at):%d/%m/%y %H:%M:%S})"
        for value, at in zip(verdict.points, times, strict=False)
        if compare(value, threshold) == is_bad
    ]
    many = enough if is_bad else needed - enough + 1
    way = "OK -> ALARM" if is_bad else "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(chosen)} out of the last {needed} datapoints "
        f"[{', '.join(chosen)}] {'were' if len(chosen) > 1 else 'was'} {'' if is_bad else 'not '}"
        f"{words} the threshold ({threshold}) (minimum {many} datapoint{'s' if many > 1 else ''} "
        f"for {way} transition)."
    )


def _data(alarm: Alarm, verdict: Verdict, period: int) -> str:
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": f"{moment(time.time()).isoformat(timespec='milliseconds')}+0000",
            "statistic": alarm.settings.get("Statistic"),
            "period": period,
            "recentDatapoints": verdict.points,
            "threshold": alarm.settings["Threshold"],
        }
    )


def _combine(alarm: Alarm, others: Mapping[str, Alarm]) -> None:
    """Evaluates a composite alarm, when the state of one of its children is another one.

    A child that is not there has no data. What somebody set by hand stays until then.
    """
    assert alarm.rule is not None
    children = sorted(children_of(alarm.rule))
    states = {name: others[name].state for name in children if name in others}
    if alarm.seen == states:
        return
    former, alarm.seen = alarm.seen or {}, states
    is_bad = holds(alarm.rule, lambda name: states.get(name, "INSUFFICIENT_DATA"))
    moved = [others[name] for name in states if former.get(name) != states[name]]
    newest = max(moved, key=lambda it: it.changed, default=alarm)
    reason = (
        f"{newest.alarm_arn} transitioned to {newest.state} at "
        f"{moment(newest.changed):%A %d %B, %Y %H:%M:%S} UTC"
    )
    change(alarm, "ALARM" if is_bad else "OK", reason, None, others)
