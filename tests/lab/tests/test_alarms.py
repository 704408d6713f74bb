"""Alarms over metrics: put, really evaluated, shown, and deleted."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import TAGS, refused

from lab.aws.cloudwatch.expressions import BadExpression, compute, names_in
from lab.aws.cloudwatch.missing import judge

METRIC: dict[str, Any] = {
    "Namespace": "Shop",
    "MetricName": "Orders",
    "Dimensions": [{"Name": "Shop", "Value": "one"}],
}
ALARM: dict[str, Any] = {
    "AlarmName": "orders",
    **METRIC,
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 5.0,
}


def put(cloudwatch: Any, value: float, **metric: Any) -> None:
    """Measures one value now."""
    asked = {**METRIC, **metric}
    datum = {key: asked[key] for key in ("MetricName", "Dimensions")} | {"Value": value}
    cloudwatch.put_metric_data(Namespace=asked["Namespace"], MetricData=[datum])


def described(cloudwatch: Any, name: str = "orders") -> dict[str, Any]:
    """A metric alarm as it is."""
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    found: dict[str, Any] = alarm
    return found


def reaches(cloudwatch: Any, state: str, value: float | None = None) -> dict[str, Any]:
    """Waits for a state, and measures a value all the time until then."""

    def look() -> Any:
        if value is not None:
            put(cloudwatch, value)
        found = described(cloudwatch)
        return found if found["StateValue"] == state else None

    found: dict[str, Any] = until(look, state, 10)
    return found


def test_an_alarm_is_put_whole_and_keeps_its_state_and_its_tags(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    more = {"AlarmDescription": "many", "TreatMissingData": "ignore", "DatapointsToAlarm": 1}
    cloudwatch.put_metric_alarm(**ALARM, **more, Tags=TAGS)
    alarm = described(cloudwatch)
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    assert alarm["StateReason"] == "Unchecked: Initial alarm creation"
    assert {name: alarm[name] for name in (*ALARM, *more)} == {**ALARM, **more}
    assert alarm["ActionsEnabled"] is True and alarm["AlarmActions"] == []
    cloudwatch.set_alarm_state(AlarmName="orders", StateValue="ALARM", StateReason="by hand")
    ignoring = {**ALARM, "Threshold": 6.0, "TreatMissingData": "ignore"}
    cloudwatch.put_metric_alarm(**ignoring, Tags=[{"Key": "other", "Value": "tag"}])
    alarm = described(cloudwatch)
    assert (alarm["StateValue"], alarm["StateReason"]) == ("ALARM", "by hand")
    assert alarm["Threshold"] == 6.0 and "AlarmDescription" not in alarm
    assert "DatapointsToAlarm" not in alarm
    arn = alarm["AlarmArn"]
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == TAGS
    cloudwatch.delete_alarms(AlarmNames=["orders", "none"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    with refused("ResourceNotFound"):
        cloudwatch.set_alarm_state(AlarmName="orders", StateValue="OK", StateReason="gone")
    cloudwatch.put_metric_alarm(**ALARM)
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


def test_an_alarm_follows_what_is_measured(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    cloudwatch.put_metric_alarm(**{**ALARM, "Statistic": "Maximum", "Period": 20})
    alarm = reaches(cloudwatch, "ALARM", 9.0)
    assert alarm["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [9.0")
    assert "was greater than the threshold (5.0)" in alarm["StateReason"]
    assert json.loads(alarm["StateReasonData"])["threshold"] == 5.0
    assert "was not greater than" in reaches(cloudwatch, "OK", 2.0)["StateReason"]
    alarm = reaches(cloudwatch, "INSUFFICIENT_DATA")
    assert alarm["StateReason"] == "Insufficient Data: 1 datapoint was unknown."
    items = cloudwatch.describe_alarm_history(AlarmName="orders", ScanBy="TimestampAscending")
    summaries = [item["HistorySummary"] for item in items["AlarmHistoryItems"]]
    assert summaries[:2] == [
        'Alarm "orders" created',
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
    ]
    assert summaries[-1] == "Alarm updated from OK to INSUFFICIENT_DATA"
    cloudwatch.set_alarm_state(AlarmName="orders", StateValue="OK", StateReason="by hand")
    reaches(cloudwatch, "INSUFFICIENT_DATA")


def test_an_alarm_follows_sums_percentiles_and_what_is_missing(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    other = {**METRIC, "MetricName": "Refunds"}
    stats = [
        {
            "Id": id,
            "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"},
            "ReturnData": False,
        }
        for id, metric in (("m1", METRIC), ("m2", other))
    ]
    rest = {key: ALARM[key] for key in ("EvaluationPeriods", "ComparisonOperator", "Threshold")}
    both = {"Id": "e1", "Expression": "m1 + m2", "Label": "both", "ReturnData": True}
    cloudwatch.put_metric_alarm(AlarmName="sum", **rest, Metrics=[both, *stats])
    plain = {key: value for key, value in ALARM.items() if key not in ("Statistic", "AlarmName")}
    cloudwatch.put_metric_alarm(**plain, AlarmName="p90", ExtendedStatistic="p90")
    cloudwatch.put_metric_alarm(**ALARM, TreatMissingData="breaching")
    silent = {"AlarmName": "silent", "MetricName": "None", "TreatMissingData": "notBreaching"}
    cloudwatch.put_metric_alarm(**{**ALARM, **silent})
    wanted = {"sum": "ALARM", "p90": "OK", "orders": "ALARM", "silent": "OK"}

    def states() -> bool:
        put(cloudwatch, 3.0)
        put(cloudwatch, 3.0, MetricName="Refunds")
        found = cloudwatch.describe_alarms()["MetricAlarms"]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found} == wanted

    until(states, "all states", 10)
    assert described(cloudwatch, "sum")["Metrics"][0] == both
    assert "no datapoints were received" in described(cloudwatch, "silent")["StateReason"]


# What CloudWatch's user guide says of the last five periods, the oldest first: 0 within the
# threshold, X beyond it, - missing; as missing, ignore, breaching, notBreaching.
O, A, I, K = "OK", "ALARM", "INSUFFICIENT_DATA", None  # noqa: E741
GUIDE = [
    (3, "0-X-X", (O, O, O, O)),
    (3, "0----", (O, O, O, O)),
    (3, "-----", (I, K, A, O)),
    (3, "0XX-X", (A, A, A, A)),
    (3, "--X--", (A, K, A, O)),
    (2, "0-X-X", (A, A, A, A)),
    (2, "00X0X", (A, A, A, A)),
    (2, "0-X--", (O, O, A, O)),
    (2, "----0", (O, O, A, O)),
    (2, "---X-", (A, K, A, O)),
]


@pytest.mark.parametrize(("enough", "periods", "states"), GUIDE)
def test_what_is_missing_is_treated_as_the_guide_says(
    enough: int, periods: str, states: tuple[str | None, ...]
) -> None:
    values = {"0": 0.0, "X": 1.0, "-": None}
    newest_first = [values[sign] for sign in reversed(periods)]
    breaching = [value > 0 for value in newest_first if value is not None]
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    found = [judge(newest_first, breaching, 3, enough, it).state for it in treatments]
    assert found == list(states)


def test_metric_math(lab: RunningLab) -> None:
    known = {"m1": {0.0: 6.0, 60.0: 4.0}, "m2": {0.0: 2.0, 120.0: 0.0}}

    def at(expression: str) -> dict[float, float]:
        return compute(expression, known, [0.0, 60.0, 120.0])

    assert at("m1+m2") == {0: 8}
    assert at("100 * m2 / (m1 + m2)") == {0: 25}
    assert at("m1/m2") == {0: 3}
    assert at("SUM([m1, m2])") == {0: 8, 60: 4, 120: 0}
    assert at("m1 + FILL(m2, 0)") == {0: 8, 60: 4}
    assert at("FILL(m1, REPEAT)") == {0: 6, 60: 4, 120: 4}
    assert at("IF(m1 > 5 && m1 < 7, 1, 0)") == {0: 1, 60: 0}
    assert at("MAX(METRICS())") == {0: 6, 60: 4, 120: 0}
    assert at("m1^2 - AVG(m1)") == {0: 31, 60: 11}
    assert names_in("SUM([m1, FILL(m2, REPEAT)])") == {"m1", "m2"}
    for wrong in ("m1 +", "__import__('os')", "m1.real", "lambda: 1"):
        with pytest.raises(BadExpression):
            names_in(wrong)
            at(wrong)


def test_metrics_of_ones_own_are_read_as_they_were_put(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    at = int(time.time()) // 60 * 60 - 600
    named = {key: METRIC[key] for key in ("MetricName", "Dimensions")}
    cloudwatch.put_metric_data(
        Namespace="Shop",
        MetricData=[
            {**named, "Timestamp": at, "Values": [1.0, 3.0], "Counts": [3, 1], "Unit": "Count"},
            {
                **named,
                "Timestamp": at + 60,
                "StatisticValues": {"SampleCount": 2, "Sum": 9, "Minimum": 4, "Maximum": 5},
            },
        ],
    )
    found = cloudwatch.get_metric_statistics(
        **METRIC, StartTime=at, EndTime=at + 120, Period=60, Statistics=["Sum", "Average"]
    )
    sums = [(it["Sum"], it["Average"], it["Unit"]) for it in found["Datapoints"]]
    assert sums == [(6.0, 1.5, "Count"), (9.0, 4.5, "None")]
    wide = cloudwatch.get_metric_statistics(
        **METRIC, StartTime=at, EndTime=at + 120, Period=60, ExtendedStatistics=["p50"]
    )
    assert wide["Datapoints"][0]["ExtendedStatistics"] == {"p50": 1.0}
    asked = {"Metric": METRIC, "Period": 60, "Stat": "Maximum"}
    queries: list[dict[str, Any]] = [
        {"Id": "m1", "MetricStat": asked, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 2"},
        {
            "Id": "m3",
            "MetricStat": {**asked, "Metric": {**METRIC, "Namespace": "Other"}},
        },
    ]
    window = {"StartTime": at, "EndTime": at + 120}
    results = cloudwatch.get_metric_data(MetricDataQueries=queries, **window)
    values = {it["Id"]: it["Values"] for it in results["MetricDataResults"]}
    assert values == {"e1": [10.0, 6.0], "m3": []}
    asked_for = {"MetricDataQueries": queries, **window, "MaxDatapoints": 1}
    first = cloudwatch.get_metric_data(**asked_for)
    parts = [(it["Id"], it["Values"], it["StatusCode"]) for it in first["MetricDataResults"]]
    assert parts == [("e1", [10.0], "PartialData"), ("m3", [], "Complete")]
    (rest,) = cloudwatch.get_metric_data(**asked_for, NextToken=first["NextToken"])[
        "MetricDataResults"
    ]
    assert (rest["Values"], rest["StatusCode"]) == ([6.0], "Complete")
    with refused("ValidationError"):
        odd = {"Id": "m1", "MetricStat": {**asked, "Period": 45}}
        cloudwatch.get_metric_data(MetricDataQueries=[odd], **window)
    (listed,) = cloudwatch.list_metrics(Namespace="Shop")["Metrics"]
    assert listed == METRIC
    with refused("InvalidParameterValue"):
        cloudwatch.put_metric_data(Namespace="AWS/ECS", MetricData=[{**named, "Value": 1.0}])
    with refused("InvalidParameterValue"):
        old = {**named, "Value": 1.0, "Timestamp": at - 15 * 86400}
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=[old])
    with refused("ValidationError"):
        cloudwatch.get_metric_data(MetricDataQueries=[{**queries[0], "Id": "M"}], **window)


BAD: list[tuple[str, dict[str, Any]]] = [
    ("ValidationError", {"Period": 45}),
    ("ValidationError", {"Period": 90}),
    ("ValidationError", {"Period": 300, "EvaluationPeriods": 289}),
    ("ValidationError", {"Period": 3600, "EvaluationPeriods": 169}),
    ("ValidationError", {"EvaluationPeriods": 2, "DatapointsToAlarm": 3}),
    ("ValidationError", {"TreatMissingData": "good"}),
    ("ValidationError", {"AlarmActions": [f"arn:aws:sns:eu-west-1::{n}" for n in range(6)]}),
    ("ValidationError", {"AlarmActions": ["topic"]}),
    ("ValidationError", {"OKActions": ["arn:aws:sns:us-west-2:123456789012:ops"]}),
    ("ValidationError", {"Metrics": []}),
    ("InvalidParameterCombination", {"ExtendedStatistic": "p90"}),
    ("InvalidParameterValue", {"Statistic": None, "ExtendedStatistic": "p900"}),
    ("ValidationError", {"Statistic": None}),
    ("ValidationError", {"ComparisonOperator": "GreaterThanUpperThreshold"}),
    ("ValidationError", {"Threshold": None}),
]


def test_what_is_no_alarm_is_refused(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch", parameter_validation=False)
    for code, change in BAD:
        wanted = {name: value for name, value in {**ALARM, **change}.items() if value is not None}
        with refused(code):
            cloudwatch.put_metric_alarm(**wanted)
    week = {"Period": 3600, "EvaluationPeriods": 168}
    cloudwatch.put_metric_alarm(**{**ALARM, **week})
    rest = {key: ALARM[key] for key in ("EvaluationPeriods", "ComparisonOperator", "Threshold")}
    with refused("ValidationError", "Unknown metric id m2"):
        queries = [{"Id": "e1", "Expression": "m2 + 1"}]
        cloudwatch.put_metric_alarm(AlarmName="x", **rest, Metrics=queries)


def test_alarms_are_found_by_name_state_and_action(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    topic = "arn:aws:sns:eu-west-1:123456789012:ops"
    for name in ("web-b", "web-a", "db"):
        asked = {**ALARM, "AlarmName": name, "Period": 3600}
        cloudwatch.put_metric_alarm(**asked, OKActions=[topic] if name == "db" else [])

    def names(**query: Any) -> list[str]:
        return [it["AlarmName"] for it in cloudwatch.describe_alarms(**query)["MetricAlarms"]]

    assert names() == ["db", "web-a", "web-b"]
    assert names(AlarmNamePrefix="web-") == ["web-a", "web-b"]
    assert names(ActionPrefix="arn:aws:sns") == ["db"]
    assert names(StateValue="ALARM") == []
    pages = cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["MetricAlarms"]) for page in pages] == [2, 1]
    assert len(cloudwatch.describe_alarms_for_metric(**METRIC)["MetricAlarms"]) == 3
    with refused("InvalidNextToken"):
        names(NextToken="?")
    elsewhere = lab.client_at(
        "cloudwatch", "eu-central-1", {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
    )
    assert elsewhere.describe_alarms()["MetricAlarms"] == []
