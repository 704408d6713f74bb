"""Containers that run together: in which order, with what of each other's, and what is refused."""

from __future__ import annotations

import os
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import RunningLab, until
from test_services import Web
from test_tasks import ended, run


@pytest.fixture
def web(lab: RunningLab) -> Web:
    """Everything but the service itself."""
    made = Web(lab)
    made.registry.push("web", "1")
    return made


def container(web: Web, name: str, environment: dict[str, str], **settings: Any) -> dict[str, Any]:
    """A container of the test's image that writes to the log group."""
    return {
        "name": name,
        "image": f"{web.lab.endpoint.removeprefix('http://')}/web:1",
        "environment": [{"name": k, "value": v} for k, v in {"NAME": name, **environment}.items()],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "/web",
                "awslogs-region": web.ecs.meta.region_name,
                "awslogs-stream-prefix": name,
            },
        },
        **settings,
    }


def register(web: Web, *containers: dict[str, Any], **settings: Any) -> str:
    """A task definition of several containers."""
    arn: str = web.ecs.register_task_definition(
        family="several",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=web.role,
        containerDefinitions=list(containers),
        **settings,
    )["taskDefinition"]["taskDefinitionArn"]
    return arn


def after(name: str, condition: str) -> dict[str, Any]:
    """What makes a container wait for another."""
    return {"dependsOn": [{"containerName": name, "condition": condition}]}


def lines(web: Web, prefix: str) -> list[str]:
    """What a container has written, oldest first."""
    events = web.lab.client("logs").filter_log_events(
        logGroupName="/web", logStreamNamePrefix=f"{prefix}/"
    )["events"]
    return [event["message"] for event in events]


def shown(web: Web, task: str) -> dict[str, Any]:
    """The containers of a task, by name."""
    found = web.ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0]
    return {it["name"]: it for it in found["containers"]}


def test_a_container_starts_once_what_it_waits_for_is_so_far(web: Web) -> None:
    first = container(web, "first", {"EXIT": "0"}, essential=False)
    healthy = {"healthCheck": {"command": ["CMD", "/app", "check"], "interval": 5}}
    agent = container(web, "agent", {"PORT": "8081"}, **healthy)
    waits = [*after("first", "SUCCESS")["dependsOn"], *after("agent", "HEALTHY")["dependsOn"]]
    task = run(web, register(web, container(web, "web", {}, dependsOn=waits), first, agent))
    containers = shown(web, task)
    assert containers["first"]["exitCode"] == 0
    assert containers["agent"]["healthStatus"] == "HEALTHY"
    assert containers["web"]["lastStatus"] == "RUNNING"


def test_containers_stop_in_the_order_that_they_did_not_start_in(web: Web) -> None:
    agent = container(web, "agent", {"PORT": "8081"})
    task = run(web, register(web, agent, container(web, "web", {}, **after("agent", "START"))))
    until(lambda: lines(web, "web") and lines(web, "agent"), "both")
    web.ecs.stop_task(cluster="main", task=task)
    assert {it["exitCode"] for it in ended(web)["containers"]} <= {0, 137}
    assert lines(web, "agent")[0].startswith("hello from agent")


