"""State machines of Step Functions: how they are kept, and how they run tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import RunningLab, until
from jobs import Jobs, role_for
from late import eventually, switch
from policy import allow, arn, attach
from stack import refused

SERVICE = "states.amazonaws.com"
RULE = ("events:PutRule", "events:PutTargets", "events:DescribeRule")
RUNS = ("ecs:RunTask", "ecs:StopTask", "iam:PassRole")
MACHINE = arn("states", "stateMachine:job")
ONCE = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 1}]


class Machines:
    """A client and a role."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab, self.client = lab, lab.client("stepfunctions")
        self.role = role_for(lab, SERVICE, *RUNS, *RULE, "sns:Publish", name="machine")

    def create(self, *states: dict[str, Any], name: str = "job", **settings: Any) -> str:
        """A state machine of these states, one after the other."""
        made: str = self.client.create_state_machine(
            name=name, roleArn=self.role, definition=chain(*states, **settings)
        )["stateMachineArn"]
        return made

    def start(self, machine: str, **settings: Any) -> str:
        """Begins an execution."""
        begun: str = self.client.start_execution(stateMachineArn=machine, **settings)[
            "executionArn"
        ]
        return begun

    def ended(self, execution: str) -> dict[str, Any]:
        """An execution that is over."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        end: dict[str, Any] = until(look, "the execution's end", 20)
        return end

    def events(self, execution: str) -> list[str]:
        """The kinds of the events of an execution."""
        history = self.client.get_execution_history(executionArn=execution)["events"]
        return [event["type"] for event in history]


def chain(*states: dict[str, Any], **settings: Any) -> str:
    """A definition of states, each of which leads to the next."""
    names = [f"State {number}" for number in range(len(states))]
    whole: dict[str, Any] = {}
    for number, state in enumerate(states):
        follows = {"Next": names[number + 1]} if number + 1 < len(names) else {"End": True}
        whole[names[number]] = state if state["Type"] in ("Succeed", "Fail") else follows | state
    return json.dumps({"StartAt": names[0], "States": whole, **settings})


def task(jobs: Jobs, definition: str, **settings: Any) -> dict[str, Any]:
    """A state that runs a task and waits for its end."""
    place = jobs.network["awsvpcConfiguration"]
    overrides = settings.pop("overrides", None)
    parameters = {
        "Cluster": jobs.cluster,
        "TaskDefinition": definition,
        "LaunchType": "FARGATE",
        "PropagateTags": "TASK_DEFINITION",
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {k[0].upper() + k[1:]: v for k, v in place.items()}
        },
        **({"Overrides": overrides} if overrides else {}),
    }
    resource = "arn:aws:states:::ecs:runTask.sync"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, **settings}


@pytest.fixture
def machines(lab: RunningLab) -> Machines:
    """A client and a role."""
    return Machines(lab)


@pytest.fixture
def jobs(machines: Machines) -> Jobs:
    """Tasks, and a role that may tag them."""
    jobs = Jobs(machines.lab)
    document = {"Version": "2012-10-17", "Statement": [allow("ecs:TagResource")]}
    machines.lab.client("iam").put_role_policy(
        RoleName="machine", PolicyName="tags", PolicyDocument=json.dumps(document)
    )
    return jobs


PASS = {"Type": "Pass"}


def test_a_state_machine_is_made_once_changed_and_read(machines: Machines) -> None:
    client = machines.client
    tags = [{"key": "stack", "value": "test"}]
    request = {"name": "job", "roleArn": machines.role, "definition": chain(PASS)}
    assert client.create_state_machine(**request, tags=tags)["stateMachineArn"] == MACHINE
    assert client.create_state_machine(**request)["stateMachineArn"] == MACHINE
    with refused("StateMachineAlreadyExists"):
        machines.create(PASS, PASS)
    found = client.describe_state_machine(stateMachineArn=MACHINE)
    assert (found["status"], found["type"]) == ("ACTIVE", "STANDARD")
    assert found["loggingConfiguration"] == {"level": "OFF", "includeExecutionData": False}
    assert "revisionId" not in found
    with refused("MissingRequiredParameter"):
        client.update_state_machine(stateMachineArn=MACHINE)
    client.update_state_machine(stateMachineArn=MACHINE, definition=chain(PASS, PASS))
    found = client.describe_state_machine(stateMachineArn=MACHINE)
    assert found["definition"] == chain(PASS, PASS) and found["roleArn"] == machines.role
    assert [it["name"] for it in client.list_state_machines()["stateMachines"]] == ["job"]
    client.tag_resource(resourceArn=MACHINE, tags=[{"key": "more", "value": "1"}])
    client.untag_resource(resourceArn=MACHINE, tagKeys=["stack"])
    more = [{"key": "more", "value": "1"}]
    assert client.list_tags_for_resource(resourceArn=MACHINE)["tags"] == more
    kinds = {it["kind"]: it for it in machines.lab.get("inventory")["resources"]}
    assert kinds["states:stateMachine"]["tags"] == {"more": "1"}
    with refused("ResourceNotFound"):
        client.list_tags_for_resource(resourceArn=MACHINE.replace("job", "none"))
    with refused("StateMachineDoesNotExist"):
        client.describe_state_machine(stateMachineArn=MACHINE.replace("job", "none"))


def test_what_is_no_state_machine_is_refused(machines: Machines) -> None:
    client, next_none = machines.client, {"Type": "Pass", "Next": "none"}
    for definition, words in (
        ("{", "INVALID_JSON_DESCRIPTION"),
        (json.dumps({"StartAt": "a", "States": {"b": PASS}}), "MISSING_TRANSITION_TARGET"),
        (json.dumps({"StartAt": "a", "States": {"a": next_none}}), "none"),
        (json.dumps({"StartAt": "a", "States": {"a": PASS}}), "either Next or End"),
        (chain({"Type": "Task"}), "Resource"),
        (chain({"Type": "Dance"}), "Type"),
        (chain({**PASS, "Retry": [{"MaxAttempts": 1}]}), "ErrorEquals"),
        (chain({**PASS, "Retry": [{**ONCE[0], "BackoffRate": 0.5}]}), "BackoffRate"),
    ):
        with refused("InvalidDefinition", words):
            client.create_state_machine(name="x", roleArn=machines.role, definition=definition)
        checked = client.validate_state_machine_definition(definition=definition)
        assert checked["result"] == "FAIL" and checked["diagnostics"]
    for state in ({"Type": "Wait", "Seconds": 1}, {"Type": "Task", "Resource": "arn:aws:lambda:x"}):
        with refused("NotImplemented", "the lab runs no"):
            machines.create(state, name="x")
    for name in ("a b", "x" * 81):
        with refused("InvalidName"):
            machines.create(PASS, name=name)


def test_the_role_must_trust_step_functions_and_may_wait(machines: Machines) -> None:
    lab, client = machines.lab, machines.client
    sync = {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync"}
    other = role_for(lab, "ecs-tasks.amazonaws.com", "*", name="other")
    for role in (other, other.replace("other", "none")):
        with refused("AccessDeniedException", "Neither the global service principal"):
            client.create_state_machine(name="x", roleArn=role, definition=chain(PASS))
    regional = role_for(lab, f"states.{client.meta.region_name}.amazonaws.com", name="regional")
    client.create_state_machine(name="regional", roleArn=regional, definition=chain(PASS))
    with refused("AccessDeniedException", "not authorized to create managed-rule"):
        client.create_state_machine(name="x", roleArn=regional, definition=chain(sync))
    switch(lab, "role")
    young = role_for(lab, SERVICE, name="young")
    eventually(
        lambda: client.create_state_machine(name="y", roleArn=young, definition=chain(PASS)),
        "AccessDeniedException",
    )


def test_states_hand_on_what_they_get(machines: Machines) -> None:
    machine = machines.create(
        {**PASS, "Result": {"a": 1}, "ResultPath": "$.first"},
        {**PASS, "Parameters": {"n.$": "$.first.a", "who.$": "$$.Execution.Name"}},
        {"Type": "Succeed"},
    )
    execution = machines.start(machine, name="one", input='{"b": 2}')
    ended = machines.ended(execution)
    assert json.loads(ended["output"]) == {"n": 1, "who": "one"}
    assert (ended["status"], ended["input"]) == ("SUCCEEDED", '{"b": 2}')
    assert machines.events(execution)[-3:] == [
        "SucceedStateEntered",
        "SucceedStateExited",
        "ExecutionSucceeded",
    ]
    with refused("ExecutionAlreadyExists"):
        machines.start(machine, name="one", input='{"b": 3}')
    with refused("InvalidExecutionInput"):
        machines.start(machine, input="{")
    lost = machines.create({**PASS, "Parameters": {"n.$": "$.none"}}, name="lost")
    assert machines.ended(machines.start(lost))["error"] == "States.ParameterPathFailure"
    fails = machines.create({"Type": "Fail", "Error": "Mine", "Cause": "so"}, name="fails")
    ended = machines.ended(machines.start(fails))
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Mine", "so")
    of_fails = {"stateMachineArn": fails, "statusFilter": "FAILED"}
    assert len(machines.client.list_executions(**of_fails)["executions"]) == 1


def test_a_task_that_ends_well_is_the_result(machines: Machines, jobs: Jobs) -> None:
    machine = machines.create(task(jobs, jobs.definition()))
    execution = machines.start(machine)
    ended = machines.ended(execution)
    output = json.loads(ended["output"])
    assert output["Containers"][0]["ExitCode"] == 0 and output["LastStatus"] == "STOPPED"
    (found,) = jobs.describe(output["TaskArn"])
    assert found["startedBy"] == "AWS Step Functions"
    assert found["tags"] == [{"key": "stack", "value": "test"}]
    kinds = machines.events(execution)
    assert kinds[1:7] == [
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
    ]


def test_a_task_that_ends_badly_is_tried_again_and_told(machines: Machines, jobs: Jobs) -> None:
    overrides = {
        "ContainerOverrides": [
            {"Name": "job", "Environment": [{"Name": "EXIT", "Value.$": "$.code"}]}
        ]
    }
    state = task(jobs, jobs.definition(), Retry=ONCE, overrides=overrides)
    execution = machines.start(machines.create(state), input='{"code": "3"}')
    ended = machines.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(ended["cause"])["Containers"][0]["ExitCode"] == 3
    assert machines.events(execution).count("TaskFailed") == 2
    stopped = jobs.ecs.list_tasks(cluster="main", desiredStatus="STOPPED")["taskArns"]
    assert len(stopped) == 2


def test_a_failure_is_caught_and_mailed(machines: Machines, jobs: Jobs) -> None:
    topic = machines.lab.client("sns").create_topic(Name="mail")["TopicArn"]
    url = machines.lab.client("sqs").create_queue(QueueName="inbox")["QueueUrl"]
    machines.lab.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "inbox")
    )
    catch = [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "State 1"}]
    mail = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": topic, "Message.$": "$.error.Error"},
    }
    lost = task(jobs, "none:1", Catch=[{**catch[0], "ErrorEquals": ["ECS.ClientException"]}])
    assert machines.ended(machines.start(machines.create(lost, mail)))["status"] == "SUCCEEDED"
    (message,) = machines.lab.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "ECS.ClientException"


def test_a_task_that_takes_too_long_is_stopped(machines: Machines, jobs: Jobs) -> None:
    lives = jobs.definition(jobs.container(environment={"LIVES": "30"}))

    def timed_out(machine: str) -> tuple[str, str]:
        execution = machines.start(machine)
        running = until(lambda: jobs.ecs.list_tasks(cluster="main")["taskArns"], "the task", 10)
        machines.lab.post("clock", {"advance": 3600})
        ended = machines.ended(execution)
        stopped = jobs.ended(running[0])
        assert stopped["stopCode"] == "UserInitiated" and ended["error"] == "States.Timeout"
        return ended["status"], machines.events(execution)[-1]

    of_state = machines.create(task(jobs, lives, TimeoutSeconds=3600))
    assert timed_out(of_state) == ("FAILED", "ExecutionFailed")
    whole = machines.create(task(jobs, lives), name="whole", TimeoutSeconds=3600)
    assert timed_out(whole) == ("TIMED_OUT", "ExecutionTimedOut")
    execution = machines.start(of_state)
    running = until(lambda: jobs.ecs.list_tasks(cluster="main")["taskArns"], "the task", 10)
    machines.client.stop_execution(executionArn=execution, error="Mine", cause="enough")
    ended = machines.ended(execution)
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Mine", "enough")
    assert jobs.ended(running[0])["stopCode"] == "UserInitiated"


def test_what_a_role_may_not_do_fails_the_state(machines: Machines, jobs: Jobs) -> None:
    machine = machines.create(task(jobs, jobs.definition()))
    machines.lab.client("iam").delete_role_policy(RoleName="machine", PolicyName="tags")
    ended = machines.ended(machines.start(machine))
    assert ended["error"] == "ECS.AccessDeniedException" and "ecs:TagResource" in ended["cause"]


def test_a_schedule_starts_a_state_machine(machines: Machines) -> None:
    role = role_for(machines.lab, "scheduler.amazonaws.com", "states:StartExecution")
    machine = machines.create(PASS)
    machines.lab.client("scheduler").create_schedule(
        Name="nightly",
        ScheduleExpression="cron(0 0 * * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": role, "Input": '{"a": 1}'},
    )
    machines.lab.post("clock", {"advance": 24 * 3600})
    look = lambda: machines.lab.get("schedules")["invocations"]  # noqa: E731
    (execution,) = until(look, "the execution")[0]["started"]
    assert machines.ended(execution)["output"] == '{"a": 1}'


def test_what_becomes_of_executions_is_told_and_counted(machines: Machines) -> None:
    events, queue = machines.lab.client("events"), arn("sqs", "none")
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED"], "error": ["Mine"]}}
    events.put_rule(Name="failed", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="failed", Targets=[{"Id": "a", "Arn": queue}])
    for name, state in (("fails", {"Type": "Fail", "Error": "Mine"}), ("passes", PASS)):
        machines.ended(machines.start(machines.create(state, name=name)))
    deliveries = machines.lab.get("events")["deliveries"]
    assert [it["error"] for it in deliveries] == ["NO_RESOURCE"]
    found = machines.lab.client("cloudwatch").list_metrics(Namespace="AWS/States")["Metrics"]
    names = {it["MetricName"] for it in found}
    assert names == {"ExecutionsStarted", "ExecutionsFailed", "ExecutionsSucceeded"}


def test_a_changed_machine_still_runs_as_it_was(machines: Machines) -> None:
    switch(machines.lab, "state-machine")
    machine = machines.create({**PASS, "Result": 1})
    machines.client.update_state_machine(
        stateMachineArn=machine, definition=chain({**PASS, "Result": 2})
    )
    assert machines.ended(machines.start(machine))["output"] == "1", "the definition before"
    newest = lambda: machines.ended(machines.start(machine))["output"] == "2"  # noqa: E731
    until(newest, "the new definition", 5)


def test_deleting_waits_for_what_runs(machines: Machines, jobs: Jobs) -> None:
    lives = jobs.definition(jobs.container(environment={"LIVES": "1"}))
    machine = machines.create(task(jobs, lives), PASS)
    execution = machines.start(machine)
    until(lambda: "TaskSubmitted" in machines.events(execution), "the task", 10)
    machines.client.delete_state_machine(stateMachineArn=machine)
    described = machines.client.describe_state_machine
    assert described(stateMachineArn=machine)["status"] == "DELETING"
    with refused("StateMachineDeleting"):
        machines.start(machine)
    with refused("StateMachineDeleting"):
        machines.create(PASS)
    until(lambda: not machines.client.list_state_machines()["stateMachines"], "its end", 10)
    machines.client.delete_state_machine(stateMachineArn=machine)
    with refused("ExecutionDoesNotExist"):
        machines.client.describe_execution(executionArn=execution)


def test_what_state_machines_need(machines: Machines) -> None:
    passes = allow("iam:PassRole", StringEquals={"iam:PassedToService": SERVICE})
    attach(machines.lab, allow("states:CreateStateMachine", on=MACHINE))
    with refused("AccessDeniedException", "iam:PassRole"):
        machines.create(PASS)
    attach(machines.lab, allow("states:CreateStateMachine", on=MACHINE), passes)
    machine = machines.create(PASS)
    with refused("AccessDeniedException", "states:StartExecution"):
        machines.start(machine)
    with refused("AccessDeniedException", "states:TagResource"):
        machines.client.create_state_machine(
            name="job",
            roleArn=machines.role,
            definition=chain(PASS),
            tags=[{"key": "k", "value": "v"}],
        )
    assert machines.lab.get("model-check")["refused"] == []
