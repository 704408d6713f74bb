"""CloudWatch's metrics: put by whoever measures, listed, and computed with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from lab.aws.cloudwatch.expressions import BadExpression, Series, compute
from lab.aws.cloudwatch.refusals import Refused, invalid
from lab.aws.cloudwatch.series import (
    Key,
    Metrics,
    Point,
    key_of,
    seconds,
    statistic,
)
from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import ACCOUNT, Place

LIST_PAGE = 500
TWO_WEEKS, TWO_HOURS = 14 * 86400, 2 * 3600


def install(lab: Lab) -> None:
    """Patches what is put and listed."""
    _patch_writing()
    _patch_list()


def metrics_of(place: Place) -> Metrics:
    """The metrics of a place; they go when moto forgets it."""
    backend = cloudwatch_backends[place.account][place.region]
    kept: Metrics = vars(backend).setdefault("lab_metrics", Metrics())
    return kept


def measure(request: Mapping[str, Any]) -> None:
    """Puts points of one metric, in namespaces of AWS too, which take none from its customers."""
    place = Place(request.get("account", ACCOUNT), request.get("region", "eu-west-1"))
    thing = tuple(sorted((str(n), str(v)) for n, v in request["dimensions"].items()))
    unit = str(request.get("unit", "None"))
    points = [Point(at, value, value, value, 1.0, unit) for at, value in request["points"]]
    metrics_of(place).put((request["namespace"], request["name"], thing), points)


def _patch_writing() -> None:
    @patch(CloudWatchResponse)
    def put_metric_data(self: Any) -> EmptyResult:
        namespace = str(self._get_param("Namespace"))
        if namespace.startswith("AWS/"):
            raise Refused(
                "InvalidParameterValue",
                f"The value {namespace} for parameter Namespace is invalid.",
            )
        data = self._get_param("MetricData") or []
        for number, datum in enumerate(data, 1):
            self.cloudwatch_backend._validate_parameters_put_metric_data(datum, number)
            _check_time(datum, number)
        metrics = metrics_of(Place(self.current_account, self.region))
        for datum in data:
            metrics.put(key_of({**datum, "Namespace": namespace}), _points(datum))
        return EmptyResult()

    @patch(CloudWatchBackend)
    def get_all_metrics(self: Any) -> list[Any]:
        """Leaves moto nothing to look at."""
        return []


def _check_time(datum: Mapping[str, Any], number: int) -> None:
    at, now = seconds(datum.get("Timestamp") or time.time()), time.time()
    if not now - TWO_WEEKS <= at <= now + TWO_HOURS:
        raise Refused(
            "InvalidParameterValue",
            f"The parameter MetricData.member.{number}.Timestamp must specify a time within the "
            "past two weeks and no more than two hours in the future.",
        )


def _points(datum: Mapping[str, Any]) -> list[Point]:
    at, unit = seconds(datum.get("Timestamp") or time.time()), datum.get("Unit") or "None"
    if found := datum.get("StatisticValues"):
        names = ("Sum", "Minimum", "Maximum", "SampleCount")
        total, least, most, count = (float(found[name]) for name in names)
        return [Point(at, total, least, most, count, unit)]
    values = [float(value) for value in datum.get("Values") or [datum.get("Value", 0)]]
    counts = [float(count) for count in datum.get("Counts") or [1] * len(values)]
    return [
        Point(at, value * count, value, value, count, unit)
        for value, count in zip(values, counts, strict=True)
    ]


def answers(
    metrics: Metrics, queries: list[Any], start: float, end: float, minute: float = 60
) -> dict[str, Series]:
    """The points of each query, by its identifier. `minute` is how long one is."""
    found: dict[str, Series] = {}
    lengths = [int(query["MetricStat"]["Period"]) for query in queries if "MetricStat" in query]
    longest = max(lengths, default=60) / 60 * minute
    for query in queries:
        if asked := query.get("MetricStat"):
            length = int(asked["Period"]) / 60 * minute
            key, unit = key_of(asked["Metric"]), asked.get("Unit")
            periods = metrics.periods(key, start // length * length, end, length, unit)
            values = {at: statistic(points, asked["Stat"]) for at, points in periods.items()}
            found[query["Id"]] = {at: value for at, value in values.items() if value is not None}
    first = int(start // longest)
    times = [number * longest for number in range(first, int(-(-end // longest)))]
    for query in queries:
        if "MetricStat" not in query:
            try:
                found[query["Id"]] = compute(query["Expression"], found, times)
            except BadExpression as wrong:
                raise invalid(f"Error in expression '{query['Id']}': {wrong}") from None
    return found


def _patch_list() -> None:
    @patch(CloudWatchResponse)
    def list_metrics(self: Any) -> ActionResult:
        wanted = [(it["Name"], it.get("Value")) for it in self._get_param("Dimensions") or []]
        namespace, name = self._get_param("Namespace"), self._get_param("MetricName")

        def is_wanted(key: Key) -> bool:
            things = dict(key[2])
            return (
                namespace in (None, key[0])
                and name in (None, key[1])
                and all(it in things and value in (None, things[it]) for it, value in wanted)
            )

        found = [
            it
            for it in metrics_of(Place(self.current_account, self.region)).keys()
            if is_wanted(it)
        ]
        try:
            shown, following = page(found, self._get_param("NextToken"), None, LIST_PAGE)
        except ValueError:
            raise Refused(
                "InvalidParameterValue", "Request parameter NextToken is invalid"
            ) from None
        listed = [
            {
                "Namespace": key[0],
                "MetricName": key[1],
                "Dimensions": [{"Name": it, "Value": value} for it, value in key[2]],
            }
            for key in shown
        ]
        return ActionResult({"Metrics": listed, "NextToken": following})
