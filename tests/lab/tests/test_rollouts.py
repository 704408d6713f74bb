"""Rolling deployments: how many tasks there are meanwhile, and when one is given up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import placed
from test_services import Web


@pytest.fixture
def web(lab: RunningLab) -> Web:
    """Everything but the service itself."""
    made = Web(lab)
    made.registry.push("web", "1")
    return made


def counts(web: Web) -> list[tuple[int, int]]:
    """Rolls a second revision out; at every look, how many run and how many are there."""
    web.ecs.update_service(
        cluster="main", service="web", taskDefinition=web.definition(environment={"NAME": "two"})
    )
    seen = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        service = web.describe()
        seen.append((service["runningCount"], service["runningCount"] + service["pendingCount"]))
        if service["deployments"][0]["rolloutState"] == "COMPLETED":
            return seen
    raise AssertionError(f"not completed: {seen}")


@pytest.mark.parametrize(
    ("least", "most", "running", "there"),
    [(100, 200, 2, 4), (100, 150, 2, 3), (50, 100, 1, 2), (0, 100, 0, 2)],
)
def test_minimum_and_maximum_percent_are_kept(
    web: Web, least: int, most: int, running: int, there: int
) -> None:
    settings = {"minimumHealthyPercent": least, "maximumPercent": most}
    web.create(web.definition(), count=2, deploymentConfiguration=settings)
    web.rollout()
    seen = counts(web)
    assert min(low for low, _ in seen) >= running
    assert 2 <= max(high for _, high in seen) <= there


def test_without_room_for_one_more_or_one_less_nothing_moves(web: Web) -> None:
    settings = {"minimumHealthyPercent": 100, "maximumPercent": 100}
    web.create(web.definition(), count=2, deploymentConfiguration=settings)
    web.rollout()
    web.ecs.update_service(
        cluster="main", service="web", taskDefinition=web.definition(environment={"NAME": "two"})
    )
    time.sleep(1)
    service = web.describe()
    assert [(d["runningCount"], d["status"]) for d in service["deployments"]] == [
        (0, "PRIMARY"),
        (2, "ACTIVE"),
    ]


def test_an_update_merges_and_only_some_of_it_begins_a_deployment(web: Web) -> None:
    settings = {"minimumHealthyPercent": 50, "maximumPercent": 150}
    web.create(web.definition(), deploymentConfiguration=settings, healthCheckGracePeriodSeconds=7)
    first = web.rollout()["deployments"][0]["id"]
    target = {"cluster": "main", "service": "web"}
    web.ecs.update_service(**target, deploymentConfiguration={"maximumPercent": 300})
    web.ecs.update_service(**target, healthCheckGracePeriodSeconds=9, enableExecuteCommand=True)
    service = web.describe()
    assert service["deployments"][0]["id"] == first
    configuration = service["deploymentConfiguration"]
    assert (configuration["minimumHealthyPercent"], configuration["maximumPercent"]) == (50, 300)
    assert (service["healthCheckGracePeriodSeconds"], service["enableExecuteCommand"]) == (9, True)
    web.ecs.update_service(**target, networkConfiguration=placed(web.subnets[:1], web.group))
    second = web.rollout()["deployments"][0]["id"]
    web.ecs.update_service(**target, forceNewDeployment=True)
    assert len({first, second, web.rollout()["deployments"][0]["id"]}) == 3


def test_a_deployment_keeps_to_the_digest_its_first_task_found(web: Web) -> None:
    web.lab.client("ecr").create_repository(repositoryName="loose")
    image = f"{web.lab.endpoint.removeprefix('http://')}/loose:1"
    first = web.registry.push("loose", "1", {"Env": ["NAME=first"]})
    web.create(web.definition(image=image))
    web.rollout()
    web.registry.push("loose", "1", {"Env": ["NAME=second"]})
    web.ecs.update_service(cluster="main", service="web", desiredCount=3)
    until(lambda: web.describe()["runningCount"] == 3, "three tasks")
    tasks = web.ecs.list_tasks(cluster="main")["taskArns"]
    found = web.ecs.describe_tasks(cluster="main", tasks=tasks)["tasks"]
    assert {task["containers"][0]["imageDigest"] for task in found} == {first}
    web.ecs.update_service(cluster="main", service="web", forceNewDeployment=True)
    web.rollout()
    assert web.get().startswith("second")


def breaker(rollback: bool) -> dict[str, Any]:
    """A deployment configuration with the circuit breaker."""
    return {"deploymentCircuitBreaker": {"enable": True, "rollback": rollback}}


def newest(web: Web) -> Any:
    """The newest service deployment in full."""
    records = web.ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"]
    arns = [records[0]["serviceDeploymentArn"]]
    return web.ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"][0]


def test_three_failed_tasks_end_the_first_deployment_for_good(web: Web) -> None:
    web.create(
        web.definition(environment={"EXIT": "3"}), deploymentConfiguration=breaker(rollback=True)
    )
    service = web.rollout("FAILED")
    deployment = service["deployments"][0]
    assert deployment["rolloutStateReason"] == (
        "ECS deployment circuit breaker: tasks failed to start."
    )
    assert deployment["failedTasks"] == 3
    record = newest(web)
    assert record["status"] == "STOPPED"
    assert record["deploymentCircuitBreaker"] == {
        "status": "TRIGGERED",
        "failureCount": 3,
        "threshold": 3,
    }
    stopped = len(web.stopped())
    time.sleep(0.5)
    assert len(web.stopped()) == stopped == 3


def test_without_rollback_the_tasks_of_before_stay(web: Web) -> None:
    web.create(web.definition(), deploymentConfiguration=breaker(rollback=False))
    web.rollout()
    web.ecs.update_service(
        cluster="main", service="web", taskDefinition=web.definition(environment={"EXIT": "3"})
    )
    service = web.rollout("FAILED")
    states = [(d["rolloutState"], d["runningCount"]) for d in service["deployments"]]
    assert states == [("FAILED", 0), ("COMPLETED", 1)]
    assert newest(web)["status"] == "STOPPED"
    assert "rolling back" not in web.messages()


def test_the_threshold_is_a_count_or_a_share_of_the_desired_count(web: Web) -> None:
    settings = breaker(rollback=False)
    settings["deploymentCircuitBreaker"]["thresholdConfiguration"] = {"type": "COUNT", "value": 1}
    web.create(web.definition(environment={"EXIT": "3"}), deploymentConfiguration=settings)
    assert web.rollout("FAILED")["deployments"][0]["failedTasks"] == 1
    assert newest(web)["deploymentCircuitBreaker"]["threshold"] == 1


def test_without_the_circuit_breaker_it_tries_on_and_says_so(web: Web) -> None:
    web.create(web.definition(environment={"EXIT": "3"}))
    until(lambda: len(web.stopped()) > 4, "a fifth failure")
    assert web.describe()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    assert "is unable to consistently start tasks successfully" in web.messages()


@pytest.mark.slow
def test_the_grace_period_spares_a_task_whose_target_is_unhealthy(
    start_lab: Callable[..., RunningLab],
) -> None:
    web = Web(start_lab("--scale", "0.01"))
    web.registry.push("web", "1")
    web.create(web.definition(environment={"SICK": "1"}), healthCheckGracePeriodSeconds=500)

    def unhealthy() -> bool:
        found = web.elbv2.describe_target_health(TargetGroupArn=web.targets)
        return any(
            target["TargetHealth"]["State"] == "unhealthy"
            for target in found["TargetHealthDescriptions"]
        )

    until(unhealthy, "an unhealthy target")
    assert not web.stopped() and web.describe()["runningCount"] == 1
    (task,) = until(web.stopped, "the end of the grace period")[:1]
    assert (task["stoppingAt"] - task["startedAt"]).total_seconds() > 4.9
    assert task["stoppedReason"].startswith("Task failed ELB health checks in (target-group arn:")
    assert "is unhealthy in (target-group " in web.messages()


def test_tasks_that_end_after_they_ran_trip_no_circuit_breaker(web: Web) -> None:
    web.create_worker(
        web.definition(environment={"LIVES": "3"}), deploymentConfiguration=breaker(rollback=True)
    )
    until(lambda: len(web.stopped()) > 1, "a second end")
    deployment = web.describe()["deployments"][0]
    assert (deployment["failedTasks"], deployment["rolloutState"]) == (0, "COMPLETED")
    assert {task["stopCode"] for task in web.stopped()} == {"EssentialContainerExited"}


@pytest.mark.slow
def test_a_task_that_nothing_checks_is_healthy_a_while_after_it_runs(
    start_lab: Callable[..., RunningLab],
) -> None:
    web = Web(start_lab("--scale", "0.1"))
    web.registry.push("web", "1")
    web.create_worker(web.definition(environment={"LIVES": "3"}))
    until(lambda: len(web.stopped()) > 1, "a second end")
    deployment = web.describe()["deployments"][0]
    assert (deployment["failedTasks"], deployment["rolloutState"]) == (0, "IN_PROGRESS")
