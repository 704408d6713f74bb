"""What an alarm does when its state changes: it publishes to topics of SNS.

Other actions, such as those of Auto Scaling, are kept and noted, and nothing happens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.kms.models import kms_backends
from moto.sns.models import sns_backends

from lab.aws.cloudwatch.alarms import Alarm, note
from lab.aws.cloudwatch.rules import children_of
from lab.world.places import Place, of_arn

# How CloudWatch's messages name regions.
REGIONS = {
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
    "us-east-1": "US East (N. Virginia)",
    "us-west-2": "US West (Oregon)",
}
NO_ACCESS = "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."


def act(alarm: Alarm, before: str, others: Mapping[str, Alarm]) -> None:
    """Does what the new state of an alarm leads to."""
    for action in alarm.actions:
        failure = None
        if ":sns:" in action:
            failure = _publish(alarm, before, action, others)
        done = f"Successfully executed action {action}"
        data = {"actionState": "Failed" if failure else "Succeeded", "notificationResource": action}
        if failure:
            done, data["error"] = (
                f"Failed to execute action {action}. Received error: {failure}",
                failure,
            )
        note(alarm, "Action", done, data)


def _publish(alarm: Alarm, before: str, topic_arn: str, others: Mapping[str, Alarm]) -> str | None:
    """Publishes to a topic; says why it could not."""
    place = of_arn(topic_arn)
    if place.account != alarm.place.account:
        return f"Resource: {alarm.alarm_arn} is not authorized to perform: SNS:Publish"
    topic = sns_backends[place.account][place.region].topics.get(topic_arn)
    if topic is None:
        return "Resource: Topic does not exist"
    if topic.kms_master_key_id and not _admits(place, str(topic.kms_master_key_id)):
        return NO_ACCESS
    texts = {"default": message(alarm, before, others), "email": mail(alarm)}
    topic.publish(json.dumps(texts), subject=subject(alarm), message_structure="json")
    return None


def _admits(place: Place, key: str) -> bool:
    """Whether a key lets CloudWatch use it; AWS's own for SNS does not."""
    backend = kms_backends[place.account][place.region]
    id = backend.get_key_id_from_alias(key[key.index("alias/") :]) if "alias/" in key else key
    found = backend.keys.get(str(id).rsplit("/", 1)[-1])
    return found is not None and "cloudwatch.amazonaws.com" in str(found.policy)


def subject(alarm: Alarm) -> str:
    """The subject of its messages, which SNS takes up to 100 characters of."""
    return f'{alarm.state}: "{alarm.name}" in {_region(alarm)}'[:100]


def mail(alarm: Alarm) -> str:
    """What people are written."""
    at = datetime.fromtimestamp(alarm.changed, UTC)
    kind = "Composite Alarm" if alarm.rule else "Alarm"
    return (
        f'You are receiving this email because your Amazon CloudWatch {kind} "{alarm.name}" in the '
        f"{_region(alarm)} region has entered the {alarm.state} state, because "
        f'"{alarm.reason}" at "{at:%A %d %B, %Y %H:%M:%S} UTC".\n\n'
        f"- Name: {alarm.name}\n"
        f"- Description: {alarm.settings.get('AlarmDescription', '')}\n"
        f"- AWS Account: {alarm.place.account}\n"
        f"- Alarm Arn: {alarm.alarm_arn}\n"
    )


def message(alarm: Alarm, before: str, others: Mapping[str, Alarm]) -> str:
    """What programs are sent."""
    told: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.settings.get("AlarmDescription"),
        "AWSAccountId": alarm.place.account,
        "AlarmConfigurationUpdatedTimestamp": _time(alarm.configured),
        "NewStateValue": alarm.state,
        "NewStateReason": alarm.reason,
        "StateChangeTime": _time(alarm.changed),
        "Region": _region(alarm),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
    }
    for kind in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        told[kind] = alarm.settings.get(kind) or []
    if alarm.rule is None:
        return json.dumps(told | {"Trigger": _trigger(alarm.settings)})
    names = sorted(children_of(alarm.rule))
    triggers = [
        {
            "Arn": others[name].alarm_arn,
            "State": {"Value": others[name].state, "Timestamp": _time(others[name].changed)},
        }
        for name in names
        if name in others and others[name].state == "ALARM"
    ]
    return json.dumps(told | {"AlarmRule": alarm.rule, "TriggeringChildren": triggers})


def _trigger(settings: Mapping[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = {
        "Period": settings.get("Period"),
        "EvaluationPeriods": settings["EvaluationPeriods"],
        "DatapointsToAlarm": settings.get("DatapointsToAlarm", settings["EvaluationPeriods"]),
        "ComparisonOperator": settings["ComparisonOperator"],
        "Threshold": settings["Threshold"],
        "TreatMissingData": settings.get("TreatMissingData", "missing"),
        "EvaluateLowSampleCountPercentile": settings.get("EvaluateLowSampleCountPercentile", ""),
    }
    if queries := settings.get("Metrics"):
        return trigger | {"Metrics": [_query(query) for query in queries]}
    trigger |= {
        "MetricName": settings["MetricName"],
        "Namespace": settings["Namespace"],
        "Unit": settings.get("Unit"),
        "Dimensions": _dimensions(settings),
    }
    if extended := settings.get("ExtendedStatistic"):
        return trigger | {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended}
    plain = {"SampleCount": "SAMPLE_COUNT"}.get(
        settings["Statistic"], settings["Statistic"].upper()
    )
    return trigger | {"StatisticType": "Statistic", "Statistic": plain}


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    told = {"ReturnData": True, **query}
    if asked := query.get("MetricStat"):
        metric = {**asked["Metric"], "Dimensions": _dimensions(asked["Metric"])}
        told["MetricStat"] = {**asked, "Metric": metric}
    return told


def _dimensions(metric: Mapping[str, Any]) -> list[dict[str, str]]:
    things = metric.get("Dimensions") or []
    return [{"value": thing["Value"], "name": thing["Name"]} for thing in things]


def _region(alarm: Alarm) -> str:
    return REGIONS.get(alarm.place.region, alarm.place.region)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
