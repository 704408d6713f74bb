"""What people do with what runs: read its logs and metrics, get into it, end a rollout."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from botocore.session import get_session
from conftest import RunningLab, until
from stack import refused
from test_rollouts import newest
from test_services import Web

START = 1_700_000_040
CPU: dict[str, Any] = {
    "namespace": "AWS/ECS",
    "name": "CPUUtilization",
    "dimensions": {"ClusterName": "main", "ServiceName": "web"},
}


@pytest.fixture
def web(lab: RunningLab) -> Web:
    """Everything but the service itself."""
    made = Web(lab)
    made.registry.push("web", "1")
    return made


def put(lab: RunningLab, stream: str, *lines: tuple[int, str]) -> None:
    """Writes lines to a stream of the group `/app`."""
    logs = lab.client("logs")
    logs.create_log_stream(logGroupName="/app", logStreamName=stream)
    now = int(datetime.now(UTC).timestamp() * 1000)
    events = [{"timestamp": now + at, "message": text} for at, text in lines]
    logs.put_log_events(logGroupName="/app", logStreamName=stream, logEvents=events)


def test_lines_of_all_streams_come_in_the_order_of_time_from_either_end(lab: RunningLab) -> None:
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="/app")
    put(lab, "web/one/1", (-3000, "a"), (-1000, "c"))
    put(lab, "web/two/2", (-2000, "b"))
    put(lab, "job/one/3", (-1500, "x"))

    def texts(**query: Any) -> list[str]:
        found = []
        while True:
            page = logs.filter_log_events(logGroupName="/app", limit=1, **query)
            found += [event["message"] for event in page["events"]]
            if "nextToken" not in page:
                return found
            query["nextToken"] = page["nextToken"]

    assert texts() == ["a", "b", "x", "c"]
    assert texts(startFromHead=False) == ["c", "x", "b", "a"]
    assert texts(logStreamNamePrefix="web/") == ["a", "b", "c"]
    assert texts(logStreamNames=["web/two/2", "job/one/3"]) == ["b", "x"]
    assert texts(filterPattern='"x"') == ["x"]
    with refused("InvalidParameterException"):
        texts(logStreamNames=["web/two/2"], logStreamNamePrefix="web/")
    with refused("ResourceNotFoundException", "log stream does not exist"):
        texts(logStreamNames=["web/two/2", "web/three/3"])
    with refused("ResourceNotFoundException", "log group does not exist"):
        logs.filter_log_events(logGroupName="/other")


@pytest.mark.slow
def test_exec_opens_a_session_once_the_agent_runs(start_lab: Callable[..., RunningLab]) -> None:
    web = Web(start_lab("--scale", "0.2"))
    web.registry.push("web", "1")
    web.create(web.definition(), enableExecuteCommand=True)

    def look(key: str) -> Any:
        tasks = web.ecs.list_tasks(cluster="main")["taskArns"]
        found = web.ecs.describe_tasks(cluster="main", tasks=tasks)["tasks"] if tasks else []
        return next((task for task in found if task[key] == "RUNNING"), None)

    task = until(lambda: look("lastStatus"), "a running task")
    agent = {"name": "ExecuteCommandAgent", "lastStatus": "PENDING"}
    assert task["containers"][0]["managedAgents"] == [agent]
    asked = {"cluster": "main", "task": task["taskArn"], "command": "sh", "interactive": True}
    with refused("TargetNotConnectedException"):
        web.ecs.execute_command(**asked)
    with refused("InvalidParameterException", "not found"):
        web.ecs.execute_command(**{**asked, "task": "0" * 32})

    def opened() -> Any:
        try:
            return web.ecs.execute_command(**asked)
        except web.ecs.exceptions.TargetNotConnectedException:
            return None

    answer = until(opened, "a session")
    session = answer["session"]
    assert session["sessionId"].startswith("ecs-execute-command-")
    stream = f"{web.lab.endpoint.replace('http', 'ws')}/v1/data-channel/{session['sessionId']}?"
    assert session["streamUrl"].startswith(stream)
    assert len(session["tokenValue"]) > 100 and answer["containerName"] == "web"


def test_exec_into_a_task_that_was_started_without_it_is_refused(web: Web) -> None:
    web.create(web.definition())
    web.rollout()
    web.ecs.update_service(cluster="main", service="web", enableExecuteCommand=True)
    task = web.ecs.list_tasks(cluster="main")["taskArns"][0]
    with refused("InvalidParameterException", "execute command was not enabled"):
        web.ecs.execute_command(cluster="main", task=task, command="sh", interactive=True)


def test_a_rollout_that_is_stopped_goes_back_to_the_one_before(web: Web) -> None:
    web.create(web.definition())
    first = web.rollout()["taskDefinition"]
    over = newest(web)["serviceDeploymentArn"]
    with refused("ConflictException"):
        web.ecs.stop_service_deployment(serviceDeploymentArn=over)
    with refused("ServiceDeploymentNotFoundException"):
        web.ecs.stop_service_deployment(serviceDeploymentArn=over + "0")
    ill = web.definition(environment={"SICK": "1"})
    web.ecs.update_service(cluster="main", service="web", taskDefinition=ill)
    arn = newest(web)["serviceDeploymentArn"]
    with refused("InvalidParameterException"):
        web.ecs.continue_service_deployment(
            serviceDeploymentArn=arn, hookId="hook", action="CONTINUE"
        )
    web.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    record = until(lambda: (r := newest(web))["status"] == "ROLLBACK_SUCCESSFUL" and r, "the end")
    assert record["serviceDeploymentArn"] == arn
    back = [record["rollback"]["serviceRevisionArn"]]
    revisions = web.ecs.describe_service_revisions(serviceRevisionArns=back)["serviceRevisions"]
    assert revisions[0]["taskDefinition"] == first == web.describe()["taskDefinition"]


def test_the_first_rollout_that_is_stopped_has_nothing_to_go_back_to(web: Web) -> None:
    web.create(web.definition(environment={"SICK": "1"}))
    web.ecs.stop_service_deployment(serviceDeploymentArn=newest(web)["serviceDeploymentArn"])
    assert newest(web)["status"] == "STOPPED"


def query(stat: str) -> dict[str, Any]:
    """A query for one statistic of the service's CPU."""
    thing = [{"Name": name, "Value": value} for name, value in CPU["dimensions"].items()]
    metric = {"Namespace": "AWS/ECS", "MetricName": "CPUUtilization", "Dimensions": thing}
    return {"Id": "m0", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}


