"""Rules of EventBridge: how they are kept, and where events of tasks get to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import RunningLab, until
from jobs import Jobs
from late import switch
from policy import allow, arn, attach
from stack import refused

FAILED = {
    "source": ["aws.ecs"],
    "detail-type": ["ECS Task State Change"],
    "detail": {
        "lastStatus": ["STOPPED"],
        "group": ["family:job"],
        "containers": {"exitCode": [{"anything-but": [0]}]},
    },
}
RULE = arn("events", "rule/failed")
TAGS = [{"Key": "stack", "Value": "test"}]


@pytest.fixture
def events(lab: RunningLab) -> Any:
    """A client, and a rule for jobs that failed."""
    client = lab.client("events")
    client.put_rule(Name="failed", EventPattern=json.dumps(FAILED), Tags=TAGS)
    return client


def permitted(action: str | list[str], resource: str) -> str:
    """A resource's policy for EventBridge and our rule."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": RULE}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_rule_is_put_described_and_deleted_after_its_targets(events: Any) -> None:
    assert events.describe_rule(Name="failed")["Arn"] == RULE
    again = {"Name": "failed", "EventPattern": json.dumps(FAILED), "State": "DISABLED"}
    events.put_rule(**again, Description="d", Tags=[{"Key": "stack", "Value": "other"}])
    assert events.describe_rule(Name="failed")["State"] == "DISABLED"
    assert events.list_tags_for_resource(ResourceARN=RULE)["Tags"] == TAGS
    queue = {"Id": "queue", "Arn": arn("sqs", "events")}
    events.put_targets(Rule="failed", Targets=[queue])
    events.put_rule(**again)
    assert "Description" not in events.describe_rule(Name="failed")
    assert events.list_targets_by_rule(Rule="failed")["Targets"] == [queue]
    assert [it["Name"] for it in events.list_rules(NamePrefix="fa")["Rules"]] == ["failed"]
    with refused("ValidationException", "has targets"):
        events.delete_rule(Name="failed")
    events.remove_targets(Rule="failed", Ids=["queue"])
    events.delete_rule(Name="failed")
    events.delete_rule(Name="failed")
    with refused("ResourceNotFoundException"):
        events.describe_rule(Name="failed")


def test_rules_refuse_what_eventbridge_refuses(lab: RunningLab, events: Any) -> None:
    loose = lab.client("events", parameter_validation=False)
    with refused("InvalidEventPatternException", "Unrecognized match type"):
        events.put_rule(Name="x", EventPattern='{"source": [{"like": "x"}]}')
    with refused("ValidationException"):
        loose.put_rule(Name="x y", EventPattern='{"source": ["x"]}')
    with refused("ValidationException"):
        events.put_rule(Name="x")
    queues = [{"Id": str(n), "Arn": arn("sqs", "events")} for n in range(6)]
    with refused("LimitExceededException"):
        events.put_targets(Rule="failed", Targets=queues)
    with refused("ResourceNotFoundException"):
        events.put_targets(Rule="none", Targets=queues[:1])
    with refused("ResourceNotFoundException"):
        events.list_targets_by_rule(Rule="none")
    with refused("ResourceNotFoundException"):
        events.tag_resource(ResourceARN=RULE.replace("failed", "none"), Tags=TAGS)


