"""When a deployment is done, when it has failed, and how somebody ends one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lab.running.services import going_back, staged
from lab.running.services.course import POST_SCALE_UP
from lab.running.services.deployment import Deployment, breaker_of
from lab.running.services.pauses import ROLLBACK, look, reached

if TYPE_CHECKING:
    from lab.running.services.service import Service

REQUESTED = ("STOP_REQUESTED", "ROLLBACK_REQUESTED")


def judge(service: Service) -> None:
    """Completes the newest deployment, lets it go on, or ends it."""
    for deployment in service.deployments[1:]:
        if deployment.is_kept and deployment.record == "ROLLBACK_IN_PROGRESS":
            going_back.return_traffic(service, deployment)
    if service.primary.is_staged:
        staged.advance(service, service.primary)
    elif service.primary.record not in REQUESTED:
        _judge_rolling(service, service.primary)


def _judge_rolling(service: Service, primary: Deployment) -> None:
    is_new = primary.rollout == "IN_PROGRESS" and not primary.is_back
    if is_new and primary.watch.look(service.lab.timers.seconds("deployment.alarm-poll")):
        _give_up(service, primary, "alarm detected", primary.watch.goes_back)
        return
    held = look(primary.pauses, service.lab.clock.moment()) if is_new else ""
    if held == ROLLBACK:
        _give_up(service, primary, staged.HOOK, goes_back=True)
        return
    old = [task for d in service.deployments[1:] for task in d.tasks if not task.is_over]
    if service.healthy(primary) == service.desired == len(primary.present) and not old:
        if primary.stable is None:
            primary.stable = time.monotonic()
            held = _pause(service, primary) if is_new else ""
        bake = primary.watch.bake * service.lab.options.scale if is_new else 0
        is_through = not held and time.monotonic() - primary.stable >= bake
        if primary.rollout == "IN_PROGRESS" and is_through:
            _complete(service, primary)
        if not service.is_steady:
            service.is_steady = True
            service.event("has reached a steady state.")
        return
    breaks = breaker_of(service.settings).get("enable") and primary.rollout == "IN_PROGRESS"
    if breaks and primary.failed >= primary.threshold():
        _trip(service, primary)


def _complete(service: Service, primary: Deployment) -> None:
    reason = primary.reason if primary.is_back else f"ECS deployment {primary.id} completed."
    primary.finish("COMPLETED", reason, "SUCCESSFUL")
    if primary.is_back:
        going_back.end(service)
    service.event(f"(deployment {primary.id}) deployment completed.")


def _trip(service: Service, failed: Deployment) -> None:
    """The circuit breaker: gives up, and goes back where it says so."""
    ever_ran = any(task.was_healthy for task in failed.tasks)
    why = "tasks failed health checks" if ever_ran else "tasks failed to start"
    failed.finish("FAILED", f"ECS deployment circuit breaker: {why}.", "STOPPED")
    service.event(f"(deployment {failed.id}) deployment failed: {why}.")
    if breaker_of(service.settings).get("rollback"):
        why = "ECS deployment circuit breaker: rolling back to deploymentId"
        going_back.go_back(service, failed, why)


def _pause(service: Service, primary: Deployment) -> str:
    """Reaches the stage after all of its tasks are there; that this is it in rolling deployments is an
    assumption.
    """
    now = service.lab.clock.moment()
    primary.pauses = list(reached(primary.configuration, POST_SCALE_UP, now))
    return look(primary.pauses, now)


def _give_up(service: Service, failed: Deployment, why: str, goes_back: bool) -> None:
    """An alarm went off, or a hook wants it."""
    failed.finish("FAILED", f"ECS deployment {failed.id} failed: {why}.", "STOPPED")
    failed.breaker = "MONITORING_COMPLETE"
    service.event(f"(deployment {failed.id}) deployment failed: {why}.")
    if goes_back:
        going_back.go_back(service, failed)


def stop(service: Service, deployment: Deployment) -> None:
    """Somebody ends it: back to the last deployment that completed, where there is one."""
    if deployment.record != "IN_PROGRESS":
        return
    goes_back = going_back.before(service, deployment) is not None
    deployment.record = "ROLLBACK_REQUESTED" if goes_back else "STOP_REQUESTED"

    def go() -> None:
        if deployment.record not in REQUESTED:
            return
        deployment.finish("FAILED", f"ECS deployment {deployment.id} was stopped.", "STOPPED")
        deployment.breaker = "MONITORING_COMPLETE"
        going_back.go_back(service, deployment)

    service.lab.timers.after("deployment.stopping", go)
