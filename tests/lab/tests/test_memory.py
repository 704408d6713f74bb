"""Containers that take more memory than they have."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import RunningLab, until
from jobs import Jobs

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


@pytest.fixture
def jobs(lab: RunningLab) -> Jobs:
    """What tasks need."""
    return Jobs(lab)


def shown(jobs: Jobs, task: dict[str, Any]) -> dict[str, Any]:
    """The task's only container."""
    (container,) = jobs.describe(task["taskArn"])[0]["containers"]
    return dict(container)


def test_a_container_that_takes_more_than_its_memory_is_killed_and_explained(jobs: Jobs) -> None:
    definition = jobs.definition(
        jobs.container("large", environment={"TAKE": "48"}, memory=32),
        jobs.container("small", environment={"TAKE": "8", "PORT": "8081"}, memory=32),
    )
    (task,) = jobs.run(definition)["tasks"]
    end = jobs.ended(task["taskArn"])
    assert end["stopCode"] == "EssentialContainerExited"
    assert end["stoppedReason"] == "Essential container in task exited"
    large, small = end["containers"]
    assert (large["exitCode"], large["reason"]) == (137, OUT_OF_MEMORY)
    assert (small["exitCode"], small.get("reason")) == (0, None)


def test_what_all_of_a_task_has_is_a_limit_too_and_the_largest_process_pays(jobs: Jobs) -> None:
    worker = {"TAKE": "520", "WORKER": "1"}
    (task,) = jobs.run(jobs.definition(jobs.container(environment=worker)))["tasks"]
    until(lambda: shown(jobs, task).get("reason") == OUT_OF_MEMORY, "the worker's end")
    assert shown(jobs, task)["lastStatus"] == "RUNNING"
    jobs.ecs.stop_task(cluster="main", task=task["taskArn"])
    (container,) = jobs.ended(task["taskArn"])["containers"]
    assert (container["exitCode"], container["reason"]) == (0, OUT_OF_MEMORY)
