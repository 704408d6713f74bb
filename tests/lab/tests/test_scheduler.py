"""EventBridge Scheduler: schedules and groups as they are kept, and what comes of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conftest import REGION, RunningLab, until
from jobs import Jobs, changed, role_for, trust
from late import eventually, switch
from policy import allow, arn, attach, denied
from stack import refused

SERVICE = "scheduler.amazonaws.com"
OFF = {"Mode": "OFF"}
NEVER = "cron(0 0 1 1 ? 2199)"
HOURLY = "cron(0 * * * ? *)"
QUEUE = arn("sqs", "dead")


class Scheduled:
    """Schedules of a queue, which need nothing else."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab, self.client = lab, lab.client("scheduler")
        self.role = role_for(lab, SERVICE, "sqs:SendMessage", "ecs:RunTask", "iam:PassRole")
        self.queue = lab.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
        self.client.create_schedule_group(Name="jobs", Tags=[{"Key": "stack", "Value": "test"}])

    def target(self, **settings: Any) -> dict[str, Any]:
        """The queue."""
        return {"Arn": QUEUE, "RoleArn": self.role, "Input": '{"hello": 1}', **settings}

    def request(self, name: str = "nightly", **settings: Any) -> dict[str, Any]:
        """What a schedule is made and changed with."""
        return {
            "Name": name,
            "GroupName": "jobs",
            "ScheduleExpression": NEVER,
            "FlexibleTimeWindow": OFF,
            "Target": self.target(),
            **settings,
        }

    def create(self, name: str = "nightly", **settings: Any) -> str:
        """Makes a schedule."""
        made: str = self.client.create_schedule(**self.request(name, **settings))["ScheduleArn"]
        return made

    def invocations(self) -> list[dict[str, Any]]:
        """What came round."""
        found: list[dict[str, Any]] = self.lab.get("schedules")["invocations"]
        return found

    def messages(self) -> list[dict[str, Any]]:
        """What is in the queue; it is taken out."""
        sqs = self.lab.client("sqs")
        found: list[dict[str, Any]] = sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        return found


@pytest.fixture
def made(lab: RunningLab) -> Scheduled:
    """A group, a role and a queue."""
    return Scheduled(lab)


def test_a_schedule_is_read_back_with_its_defaults_and_replaced_as_a_whole(made: Scheduled) -> None:
    made.create(Description="each night", State="DISABLED")
    found = made.client.get_schedule(Name="nightly", GroupName="jobs")
    assert found["Arn"] == arn("scheduler", "schedule/jobs/nightly")
    assert (found["State"], found["Description"]) == ("DISABLED", "each night")
    made.client.update_schedule(**made.request())
    found = made.client.get_schedule(Name="nightly", GroupName="jobs")
    assert "Description" not in found and found["State"] == "ENABLED"
    assert found["ScheduleExpressionTimezone"] == "UTC"
    assert found["ActionAfterCompletion"] == "NONE"
    assert found["Target"]["RetryPolicy"] == {
        "MaximumEventAgeInSeconds": 86400,
        "MaximumRetryAttempts": 185,
    }
    request = made.request("other")
    del request["GroupName"]
    made.client.create_schedule(**request)
    assert made.client.get_schedule(Name="other")["GroupName"] == "default"
    listed = made.client.list_schedules
    assert [it["Name"] for it in listed(GroupName="jobs")["Schedules"]] == ["nightly"]
    assert [it["Name"] for it in listed(NamePrefix="ot")["Schedules"]] == ["other"]
    assert listed(State="DISABLED")["Schedules"] == []
    assert len(listed(MaxResults=1)["Schedules"]) == 1 and "NextToken" in listed(MaxResults=1)
    with refused("ResourceNotFoundException"):
        listed(GroupName="none")
    made.client.delete_schedule(Name="nightly", GroupName="jobs")
    for gone in (made.client.get_schedule, made.client.delete_schedule):
        with refused("ResourceNotFoundException"):
            gone(Name="nightly", GroupName="jobs")


