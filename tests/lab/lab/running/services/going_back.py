"""The way back from a deployment that is given up, to the last one that completed.

A way back makes no revision: the service deployment goes from `IN_PROGRESS` to the `ROLLBACK_` states
(ECS developer guide, "View service history using Amazon ECS service deployments").
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab.aws.common.service_roles import NotAllowed
from lab.running.services import traffic
from lab.running.services.course import ALL, SHIFT, TEST_SHIFT

if TYPE_CHECKING:
    from lab.running.services.deployment import Deployment
    from lab.running.services.service import Service

REASON = "Rolling back to deploymentId"


def before(service: Service, failed: Deployment) -> Deployment | None:
    """The last deployment that completed, other than this one."""
    return next((d for d in service.records if d is not failed and d.rollout == "COMPLETED"), None)


def go_back(service: Service, failed: Deployment, why: str = REASON) -> None:
    """Begins the way back, where there is one. Tasks that have traffic keep it until those that are to
    have it run.
    """
    good = before(service, failed)
    if good is None:
        return
    failed.record = "ROLLBACK_IN_PROGRESS"
    failed.rolled_back_to, failed.rolled_back_at = good.revision_arn, datetime.now(UTC)
    failed.status, failed.is_kept = "ACTIVE", failed.has_stages
    if not failed.has_stages:
        _stop_tasks(service, failed, good)
    if good not in service.deployments:
        service.deployments.append(good)
    service.deployments.sort(key=lambda d: d is not good)
    good.status, good.rollout, good.failed = "PRIMARY", "IN_PROGRESS", 0
    good.desired, good.is_kept, good.stable = service.desired, False, None
    good.next_start, good.is_back = 0.0, True
    good.reason = f"{why} {good.id}."
    service.settings["taskDefinition"] = good.definition.arn
    service.publish(good)
    service.event(f"rolling back to deployment {good.id}.")


def return_traffic(service: Service, failed: Deployment) -> None:
    """Gives the traffic back to the tasks that had it, once they are all healthy, and lets those of the
    deployment go that was given up.
    """
    good, course = service.primary, failed.course
    if course is None or service.healthy(good) < good.desired:
        return
    # Who sent the pair the wrong way round has both in the same group.
    share = ALL if _groups(failed) == _groups(good) else 0.0
    try:
        if course.was_in(SHIFT):
            traffic.move(failed.settings, service.arn, "productionListenerRule", share)
        if course.was_in(TEST_SHIFT):
            traffic.move(failed.settings, service.arn, "testListenerRule", share)
        course.share = course.test_share = 0.0
    except NotAllowed as error:
        failed.record, failed.record_reason = "ROLLBACK_FAILED", str(error)
        service.event(f"(deployment {failed.id}) rollback failed: {error}")
        return
    failed.is_kept = False
    _stop_tasks(service, failed, good)


def end(service: Service) -> None:
    """The way back is done."""
    for record in service.records:
        if record.record == "ROLLBACK_IN_PROGRESS":
            record.finish("FAILED", record.reason, "ROLLBACK_SUCCESSFUL")


def _groups(deployment: Deployment) -> list[str]:
    return [entry["targetGroupArn"] for entry in deployment.balanced]


def _stop_tasks(service: Service, failed: Deployment, good: Deployment) -> None:
    for task in failed.present:
        service.stop_task(task, f"Scaling activity initiated by (deployment {good.id})")
