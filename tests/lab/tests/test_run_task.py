"""RunTask: what it starts, what it refuses, and how its tasks are found again."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import RunningLab, until
from jobs import TAGS, Jobs, changed, role_for
from late import TRUST, eventually, switch
from policy import allow, attach, denied
from stack import refused


@pytest.fixture
def jobs(lab: RunningLab) -> Jobs:
    """All that tasks need."""
    return Jobs(lab)


def test_tasks_run_with_what_the_request_changes(jobs: Jobs) -> None:
    answer = jobs.run(
        jobs.definition(),
        count=2,
        startedBy="release/1",
        propagateTags="TASK_DEFINITION",
        enableECSManagedTags=True,
        tags=[{"key": "step", "value": "migrate"}],
        overrides={**changed({"EXIT": "3"}), "cpu": "512", "memory": "1024"},
    )
    assert answer["failures"] == []
    arns = [task["taskArn"] for task in answer["tasks"]]
    assert len(arns) == 2
    for arn in arns:
        task = jobs.ended(arn)
        assert task["containers"][0]["exitCode"] == 3
        assert task["stopCode"] == "EssentialContainerExited"
        assert (task["group"], task["startedBy"]) == ("family:job", "release/1")
        assert (task["cpu"], task["memory"]) == ("512", "1024")
        assert {tag["key"]: tag["value"] for tag in task["tags"]} == {
            "stack": "test",
            "step": "migrate",
            "aws:ecs:clusterName": "main",
        }
    stream = f"job/job/{arns[0].rsplit('/', 1)[-1]}"
    lines = jobs.lab.client("logs").get_log_events(logGroupName="/jobs", logStreamName=stream)
    assert lines["events"][0]["message"].startswith("hello")


def test_the_essential_container_of_several_ends_the_task(jobs: Jobs) -> None:
    helper = jobs.container("helper", essential=False, environment={"PORT": "8081"})
    waits = jobs.container(environment={"LIVES": "1"})
    task = jobs.ended(jobs.run(jobs.definition(waits, helper))["tasks"][0]["taskArn"])
    codes = {it["name"]: it.get("exitCode") for it in task["containers"]}
    assert codes == {"job": 5, "helper": 0}


def test_a_container_that_never_started_has_no_exit_code(jobs: Jobs) -> None:
    absent = jobs.container(entryPoint=["/nope"])
    task = jobs.ended(jobs.run(jobs.definition(absent))["tasks"][0]["taskArn"])
    assert task["stopCode"] == "TaskFailedToStart" and "exitCode" not in task["containers"][0]


def test_a_token_stands_for_its_tasks(jobs: Jobs) -> None:
    definition = jobs.definition()
    first = jobs.run(definition, clientToken="once")["tasks"][0]["taskArn"]
    assert jobs.run(definition, clientToken="once")["tasks"][0]["taskArn"] == first
    with refused("ConflictException") as caught:
        jobs.run(definition, clientToken="once", count=2)
    assert caught.value.response["resourceIds"] == [first]
    with refused("InvalidParameterException"):
        jobs.run(definition, clientToken="x" * 65)


def test_what_finds_no_place_is_a_failure_in_an_answer_that_is_none(jobs: Jobs) -> None:
    jobs.lab.post("capacity", {"reason": "RESOURCE:MEMORY", "times": 2})
    definition = jobs.definition()
    answer = jobs.run(definition, count=3)
    assert len(answer["tasks"]) == 1
    assert [it["reason"] for it in answer["failures"]] == ["RESOURCE:MEMORY"] * 2
    assert jobs.run(definition)["failures"] == []


def test_a_role_that_ecs_cannot_take_starts_no_task(jobs: Jobs) -> None:
    jobs.role = role_for(jobs.lab, "ecs.amazonaws.com")
    with refused("ClientException", f"ECS was unable to assume the role '{jobs.role}'"):
        jobs.run(jobs.definition())
    assert not jobs.ecs.list_tasks(cluster="main")["taskArns"]


def test_run_task_refuses_what_ecs_refuses(jobs: Jobs) -> None:
    definition = jobs.definition()
    for settings, words in (
        ({"count": 11}, "count"),
        ({"launchType": "EC2"}, "No Container Instances"),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}, "Specifying both"),
        ({"propagateTags": "SERVICE"}, "propagateTags"),
        ({"propagateTags": "NONE"}, "propagateTags"),
        ({"startedBy": "x" * 129}, "startedBy"),
        ({"group": "service:web"}, "group"),
        ({"networkConfiguration": {}}, "Network Configuration must be provided"),
        ({"overrides": changed({}, "other")}, "not a container in the TaskDefinition"),
        ({"overrides": changed({"LONG": "x" * 8192})}, "Overrides length"),
    ):
        with refused("InvalidParameterException", words):
            jobs.run(definition, **settings)
    with refused("ClientException", "TaskDefinition not found"):
        jobs.run("none:1")
    with refused("ClusterNotFoundException"):
        jobs.ecs.run_task(cluster="none", taskDefinition=definition)
    with refused("InvalidParameterException", "not found"):
        jobs.ecs.stop_task(cluster="main", task="0" * 32)
    jobs.ecs.deregister_task_definition(taskDefinition=definition)
    with refused("ClientException", "inactive"):
        jobs.run(definition)


def test_tasks_are_listed_by_one_thing_and_for_an_hour(jobs: Jobs) -> None:
    list_tasks = jobs.ecs.list_tasks
    ended = jobs.run(jobs.definition(), startedBy="a")["tasks"][0]["taskArn"]
    jobs.ended(ended)
    lives = jobs.definition(jobs.container(environment={"LIVES": "30"}), family="long")
    runs = jobs.run(lives, startedBy="b")["tasks"][0]["taskArn"]
    assert list_tasks(cluster="main")["taskArns"] == [runs]
    assert list_tasks(cluster="main", startedBy="a")["taskArns"] == []
    assert list_tasks(cluster="main", desiredStatus="STOPPED")["taskArns"] == [ended]
    assert list_tasks(cluster="main", family="long")["taskArns"] == [runs]
    with refused("InvalidParameterException"):
        list_tasks(cluster="main", startedBy="a", family="job")
    jobs.lab.post("clock", {"advance": 3500})
    assert jobs.describe(ended)
    jobs.lab.post("clock", {"advance": 200})
    assert list_tasks(cluster="main", desiredStatus="STOPPED")["taskArns"] == []
    assert jobs.ecs.describe_tasks(cluster="main", tasks=[ended])["failures"] == [
        {"arn": ended, "reason": "MISSING"}
    ]
    jobs.ecs.stop_task(cluster="main", task=runs, reason="enough")
    assert jobs.ended(runs)["stopCode"] == "UserInitiated"


def test_a_young_task_is_missing(jobs: Jobs) -> None:
    switch(jobs.lab, "task")
    task = jobs.run(jobs.definition())["tasks"][0]["taskArn"]
    answer = jobs.ecs.describe_tasks(cluster="main", tasks=[task])
    assert answer["failures"] == [{"arn": task, "reason": "MISSING"}]
    until(lambda: jobs.describe(task), "the task", 5)


def test_a_young_role_cannot_be_assumed_for_a_task(jobs: Jobs) -> None:
    switch(jobs.lab, "role")
    iam = jobs.lab.client("iam")
    jobs.role = iam.create_role(RoleName="young", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    definition = jobs.definition()
    eventually(lambda: jobs.run(definition), "ClientException")


def test_lines_of_a_task_come_after_its_end(jobs: Jobs) -> None:
    switch(jobs.lab, "log-lines")
    logs = jobs.lab.client("logs")
    jobs.ended(jobs.run(jobs.definition())["tasks"][0]["taskArn"])

    def lines() -> Any:
        return logs.filter_log_events(logGroupName="/jobs")["events"]

    assert not lines()
    (line,) = until(lines, "the line", 5)
    assert line["timestamp"] < line["ingestionTime"]


def test_whoever_runs_tasks_passes_their_roles(jobs: Jobs) -> None:
    definition = jobs.definition()
    attach(jobs.lab, allow("ecs:RunTask", on=definition.rsplit(":", 1)[0] + ":*"))
    with refused("AccessDeniedException", "iam:PassRole"):
        jobs.run(definition)
    assert denied(jobs.lab) == [("iam:PassRole", "role/execution")]
    passes = allow(
        "iam:PassRole",
        on=jobs.role,
        StringEquals={"iam:PassedToService": "ecs-tasks.amazonaws.com"},
    )
    attach(jobs.lab, allow("ecs:RunTask"), passes)
    with refused("AccessDeniedException", "ecs:TagResource"):
        jobs.run(definition, tags=TAGS)
    task = jobs.run(definition)["tasks"][0]["taskArn"]
    with refused("AccessDeniedException", "ecs:StopTask"):
        jobs.ecs.stop_task(cluster="main", task=task)
