"""Tasks: why they stop, with which exit code, and what takes their place."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import placed
from test_layers import layer
from test_services import Web


@pytest.fixture
def web(lab: RunningLab) -> Web:
    """Everything but the service itself."""
    made = Web(lab)
    made.registry.push("web", "1")
    return made


def running(web: Web) -> list[dict[str, Any]]:
    """The tasks that run, as the lab tells them."""
    return [task for task in web.lab.get("tasks")["tasks"] if task["status"] == "RUNNING"]


def ended(web: Web) -> dict[str, Any]:
    """The first task that stopped, once it has for good."""
    found: list[dict[str, Any]] = until(
        lambda: [task for task in web.stopped() if task["lastStatus"] == "STOPPED"],
        "a stopped task",
    )
    return found[0]


def run(web: Web, definition: str) -> str:
    """Runs one task and waits until it does."""
    network = placed(web.subnets, web.group)
    task: str = web.ecs.run_task(
        cluster="main",
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration=network,
    )["tasks"][0]["taskArn"]
    until(lambda: running(web), "the task")
    return task


def listens(web: Web) -> None:
    """Waits until the task's program is reached, so that it has its handlers."""
    place = running(web)[0]["loopback"]

    def reached() -> bool:
        try:
            return bool(urllib.request.urlopen(f"http://{place}:8080/", timeout=1).read())
        except OSError:
            return False

    until(reached, "an answer")


def test_a_task_that_ends_by_itself_is_replaced_and_explained(web: Web) -> None:
    web.create(web.definition())
    web.rollout()
    (first,) = running(web)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(f"http://{first['loopback']}:8080/exit", timeout=5)
    task = ended(web)
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 5
    steady = "has reached a steady state."
    until(lambda: web.messages().count(steady) == 2, "another task in its place")
    assert running(web)[0]["id"] != first["id"] and web.get()
    assert web.messages().count("has started 1 tasks") == 2


def test_a_task_that_listens_is_given_the_time_to_stop(web: Web) -> None:
    task = run(web, web.definition(environment={"LINGER": "1"}, stopTimeout=20))
    listens(web)
    began = time.monotonic()
    web.ecs.stop_task(cluster="main", task=task, reason="enough")
    stopped = ended(web)
    assert time.monotonic() - began > 0.9
    assert (stopped["stoppedReason"], stopped["stopCode"]) == ("enough", "UserInitiated")
    assert stopped["containers"][0]["exitCode"] == 0


def test_a_task_that_takes_longer_than_its_stop_timeout_is_killed(web: Web) -> None:
    task = run(web, web.definition(environment={"LINGER": "60"}, stopTimeout=2))
    listens(web)
    began = time.monotonic()
    web.ecs.stop_task(cluster="main", task=task)
    stopped = ended(web)
    assert 1.9 < time.monotonic() - began < 20
    assert stopped["stoppedReason"] == "Task stopped by user"
    assert stopped["containers"][0]["exitCode"] == 137


def test_a_task_that_does_not_listen_is_killed_after_a_scaled_timeout(web: Web) -> None:
    task = run(web, web.definition(environment={"DEAF": "1"}))
    listens(web)
    began = time.monotonic()
    web.ecs.stop_task(cluster="main", task=task)
    assert ended(web)["containers"][0]["exitCode"] == 137
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("/nope", 'exec: "/nope": stat /nope: no such file or directory: unknown'),
        ("nope", 'exec: "nope": executable file not found in $PATH: unknown'),
    ],
)
def test_a_program_that_is_not_in_the_image_is_named(web: Web, program: str, why: str) -> None:
    web.create(web.definition(entryPoint=[program]))
    task = ended(web)
    assert (task["stoppedReason"], task["stopCode"]) == (
        "Task failed to start",
        "TaskFailedToStart",
    )
    assert task["containers"][0]["reason"].startswith("CannotStartContainerError: ")
    assert task["containers"][0]["reason"].endswith(why)
    assert "exitCode" not in task["containers"][0]


def test_a_program_for_another_processor_ends_at_once(web: Web) -> None:
    # The head of a program for arm64.
    program = "\x7fELF\x02\x01\x01" + "\0" * 9 + "\x02\0\x37\0\x01" + "\0" * 43
    web.registry.push("web", "foreign", layers=[layer(("foreign", program))])
    web.create(web.definition(tag="foreign", entryPoint=["/foreign"]))
    task = ended(web)
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["containers"][0]["exitCode"] == 1
    lines = web.lab.client("logs").get_log_events(
        logGroupName="/web", logStreamName=f"web/web/{task['taskArn'].rsplit('/', 1)[1]}"
    )["events"]
    assert [line["message"] for line in lines] == ["exec /foreign: exec format error"]


def test_an_image_that_is_not_there_is_named(web: Web) -> None:
    web.create(web.definition(tag="nope"))
    task = ended(web)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
    )
    assert task["stoppedReason"].endswith("/web:nope: not found")


def test_a_log_group_that_is_not_there_is_told(web: Web) -> None:
    web.lab.client("logs").delete_log_group(logGroupName="/web")
    web.create(web.definition())
    reason = ended(web)["stoppedReason"]
    assert reason.startswith("ResourceInitializationError: failed to validate logger args")
    assert "The specified log group does not exist" in reason


def test_a_task_stopped_by_a_smaller_count_says_which_deployment_wanted_it(web: Web) -> None:
    web.create(web.definition())
    deployment = web.rollout()["deployments"][0]["id"]
    web.ecs.update_service(cluster="main", service="web", desiredCount=0)
    reason = f"Scaling activity initiated by (deployment {deployment})"
    stopped = until(
        lambda: [task for task in web.stopped() if task["stoppedReason"] == reason], reason
    )
    assert stopped[0]["stopCode"] == "ServiceSchedulerInitiated"
