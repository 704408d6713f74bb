"""Service deployments and service revisions, as ECS describes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from lab.running.services.course import ALL, POST_SCALE_UP, PRE_SCALE_UP
from lab.running.services.deployment import Deployment, breaker_of
from lab.running.tasks.shapes import ContainerDefinition

if TYPE_CHECKING:
    from lab.running.services.service import Service


def ongoing(service: Service) -> Deployment | None:
    """The deployment that is not over."""
    return next((record for record in service.records if record.is_ongoing), None)


def describe_deployment(service: Service, record: Deployment) -> dict[str, Any]:
    """As DescribeServiceDeployments shows it."""
    enabled = bool(breaker_of(service.settings).get("enable"))
    is_over = not record.is_ongoing
    shown = {
        "serviceDeploymentArn": record.record_arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "createdAt": record.created,
        "startedAt": record.created,
        "updatedAt": record.updated,
        "finishedAt": record.finished if is_over else None,
        "stoppedAt": record.finished if record.record == "STOPPED" else None,
        "status": record.record,
        "statusReason": record.record_reason or None,
        "deploymentConfiguration": record.configuration,
        "targetServiceRevision": {
            **_summary(record),
            "requestedTaskCount": 0 if record.rolled_back_to else record.desired,
            **_shares(record, is_source=False),
        },
        "sourceServiceRevisions": [
            {**_source(service, arn), **_shares(record, is_source=True)} for arn in record.replaces
        ],
        "deploymentCircuitBreaker": {
            "status": record.breaker if enabled else "DISABLED",
            "failureCount": record.failed,
            "threshold": record.threshold(),
        },
        "alarms": record.watch.describe(is_over),
        "rollback": _rollback(record),
    }
    if course := record.course:
        shown["lifecycleStage"] = course.stage.name
    elif record.pauses:
        shown["lifecycleStage"] = POST_SCALE_UP if record.stable else PRE_SCALE_UP
    if record.pauses:
        shown["lifecycleHookDetails"] = [pause.describe() for pause in record.pauses]
    return {key: value for key, value in shown.items() if value is not None}


def describe_revision(service: Service, record: Deployment) -> dict[str, Any]:
    """As DescribeServiceRevisions shows it, with the digests its tasks resolved and the target groups
    that they are in.
    """
    definitions = cast("list[ContainerDefinition]", record.definition.container_definitions)
    images = [
        {
            "containerName": container["name"],
            "image": container["image"],
            **({"imageDigest": found} if (found := record.digests.get(container["image"])) else {}),
        }
        for container in definitions
    ]
    shown = {
        "serviceRevisionArn": record.revision_arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "taskDefinition": record.definition.arn,
        **record.capacity(),
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "loadBalancers": record.settings.get("loadBalancers") or [],
        "networkConfiguration": record.settings.get("networkConfiguration"),
        "containerImages": images,
        "createdAt": record.created,
        "resolvedConfiguration": {"loadBalancers": list(_resolved(record))},
    }
    return {key: value for key, value in shown.items() if value is not None}


def _summary(deployment: Deployment) -> dict[str, Any]:
    return {
        "arn": deployment.revision_arn,
        "requestedTaskCount": deployment.requested,
        "runningTaskCount": deployment.running,
        "pendingTaskCount": deployment.pending,
    }


def _source(service: Service, arn: str) -> dict[str, Any]:
    for deployment in service.deployments:
        if deployment.revision_arn == arn:
            return _summary(deployment)
    return {"arn": arn, "requestedTaskCount": 0, "runningTaskCount": 0, "pendingTaskCount": 0}


def _shares(record: Deployment, is_source: bool) -> dict[str, float]:
    """What part of the traffic a revision has; nothing of one that rolls."""
    course = record.course
    if course is None:
        return {}
    share = ALL - course.share if is_source else course.share
    test = 0.0 if is_source else course.test_share
    return {"requestedProductionTrafficWeight": share, "requestedTestTrafficWeight": test}


def _rollback(record: Deployment) -> dict[str, Any] | None:
    if record.rolled_back_to is None:
        return None
    return {
        "reason": record.record_reason,
        "startedAt": record.rolled_back_at,
        "serviceRevisionArn": record.rolled_back_to,
    }


def _resolved(record: Deployment) -> Iterator[dict[str, str]]:
    for entry in record.balanced:
        rule = (entry.get("advancedConfiguration") or {}).get("productionListenerRule")
        group = {"targetGroupArn": entry["targetGroupArn"]}
        yield {**group, "productionListenerRule": rule} if rule else group
