"""Blue/green, linear and canary deployments: from stage to stage, or back.

Tasks that fail are counted as the circuit breaker of rolling deployments counts them; that these
deployments are given up by that number is an assumption, for ECS does not say it. That a role is
asked for a while before one is given up for it is another.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.aws.common.service_roles import NotAllowed
from lab.running.services import going_back, traffic
from lab.running.services.course import (
    ALL,
    CLEAN_UP,
    SCALE_UP,
    SHIFT,
    TEST_SHIFT,
    Course,
)
from lab.running.services.pauses import ROLLBACK, look, reached

if TYPE_CHECKING:
    from lab.running.services.deployment import Deployment
    from lab.running.services.service import Service

# ECS developer guide, "Amazon ECS blue/green service deployments workflow".
LONGEST_STAGE = timedelta(hours=24)
SHORTEST_DENIAL = 1.0
HOOK = "a lifecycle hook asked for a rollback"


def advance(service: Service, deployment: Deployment) -> None:
    """Takes one look at a deployment, and one step."""
    course = deployment.course
    if course is None or deployment.record != "IN_PROGRESS":
        return
    if why := _failure(service, deployment, course):
        fail(service, deployment, why)
        return
    if not course.is_begun and not _begin(service, deployment, course):
        return
    held = look(deployment.pauses, service.lab.clock.moment())
    if held == ROLLBACK:
        fail(service, deployment, HOOK)
    if held:
        return
    if time.monotonic() - course.entered < _length(service, deployment, course):
        return
    if not _is_done(service, deployment, course):
        return
    if course.is_last:
        _complete(service, deployment)
    else:
        deployment.updated = course.go_on(service.lab.clock.moment())


def fail(service: Service, deployment: Deployment, why: str) -> None:
    """Gives it up."""
    deployment.finish("FAILED", f"ECS deployment {deployment.id} failed: {why}.", "STOPPED")
    service.event(f"(deployment {deployment.id}) deployment failed: {why}.")
    going_back.go_back(service, deployment)


def _failure(service: Service, deployment: Deployment, course: Course) -> str:
    """Why it is given up; nothing while it is not."""
    if course.stage.name == CLEAN_UP:
        return ""
    if deployment.watch.look(service.lab.timers.seconds("deployment.alarm-poll")):
        return "alarm detected"
    if course.is_too_long(service.lab.clock.moment(), LONGEST_STAGE):
        return f"the stage {course.stage.name} took longer than 24 hours"
    # Without one to go back to, ECS tries on.
    is_first = going_back.before(service, deployment) is None
    if deployment.failed >= deployment.threshold() and not is_first:
        ever_ran = any(task.was_healthy for task in deployment.tasks)
        return "tasks failed health checks" if ever_ran else "tasks failed to start"
    return ""


def _begin(service: Service, deployment: Deployment, course: Course) -> bool:
    """Does what a stage begins with; false while its role may not."""
    settings, name = deployment.settings, course.stage.name
    try:
        if name == SCALE_UP:
            traffic.demand_targets(settings, service.arn)
        elif name == TEST_SHIFT and traffic.has_rule(settings, "testListenerRule"):
            traffic.move(settings, service.arn, "testListenerRule", ALL)
            course.test_share = ALL
        elif name == SHIFT and course.stage.share is not None:
            traffic.move(settings, service.arn, "productionListenerRule", course.stage.share)
            course.share = course.stage.share
    except NotAllowed as error:
        _deny(service, deployment, course, str(error))
        return False
    if name == CLEAN_UP:
        for other in service.deployments:
            other.is_kept = False
    deployment.pauses = list(reached(deployment.configuration, name, service.lab.clock.moment()))
    course.is_begun = True
    return True


def _deny(service: Service, deployment: Deployment, course: Course, why: str) -> None:
    now = time.monotonic()
    patience = max(service.lab.timers.seconds("deployment.denied"), SHORTEST_DENIAL)
    if course.denied is None:
        course.denied = now
        service.event(f"(deployment {deployment.id}) was unable to use its role: {why}.")
    elif now - course.denied > patience:
        fail(service, deployment, why)


def _length(service: Service, deployment: Deployment, course: Course) -> float:
    """How many seconds a stage takes at least."""
    timers, stage = service.lab.timers, course.stage
    bake = stage.minutes * 60 * service.lab.options.scale
    if stage.name in (TEST_SHIFT, SHIFT) and traffic.is_of_network(deployment.settings):
        return timers.seconds("deployment.network-shift") + bake
    return timers.seconds("deployment.stage") + bake


def _is_done(service: Service, deployment: Deployment, course: Course) -> bool:
    if course.stage.name == SCALE_UP:
        return service.healthy(deployment) >= deployment.desired
    if course.stage.name == CLEAN_UP:
        others = [it for it in service.deployments if it is not deployment]
        return all(task.is_over for other in others for task in other.tasks)
    return True


def _complete(service: Service, deployment: Deployment) -> None:
    deployment.finish("COMPLETED", f"ECS deployment {deployment.id} completed.", "SUCCESSFUL")
    balanced = service.settings.get("loadBalancers") or []
    service.settings["loadBalancers"] = traffic.turned(balanced)
    service.event(f"(deployment {deployment.id}) deployment completed.")