def test_a_failed_task_is_told_to_those_who_let_it_be_told(lab: RunningLab, events: Any) -> None:
    jobs, sqs, logs = Jobs(lab), lab.client("sqs"), lab.client("logs")
    open_queue, closed, topic = arn("sqs", "open"), arn("sqs", "closed"), arn("sns", "mail")
    url = sqs.create_queue(
        QueueName="open", Attributes={"Policy": permitted("sqs:SendMessage", open_queue)}
    )["QueueUrl"]
    sqs.create_queue(QueueName="closed")
    sns = lab.client("sns")
    sns.create_topic(Name="mail", Attributes={"Policy": permitted("sns:Publish", topic)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=open_queue)
    logs.create_log_group(logGroupName="/aws/events/jobs")
    group = arn("logs", "log-group:/aws/events/jobs")
    logs.put_resource_policy(
        policyName="events",
        policyDocument=permitted(["logs:CreateLogStream", "logs:PutLogEvents"], f"{group}:*"),
    )
    whole = {"Id": "queue", "Arn": open_queue}
    dead = {"Id": "dead", "Arn": closed, "DeadLetterConfig": {"Arn": open_queue}}
    targets = [
        {"Id": "topic", "Arn": topic, "InputPath": "$.detail.taskArn"},
        {"Id": "logs", "Arn": group},
    ]
    events.put_targets(Rule="failed", Targets=[whole, dead, *targets])
    jobs.ended(jobs.run(jobs.definition())["tasks"][0]["taskArn"])
    fails = jobs.definition(jobs.container(environment={"EXIT": "3"}))
    task = jobs.ended(jobs.run(fails, startedBy="me")["tasks"][0]["taskArn"])
    deliveries = until(lambda: lab.get("events")["deliveries"], "the event")
    errors = {it["target"]: it["error"] for it in deliveries}
    assert errors == {open_queue: "", closed: "NO_PERMISSIONS", topic: "", group: ""}
    received = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )["Messages"]
    assert len(received) == 3, "the event, what the other queue refused, and the topic's"
    event = next(json.loads(it["Body"]) for it in received if "detail-type" in it["Body"])
    assert event["resources"] == [task["taskArn"]] and event["source"] == "aws.ecs"
    assert event["detail"]["containers"][0]["exitCode"] == 3
    assert event["detail"]["startedBy"] == "me" and event["detail"]["stoppedAt"].endswith("Z")
    letter = next(it for it in received if "MessageAttributes" in it)["MessageAttributes"]
    assert letter["RULE_ARN"]["StringValue"] == RULE
    (stream,) = logs.describe_log_streams(logGroupName="/aws/events/jobs")["logStreams"]
    lines = logs.get_log_events(
        logGroupName="/aws/events/jobs", logStreamName=stream["logStreamName"]
    )["events"]
    assert json.loads(lines[0]["message"])["id"] == event["id"]


def test_each_status_is_an_event_in_its_own_place(lab: RunningLab, events: Any) -> None:
    keys = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
    pattern = json.dumps({"source": ["aws.ecs"], "detail": {"group": ["family:job"]}})
    for client in (events, lab.client_at("events", "us-east-1", keys)):
        client.put_rule(Name="all", EventPattern=pattern)
        client.put_targets(Rule="all", Targets=[{"Id": "a", "Arn": arn("sqs", "none")}])
    jobs = Jobs(lab)
    jobs.ended(jobs.run(jobs.definition())["tasks"][0]["taskArn"])
    deliveries = lab.get("events")["deliveries"]
    assert {it["rule"].split(":")[3] for it in deliveries} == {"eu-west-1"}
    assert len(deliveries) == 8 and deliveries[0]["error"] == "NO_RESOURCE"


def test_events_of_ones_own_get_to_a_rule_that_is_old_enough(lab: RunningLab, events: Any) -> None:
    switch(lab, "rule")
    events.put_rule(Name="own", EventPattern='{"source": ["me"]}')
    events.put_targets(Rule="own", Targets=[{"Id": "a", "Arn": arn("sqs", "none")}])
    entry = {"Source": "me", "DetailType": "x", "Detail": "{}"}
    assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert lab.get("events")["deliveries"] == []

    def put() -> Any:
        events.put_events(Entries=[entry])
        return lab.get("events")["deliveries"]

    until(put, "the event", 5)


def test_what_rules_need(lab: RunningLab, events: Any) -> None:
    kinds = {it["kind"]: it for it in lab.get("inventory")["resources"]}
    assert kinds["events:rule"]["arn"] == RULE and kinds["events:rule"]["tags"] == {"stack": "test"}
    assert "events:event-bus" not in kinds
    attach(lab, allow("events:PutRule", on=RULE))
    with refused("AccessDeniedException", "events:TagResource"):
        events.put_rule(Name="failed", EventPattern='{"source": ["x"]}', Tags=TAGS)
    events.put_rule(Name="failed", EventPattern='{"source": ["x"]}')
    with refused("AccessDeniedException", "events:PutTargets"):
        events.put_targets(Rule="failed", Targets=[{"Id": "a", "Arn": arn("sqs", "x")}])
