"""When a deployment is done, when it has failed, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.running.services.deployment import Deployment, breaker_of

if TYPE_CHECKING:
    from lab.running.services.service import Service


def judge(service: Service) -> None:
    """Completes the newest deployment, or lets the circuit breaker end it."""
    primary = service.primary
    healthy = sum(1 for task in primary.present if service.is_healthy(task))
    old = [task for d in service.deployments[1:] for task in d.tasks if not task.is_over]
    if healthy == service.desired == len(primary.present) and not old:
        if primary.rollout == "IN_PROGRESS":
            _complete(service, primary)
        if not service.is_steady:
            service.is_steady = True
            service.event("has reached a steady state.")
        return
    breaks = breaker_of(service.settings).get("enable") and primary.rollout == "IN_PROGRESS"
    if breaks and primary.failed >= primary.threshold():
        _trip(service, primary)


def _complete(service: Service, primary: Deployment) -> None:
    back = primary.rolled_back_from is not None
    reason = primary.reason if back else f"ECS deployment {primary.id} completed."
    primary.finish("COMPLETED", reason, "SUCCESSFUL")
    if back:
        for record in service.records:
            if record.record == "ROLLBACK_IN_PROGRESS":
                record.finish("FAILED", record.reason, "ROLLBACK_SUCCESSFUL")
    service.event(f"(deployment {primary.id}) deployment completed.")


def _trip(service: Service, failed: Deployment) -> None:
    """The circuit breaker: gives up, and goes back to the last deployment that completed."""
    ever_ran = any(task.was_healthy for task in failed.tasks)
    why = "tasks failed health checks" if ever_ran else "tasks failed to start"
    failed.finish("FAILED", f"ECS deployment circuit breaker: {why}.", "STOPPED")
    service.event(f"(deployment {failed.id}) deployment failed: {why}.")
    if breaker_of(service.settings).get("rollback"):
        _go_back(service, failed, "ECS deployment circuit breaker: rolling back to deploymentId")


def stop(service: Service, deployment: Deployment) -> None:
    """Somebody ends it: back to the last deployment that completed, where there is one."""
    deployment.finish("FAILED", f"ECS deployment {deployment.id} was stopped.", "STOPPED")
    deployment.breaker = "MONITORING_COMPLETE"
    _go_back(service, deployment, "Rolling back to deploymentId")


def _go_back(service: Service, failed: Deployment, why: str) -> None:
    good = next((d for d in service.records if d is not failed and d.rollout == "COMPLETED"), None)
    if good is None:
        return
    failed.record, failed.rolled_back_from = "ROLLBACK_IN_PROGRESS", good.revision_arn
    failed.status = "ACTIVE"
    for task in failed.present:
        service.stop_task(task, f"Scaling activity initiated by (deployment {good.id})")
    if good not in service.deployments:
        service.deployments.append(good)
    service.deployments.sort(key=lambda d: d is not good)
    good.status, good.rollout, good.failed, good.desired = (
        "PRIMARY",
        "IN_PROGRESS",
        0,
        service.desired,
    )
    good.next_start, good.rolled_back_from = 0.0, failed.revision_arn
    good.reason = f"{why} {good.id}."
    service.settings["taskDefinition"] = good.definition.arn
    service.publish(good)
    service.event(f"rolling back to deployment {good.id}.")