def test_what_aws_measures_is_put_by_hand_and_read_as_statistics(lab: RunningLab) -> None:
    points = [[START + second, float(second)] for second in range(60)]
    lab.post("metrics", {**CPU, "points": [*points, [START + 61, 100.0]]})

    def values(stat: str) -> list[float]:
        found = lab.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query(stat)],
            StartTime=START,
            EndTime=START + 120,
            ScanBy="TimestampAscending",
        )
        (result,) = found["MetricDataResults"]
        assert result["StatusCode"] == "Complete"
        return list(result["Values"])

    assert values("Average") == [29.5, 100.0]
    assert values("Maximum") == [59.0, 100.0]
    assert values("p95") == [56.0, 100.0]


def ask_in_cbor(lab: RunningLab, operation: str, parameters: dict[str, Any]) -> tuple[int, Any]:
    """Makes a call as the SDKs of other languages do."""
    model = get_session().get_service_model("cloudwatch").operation_model(operation)
    request = RpcV2CBORSerializer().serialize_to_request(parameters, model)
    scope = "Credential=lab/20260101/eu-west-1/monitoring/aws4_request"
    headers = {**request["headers"], "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
    path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
    asked = urllib.request.Request(f"{lab.endpoint}{path}", request["body"], headers)
    try:
        with urllib.request.urlopen(asked) as reply:
            status, body, spoken = reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        status, body, spoken = error.code, error.read(), error.headers
    assert spoken["smithy-protocol"] == "rpc-v2-cbor"
    parser = RpcV2CBORParser()
    return status, parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))


def test_cloudwatch_is_spoken_with_in_cbor_too(lab: RunningLab) -> None:
    lab.post("metrics", {**CPU, "points": [[START, 12.5]]})
    window = {"StartTime": START, "EndTime": START + 60}
    parameters = {"MetricDataQueries": [query("Sum")], **window}
    status, answer = ask_in_cbor(lab, "GetMetricData", parameters)
    (result,) = answer["MetricDataResults"]
    assert (status, result["Values"]) == (200, [12.5])
    assert result["Timestamps"][0].timestamp() == START
    lab.post("faults", {"kind": "deny", "match": "monitoring:GetMetricData"})
    status, answer = ask_in_cbor(lab, "GetMetricData", parameters)
    assert (status, answer["__type"]) == (403, "AccessDeniedException")
    assert "cloudwatch:GetMetricData" in answer["message"]
    checked = lab.get("model-check")
    assert (checked["skipped"], checked["refused"]) == (0, [])