@pytest.mark.parametrize(
    ("code", "condition", "starts"),
    [("3", "COMPLETE", True), ("3", "SUCCESS", False)],
)
def test_what_failed_lets_only_those_start_that_do_not_mind(
    web: Web, code: str, condition: str, starts: bool
) -> None:
    setup = container(web, "setup", {"EXIT": code}, essential=False)
    definition = register(web, setup, container(web, "web", {}, **after("setup", condition)))
    if starts:
        assert shown(web, run(web, definition))["setup"]["exitCode"] == 3
        return
    web.create_worker(definition)
    task = ended(web)
    assert task["stopCode"] == "TaskFailedToStart"
    assert [it.get("exitCode") for it in task["containers"]] == [3, None]


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root mounts nothing")
def test_containers_share_the_volumes_of_their_task_and_no_memory(web: Web) -> None:
    def mounted(path: str, **more: Any) -> dict[str, Any]:
        return {"mountPoints": [{"sourceVolume": "work", "containerPath": path, **more}]}

    tmpfs = {"linuxParameters": {"tmpfs": [{"containerPath": "/memory", "size": 1}]}}
    done, writer = {"WRITE": "/out/made", "EXIT": "0"}, {"essential": False, **mounted("/out")}
    setup = container(web, "setup", done, user="0", **writer)
    stranger = container(web, "stranger", {**done, "WRITE": "/out/mine"}, **writer)
    waits = after("setup", "COMPLETE")
    reader = {**mounted("/in", readOnly=True), **waits, **tmpfs, "user": "0"}
    main = container(web, "web", {"LOOK": "/in/made", "WRITE": "/in/other"}, **reader)
    own = container(web, "own", {"WRITE": "/memory/own", "PORT": "8081"}, **waits, **tmpfs)
    definition = register(web, main, setup, stranger, own, volumes=[{"name": "work"}])
    run(web, definition)
    until(lambda: len(lines(web, "web")) == 3 and len(lines(web, "own")) == 2, "all lines")
    assert lines(web, "setup")[1:] == ["wrote 1"]
    assert lines(web, "stranger")[1:] == ["wrote 0"], "a volume is root's"
    assert lines(web, "web")[1:] == ["wrote 0", "sees 1"]
    assert lines(web, "own")[1:] == ["wrote 1"]
    (volume,) = web.ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"][
        "volumes"
    ]
    assert volume == {"name": "work", "host": {}}


def test_containers_that_cannot_run_together_are_refused(web: Web) -> None:
    def refused(*containers: dict[str, Any]) -> str:
        with pytest.raises(ClientError) as error:
            register(web, *containers)
        return str(error.value)

    def named(name: str, **settings: Any) -> dict[str, Any]:
        return container(web, name, {}, **settings)

    assert "'HEALTHY'" in refused(named("a"), named("b", **after("a", "HEALTHY")))
    assert "is essential" in refused(named("a"), named("b", **after("a", "SUCCESS")))
    assert "Invalid container dependency" in refused(named("a", **after("b", "START")))
    ring = refused(named("a", **after("b", "START")), named("b", **after("a", "START")))
    assert "Cycle" in ring
    assert "more than 10" in refused(*(named(f"c{number}") for number in range(11)))
    assert "'cpu'" in refused(named("a", cpu=200), named("b", cpu=100))
    assert "'memory'" in refused(named("a", memory=513))
    nowhere = [{"sourceVolume": "lost", "containerPath": "/lost"}]
    assert "Unknown volume" in refused(named("a", mountPoints=nowhere))
    core = [{"name": "core", "softLimit": 0, "hardLimit": 0}]
    assert "ulimit 'core'" in refused(named("a", ulimits=core))


def test_one_container_routes_what_others_write(web: Web) -> None:
    def routed(name: str, **settings: Any) -> dict[str, Any]:
        return container(web, name, {}, **settings) | {
            "logConfiguration": {"logDriver": "awsfirelens", "options": {"Name": "stdout"}}
        }

    router = container(web, "router", {}, firelensConfiguration={"type": "fluentbit"})
    options = {"type": "fluentbit", "options": {"config-file-type": "s3"}}
    from_s3 = container(web, "router", {}, firelensConfiguration=options)
    second = router | {"name": "second"}
    for containers, words in (
        ([routed("web")], "a firelens configuration object must be configured"),
        ([container(web, "web", {}), router], "configured with the awsfirelens log driver"),
        ([routed("web"), router, second], "Only one container"),
        ([routed("web"), from_s3], "config-file-type"),
    ):
        with pytest.raises(ClientError, match=words):
            register(web, *containers)
    arn = register(web, routed("web"), router)
    found = web.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    by_name = {it["name"]: it for it in found["containerDefinitions"]}
    assert by_name["web"]["logConfiguration"]["options"] == {"Name": "stdout"}
    assert by_name["router"]["firelensConfiguration"]["type"] == "fluentbit"
