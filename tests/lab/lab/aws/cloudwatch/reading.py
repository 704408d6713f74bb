"""Metrics are read: GetMetricData, GetMetricStatistics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from lab.aws.cloudwatch.metrics import answers, metrics_of
from lab.aws.cloudwatch.refusals import Refused, invalid
from lab.aws.cloudwatch.series import is_statistic, key_of, moment, seconds, statistic
from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place

MOST_QUERIES, MOST_POINTS = 500, 100_800
SHORT_PERIODS = (1, 5, 10, 20, 30)
ID = re.compile(r"^[a-z][a-zA-Z0-9_]{0,254}$")
# A query's identifier, a time and a value.
Datapoint = tuple[str, float, float]


def install(lab: Lab) -> None:
    """Patches what reads metrics."""
    _patch_data()
    _patch_statistics()


def _patch_data() -> None:
    @patch(CloudWatchResponse)
    def get_metric_data(self: Any) -> ActionResult:
        queries = self._get_param("MetricDataQueries") or []
        start, end = seconds(self._get_param("StartTime")), seconds(self._get_param("EndTime"))
        _check_queries(queries, start, end)
        metrics = metrics_of(Place(self.current_account, self.region))
        found = answers(metrics, queries, start, end)
        backwards = self._get_param("ScanBy") != "TimestampAscending"
        points = [
            (query["Id"], at, found[query["Id"]][at])
            for query in queries
            if query.get("ReturnData", True)
            for at in sorted(found[query["Id"]], reverse=backwards)
        ]
        token, wanted = self._get_param("NextToken"), self._get_int_param("MaxDatapoints")
        try:
            shown, following = page(points, token, wanted, MOST_POINTS)
        except ValueError:
            raise Refused("InvalidNextToken", "The next token is invalid.") from None
        left = points[points.index(shown[-1]) + 1 :] if following else []
        results = [
            _result(query, shown, {id for id, _, _ in left})
            for query in queries
            if query.get("ReturnData", True)
        ]
        return ActionResult(
            {
                "MetricDataResults": [it for it in results if it["Values"] or token is None],
                "Messages": [],
                "NextToken": following,
            }
        )


def _patch_statistics() -> None:
    @patch(CloudWatchResponse)
    def get_metric_statistics(self: Any) -> ActionResult:
        plain = self._get_param("Statistics") or []
        extended = self._get_param("ExtendedStatistics") or []
        if not plain and not extended:
            raise Refused(
                "InvalidParameterCombination",
                "At least one of the parameters Statistics and ExtendedStatistics must be "
                "specified.",
            )
        start, end = seconds(self._get_param("StartTime")), seconds(self._get_param("EndTime"))
        if start >= end:
            raise Refused(
                "InvalidParameterValue",
                "The parameter StartTime must be less than the parameter EndTime.",
            )
        length, unit = int(self._get_param("Period")), self._get_param("Unit")
        if not _is_period(length):
            raise Refused("InvalidParameterValue", f"The parameter Period is invalid: {length}.")
        metrics = metrics_of(Place(self.current_account, self.region))
        key = key_of(self._get_params())
        periods = metrics.periods(key, start // length * length, end, length, unit)
        datapoints = []
        for at, points in sorted(periods.items()):
            values = {name: statistic(points, name) for name in plain}
            said = {name: statistic(points, name) for name in extended}
            more = {name: value for name, value in said.items() if value is not None}
            shown = {"Timestamp": moment(at), "Unit": points[-1].unit, **values}
            datapoints.append({**shown, "ExtendedStatistics": more} if more else shown)
        return ActionResult({"Label": self._get_param("MetricName"), "Datapoints": datapoints})


def _check_queries(queries: list[Any], start: float, end: float) -> None:
    if start >= end:
        same = "must not equal" if start == end else "must be less than"
        raise invalid(f"The parameter StartTime {same} parameter EndTime.")
    if len(queries) > MOST_QUERIES:
        raise invalid(f"The collection MetricDataQueries must not have more than {MOST_QUERIES}.")
    seen: set[str] = set()
    for number, query in enumerate(queries, 1):
        where = f"MetricDataQueries.member.{number}"
        if not ID.match(str(query.get("Id"))) or query["Id"] in seen:
            raise invalid(f"The value for {where}.Id is not valid or not unique.")
        seen.add(query["Id"])
        if ("MetricStat" in query) == ("Expression" in query):
            raise invalid(f"The parameter {where}.MetricStat is required.\n")
        stat = query.get("MetricStat")
        if stat and not _is_period(int(stat["Period"])):
            raise invalid(f"The value {stat['Period']} for {where}.MetricStat.Period is invalid.")
        if stat and not is_statistic(stat["Stat"]):
            raise invalid(f"The value {stat['Stat']} for {where}.MetricStat.Stat is not supported.")


def _result(query: Mapping[str, Any], shown: list[Datapoint], left: set[str]) -> dict[str, Any]:
    """What a page has of a query, some of whose points may be left for the next one."""
    mine = [(at, value) for id, at, value in shown if id == query["Id"]]
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or _label(query),
        "Timestamps": [moment(at) for at, _ in mine],
        "Values": [value for _, value in mine],
        "StatusCode": "PartialData" if query["Id"] in left else "Complete",
    }


def _is_period(length: int) -> bool:
    return length in SHORT_PERIODS or (length >= 60 and length % 60 == 0)


def _label(query: Mapping[str, Any]) -> str:
    asked = query.get("MetricStat")
    return f"{asked['Metric']['MetricName']} {asked['Stat']}" if asked else str(query["Id"])