def test_a_name_is_taken_once_and_a_token_stands_for_its_schedule(made: Scheduled) -> None:
    first = made.create(ClientToken="once")
    assert made.create(ClientToken="once") == first
    with refused("ConflictException") as caught:
        made.create()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    with refused("ConflictException"):
        made.create(ClientToken="once", State="DISABLED")
    with refused("ConflictException"):
        made.client.create_schedule_group(Name="jobs")
    with refused("ResourceNotFoundException"):
        made.create("x", GroupName="none")


def test_what_is_no_schedule_is_refused(made: Scheduled) -> None:
    cluster = {"Arn": arn("ecs", "cluster/main")}
    task = {"TaskDefinitionArn": arn("ecs", "task-definition/job")}
    long_ago = datetime.now(UTC) - timedelta(days=1)
    loose = {"parameter_validation": False}
    client = made.lab.client("scheduler", **loose)
    for settings, words in (
        ({"ScheduleExpression": "cron(0 8 * * * *)"}, "Invalid Schedule Expression cron"),
        ({"ScheduleExpressionTimezone": "Europe/Nowhere"}, "Timezone"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
        ({"FlexibleTimeWindow": {**OFF, "MaximumWindowInMinutes": 5}}, "MaximumWindowInMinutes"),
        ({"ScheduleExpression": HOURLY, "EndDate": long_ago}, "EndDate"),
        ({"ScheduleExpression": HOURLY, "StartDate": long_ago}, "StartDate"),
        ({"Name": "a b"}, "does not match"),
        ({"Name": "x" * 65}, "more than 64"),
        ({"Target": made.target(**cluster)}, "EcsParameters"),
        ({"Target": made.target(EcsParameters=task)}, "EcsParameters"),
        ({"Target": made.target(RetryPolicy={"MaximumRetryAttempts": 186})}, "more than 185"),
    ):
        with refused("ValidationException", words):
            client.create_schedule(**made.request(**settings))


def test_the_role_must_be_there_and_trust_the_scheduler(made: Scheduled) -> None:
    words = "must allow AWS EventBridge Scheduler to assume the role"
    iam = made.lab.client("iam")
    other = role_for(made.lab, "ecs-tasks.amazonaws.com", "*", name="other")
    for role in (other, other.replace("other", "none")):
        with refused("ValidationException", words):
            made.create(Target=made.target(RoleArn=role))
    narrow = json.loads(trust(SERVICE))
    for group, is_ours in (("jobs", True), ("else", False)):
        source = {"aws:SourceArn": arn("scheduler", f"schedule-group/{group}")}
        account = {"aws:SourceAccount": "123456789012"}
        narrow["Statement"][0]["Condition"] = {"StringEquals": account | source}
        iam.update_assume_role_policy(RoleName="other", PolicyDocument=json.dumps(narrow))
        if is_ours:
            made.create(Target=made.target(RoleArn=other))
        else:
            with refused("ValidationException", words):
                made.client.update_schedule(**made.request(Target=made.target(RoleArn=other)))


def test_a_young_role_cannot_be_assumed(made: Scheduled) -> None:
    switch(made.lab, "role")
    young = role_for(made.lab, SERVICE, "sqs:SendMessage", name="young")
    eventually(lambda: made.create(Target=made.target(RoleArn=young)), "ValidationException")


def test_a_group_goes_with_what_is_inside(made: Scheduled) -> None:
    switch(made.lab, "schedule-group")
    made.create(ScheduleExpression="rate(1 minute)")
    until(lambda: len(made.invocations()) == 1, "its first time, which is at once", 5)
    made.client.delete_schedule_group(Name="jobs")
    assert made.client.get_schedule_group(Name="jobs")["State"] == "DELETING"
    made.lab.post("clock", {"advance": 61})
    until(lambda: len(made.invocations()) == 2, "that it still comes round", 5)
    for again in (made.create, lambda: made.client.create_schedule_group(Name="jobs")):
        with refused("ConflictException"):
            again()
    groups = made.client.list_schedule_groups
    until(lambda: [it["Name"] for it in groups()["ScheduleGroups"]] == ["default"], "its end", 5)
    assert made.client.list_schedules()["Schedules"] == []
    with refused("ValidationException"):
        made.client.delete_schedule_group(Name="default")


def test_groups_carry_the_tags(made: Scheduled) -> None:
    group = made.client.get_schedule_group(Name="jobs")["Arn"]
    made.client.tag_resource(ResourceArn=group, Tags=[{"Key": "more", "Value": "1"}])
    made.client.untag_resource(ResourceArn=group, TagKeys=["stack"])
    assert made.client.list_tags_for_resource(ResourceArn=group)["Tags"] == [
        {"Key": "more", "Value": "1"}
    ]
    index = made.lab.client("resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=["scheduler:schedule-group"]
    )
    assert [it["ResourceARN"] for it in index["ResourceTagMappingList"]] == [group]
    with refused("ValidationException"):
        made.client.tag_resource(ResourceArn=group, Tags=[{"Key": "aws:x", "Value": "1"}])
    schedule = made.create()
    with refused("ValidationException"):
        made.client.tag_resource(ResourceArn=schedule, Tags=[])
    kinds = {it["kind"]: it["arn"] for it in made.lab.get("inventory")["resources"]}
    assert kinds["scheduler:schedule"] == schedule and kinds["scheduler:schedule-group"] == group


def test_a_schedule_starts_a_task_under_its_role(lab: RunningLab) -> None:
    jobs = Jobs(lab)
    definition = jobs.definition()
    role = role_for(lab, SERVICE, "ecs:RunTask", name="starter")
    place = jobs.network["awsvpcConfiguration"]
    network = {name[0].upper() + name[1:]: value for name, value in place.items()}
    target = {
        "Arn": jobs.cluster,
        "RoleArn": role,
        "Input": json.dumps(changed({"EXIT": "4"})),
        "RetryPolicy": {"MaximumRetryAttempts": 0},
        "EcsParameters": {
            "TaskDefinitionArn": definition.rsplit(":", 1)[0],
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"awsvpcConfiguration": network},
        },
    }
    lab.client("scheduler").create_schedule(
        Name="nightly", ScheduleExpression=HOURLY, FlexibleTimeWindow=OFF, Target=target
    )
    lab.post("schedules", {"schedule": "nightly"})
    (first,) = lab.get("schedules")["invocations"]
    assert first["is_dropped"] and "iam:PassRole on resource" in first["error"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:PassRole")]})
    lab.client("iam").put_role_policy(
        RoleName="starter", PolicyName="passes", PolicyDocument=document
    )
    lab.post("clock", {"advance": 3600})
    look = lambda: [it for it in lab.get("schedules")["invocations"] if it["started"]]  # noqa: E731
    task = until(look, "the task")[0]["started"][0]
    ended = jobs.ended(task)
    assert ended["startedBy"] == "chronos-schedule/nightly"
    assert ended["containers"][0]["exitCode"] == 4
    jobs.ecs.deregister_task_definition(taskDefinition=definition)
    lab.post("schedules", {"schedule": "nightly"})
    assert "TaskDefinition not found" in lab.get("schedules")["invocations"][-1]["error"]


def test_what_cannot_be_started_is_tried_again_and_put_into_a_queue(made: Scheduled) -> None:
    dead = made.target(
        Arn=arn("sqs", "none"),
        DeadLetterConfig={"Arn": QUEUE},
        RetryPolicy={"MaximumRetryAttempts": 2},
    )
    schedule = made.create(Target=dead)
    old = {**dead, "RetryPolicy": {"MaximumEventAgeInSeconds": 60}}
    made.create("old", Target=old)
    for name in ("nightly", "old"):
        made.lab.post("schedules", {"schedule": f"jobs/{name}"})
    until(lambda: all(it["is_dropped"] for it in made.invocations()), "that both are given up", 5)
    assert made.invocations()[0]["attempts"] == 3
    letters = {
        message["MessageAttributes"]["SCHEDULE_ARN"]["StringValue"]: message
        for message in made.messages()
    }
    letter = letters[schedule]
    assert letter["Body"] == '{"hello": 1}'
    values = {name: it["StringValue"] for name, it in letter["MessageAttributes"].items()}
    assert values["ERROR_CODE"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert values["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert (values["RETRY_ATTEMPTS"], values["TARGET_ARN"]) == ("2", arn("sqs", "none"))
    aged = letters[arn("scheduler", "schedule/jobs/old")]["MessageAttributes"]
    assert aged["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumEventAgeInSeconds"
    metrics = made.lab.client("cloudwatch").list_metrics(Namespace="AWS/Scheduler")["Metrics"]
    assert {"TargetErrorCount", "InvocationDroppedCount"} <= {it["MetricName"] for it in metrics}


def test_schedules_come_round_by_the_labs_clock_while_they_may(made: Scheduled) -> None:
    now = datetime.now(UTC)
    soon = now + timedelta(hours=1)
    made.create("once", ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})", State="ENABLED")
    made.create(
        "vanishes",
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ActionAfterCompletion="DELETE",
    )
    made.create("off", ScheduleExpression="rate(1 minute)", State="DISABLED")
    made.create(
        "ends",
        ScheduleExpression="rate(1 hour)",
        StartDate=now + timedelta(hours=2),
        EndDate=now + timedelta(hours=4, minutes=30),
    )
    made.lab.post("clock", {"advance": 24 * 3600})
    until(lambda: len(made.invocations()) == 5, "five times", 5)
    names = [it["schedule"].rsplit("/", 1)[-1] for it in made.invocations()]
    assert sorted(names) == ["ends", "ends", "ends", "once", "vanishes"]
    left = {it["Name"] for it in made.client.list_schedules()["Schedules"]}
    assert left == {"once", "off", "ends"}


def test_places_do_not_see_each_others_schedules(made: Scheduled) -> None:
    keys = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
    elsewhere = made.lab.client_at("scheduler", "us-east-1", keys)
    made.create()
    assert REGION != "us-east-1" and elsewhere.list_schedules()["Schedules"] == []
    assert len(elsewhere.list_schedule_groups()["ScheduleGroups"]) == 1


def test_what_schedules_need(made: Scheduled) -> None:
    passes = allow("iam:PassRole", StringEquals={"iam:PassedToService": SERVICE})
    inside = allow("scheduler:CreateSchedule", on=arn("scheduler", "schedule/jobs/*"))
    attach(made.lab, inside)
    with refused("AccessDeniedException", "iam:PassRole"):
        made.create()
    attach(made.lab, inside, passes)
    made.create()
    with refused("AccessDeniedException", "scheduler:CreateSchedule"):
        made.create("x", GroupName="default")
    attach(made.lab, allow("scheduler:CreateScheduleGroup"))
    made.client.create_schedule_group(Name="a")
    with refused("AccessDeniedException", "scheduler:TagResource"):
        made.client.create_schedule_group(Name="b", Tags=[{"Key": "k", "Value": "v"}])
    assert denied(made.lab) == [("scheduler:TagResource", "schedule-group/b")]


def test_the_lab_tells_and_strikes_operations_by_their_names(made: Scheduled) -> None:
    made.create()
    assert made.lab.get("calls")["operations"]["scheduler:CreateSchedule"] == 1
    assert made.lab.get("model-check")["refused"] == []
    switch(made.lab, "pages")
    for number in range(3):
        made.create(f"more-{number}")
    answer = made.client.list_schedules(GroupName="jobs")
    assert len(answer["Schedules"]) == 2 and "NextToken" in answer
    made.lab.post("faults", {"kind": "throttle", "match": "scheduler:List*"})
    with refused("ThrottlingException") as caught:
        made.client.list_schedules()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
