"""What CloudWatch refuses in an alarm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.aws.cloudwatch.expressions import BadExpression, names_in
from lab.aws.cloudwatch.refusals import Refused, invalid
from lab.aws.cloudwatch.series import STATISTICS, is_statistic
from lab.world.places import of_arn

SHORT_PERIODS = (10, 20, 30)
DAY, HOUR = 86400, 3600
MOST_ACTIONS, MOST_DIMENSIONS, MOST_QUERIES = 5, 30, 20
STATIC = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
)
TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
# What stands in the queries where there are some.
OF_ONE_METRIC = (
    "Namespace",
    "MetricName",
    "Dimensions",
    "Period",
    "Unit",
    "Statistic",
    "ExtendedStatistic",
)


def check_metric_alarm(given: Mapping[str, Any], region: str) -> None:
    """Refuses what is no metric alarm."""
    check_common(given, region)
    if "EvaluationCriteria" in given:
        raise invalid("The lab knows no alarms with EvaluationCriteria.")
    for name in ("ComparisonOperator", "EvaluationPeriods"):
        if given.get(name) is None:
            raise invalid(f"The parameter {name} is required.")
    _check_operator(given)
    _check_words(given)
    many, enough = int(given["EvaluationPeriods"]), given.get("DatapointsToAlarm")
    if many < 1 or (enough is not None and not 1 <= int(enough) <= many):
        raise invalid(
            "The parameter DatapointsToAlarm must be at least 1 and at most EvaluationPeriods."
        )
    if "Metrics" in given:
        _check_queries(given, many)
    else:
        _check_metric(given, many)


def check_common(given: Mapping[str, Any], region: str) -> None:
    """Refuses what no alarm may have."""
    name = str(given.get("AlarmName") or "")
    if not 1 <= len(name) <= 255:
        raise invalid("An alarm's name has 1 to 255 characters.")
    if len(str(given.get("AlarmDescription") or "")) > 1024:
        raise invalid("A description of an alarm has at most 1024 characters.")
    for kind in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        actions = given.get(kind) or []
        if len(actions) > MOST_ACTIONS:
            raise invalid(
                f"The collection {kind} must not have a size greater than {MOST_ACTIONS}."
            )
        for action in actions:
            if not str(action).startswith("arn:") or str(action).count(":") < 5:
                raise invalid(f"Invalid arn syntax: {action}")
            if ":sns:" in action and of_arn(action).region != region:
                raise invalid(
                    f"Invalid region {of_arn(action).region} specified. Only {region} is supported."
                )


def _check_operator(given: Mapping[str, Any]) -> None:
    if given["ComparisonOperator"] not in STATIC:
        raise invalid("The lab knows no alarms on bands of anomalies.")
    if given.get("Threshold") is None:
        raise invalid("The parameter Threshold is required.")
    if given.get("ThresholdMetricId"):
        raise invalid("ThresholdMetricId and Threshold are mutually exclusive.")


def _check_words(given: Mapping[str, Any]) -> None:
    treatment = given.get("TreatMissingData")
    if treatment is not None and treatment not in TREATMENTS:
        raise invalid(
            f"Option {treatment} is not supported. Supported options for parameter "
            f"TreatMissingData are {', '.join(TREATMENTS)}."
        )
    samples = given.get("EvaluateLowSampleCountPercentile")
    if samples is not None and samples not in ("evaluate", "ignore"):
        raise invalid(
            f"Option {samples} is not supported. Supported options for parameter "
            "EvaluateLowSampleCountPercentile are evaluate and ignore."
        )


def _check_metric(given: Mapping[str, Any], many: int) -> None:
    for name in ("MetricName", "Namespace", "Period"):
        if not given.get(name):
            raise invalid(f"The parameter {name} is required.")
    plain, extended = given.get("Statistic"), given.get("ExtendedStatistic")
    if bool(plain) == bool(extended):
        raise Refused(
            "InvalidParameterCombination" if plain else "ValidationError",
            "Exactly one of Statistic and ExtendedStatistic must be specified.",
        )
    if extended and (extended in STATISTICS or not is_statistic(extended)):
        raise Refused(
            "InvalidParameterValue",
            f"The value {extended} for parameter ExtendedStatistic is not supported.",
        )
    if plain and plain not in STATISTICS:
        raise invalid(f"The value {plain} for parameter Statistic is not supported.")
    if len(given.get("Dimensions") or []) > MOST_DIMENSIONS:
        raise invalid(f"A metric has at most {MOST_DIMENSIONS} dimensions.")
    _check_period(int(given["Period"]), many)


def _check_period(period: int, many: int) -> None:
    if period not in SHORT_PERIODS and (period < 60 or period % 60):
        raise invalid("Period must be 10, 20, 30 or a multiple of 60")
    most = DAY if period < HOUR else 7 * DAY
    if period * many > most:
        raise invalid(
            "Metrics cannot be checked across more than "
            f"{'a day' if most == DAY else 'seven days'} (EvaluationPeriods * Period must be "
            f"<= {most})."
        )


def _check_queries(given: Mapping[str, Any], many: int) -> None:
    beside = [name for name in OF_ONE_METRIC if given.get(name)]
    queries = given["Metrics"] or []
    if beside or not queries:
        raise invalid(
            f"Metrics list must not be specified with {', '.join(beside)}"
            if beside
            else "Metrics list must not be empty"
        )
    if len(queries) > MOST_QUERIES:
        raise invalid(f"Metrics must not have more than {MOST_QUERIES} entries.")
    ids = [query.get("Id") for query in queries]
    if len(set(ids)) != len(ids):
        raise invalid("The values for parameter Id in the Metrics list must be unique.")
    if sum(bool(query.get("ReturnData", True)) for query in queries) != 1:
        raise invalid("Exactly one element of the metrics list should return data.")
    for query in queries:
        if ("MetricStat" in query) == ("Expression" in query):
            raise invalid("Each of Metrics has either a MetricStat or an Expression.")
        if asked := query.get("MetricStat"):
            _check_period(int(asked["Period"]), many)
            if not is_statistic(asked["Stat"]):
                raise invalid(f"The value {asked['Stat']} for Stat is not supported.")
        else:
            _check_expression(query, set(ids))


def _check_expression(query: Mapping[str, Any], ids: set[Any]) -> None:
    try:
        unknown = sorted(names_in(query["Expression"]) - ids)
    except BadExpression as wrong:
        raise invalid(f"Error in expression '{query['Id']}': {wrong}") from None
    if unknown:
        raise invalid(f"Error in expression '{query['Id']}': Unknown metric id {unknown[0]}")
