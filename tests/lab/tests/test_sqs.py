"""SQS: queues as they are made, changed and emptied."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from conftest import RunningLab
from late import eventually, switch
from policy import allow, arn, attach
from stack import refused

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}],
}


@pytest.fixture
def sqs(lab: RunningLab) -> Any:
    """A client."""
    return lab.client("sqs")


def attributes(sqs: Any, url: str) -> dict[str, str]:
    """All attributes of a queue."""
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    return found


def test_the_same_queue_again_is_the_same_one(sqs: Any) -> None:
    longer = {"VisibilityTimeout": "60"}
    url = sqs.create_queue(QueueName="jobs", Attributes=longer, tags={"stack": "test"})["QueueUrl"]
    again = sqs.create_queue(QueueName="jobs", Attributes=longer, tags={"stack": "other"})
    assert again["QueueUrl"] == url == sqs.create_queue(QueueName="jobs")["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stack": "test"}
    with refused("QueueAlreadyExists"):
        sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "61"})
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        sqs.get_queue_url(QueueName="none")


def test_attributes_are_changed_one_by_one(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs", Attributes={"Policy": json.dumps(POLICY)})["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    found = attributes(sqs, url)
    assert json.loads(found["Policy"]) == POLICY and found["MessageRetentionPeriod"] == "60"
    assert found["SqsManagedSseEnabled"] == "true"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in attributes(sqs, url)
    for name, value in (
        ("VisibilityTimeout", "43201"),
        ("MessageRetentionPeriod", "59"),
        ("DelaySeconds", "soon"),
        ("Policy", "everybody"),
    ):
        with refused("InvalidAttributeValue"):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})
    with refused("InvalidAttributeName"):
        sqs.create_queue(QueueName="more", Attributes={"Colour": "red"})


def test_a_queue_has_one_encryption_and_keeps_its_type(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs", Attributes={"KmsMasterKeyId": "alias/aws/sqs"})[
        "QueueUrl"
    ]
    found = attributes(sqs, url)
    assert (found["KmsMasterKeyId"], found["SqsManagedSseEnabled"]) == ("alias/aws/sqs", "false")
    by_sqs = {"SqsManagedSseEnabled": "true"}
    with refused("InvalidAttributeValue", "one type of server-side encryption"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=by_sqs)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={**by_sqs, "KmsMasterKeyId": ""})
    found = attributes(sqs, url)
    assert "KmsMasterKeyId" not in found and found["SqsManagedSseEnabled"] == "true"
    for name, value in (("FifoQueue", "true"), ("ContentBasedDeduplication", "true")):
        with refused("InvalidAttributeName"):
            sqs.set_queue_attributes(QueueUrl=url, Attributes={name: value})
    with refused("InvalidAttributeValue"):
        sqs.create_queue(QueueName="plain", Attributes={"FifoQueue": "false"})


def test_messages_that_nobody_handles_go_to_a_queue_that_takes_them(sqs: Any) -> None:
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = {"deadLetterTargetArn": arn("sqs", "dead"), "maxReceiveCount": 1}
    redrive = {"RedrivePolicy": json.dumps(policy)}
    closed = {"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    sqs.set_queue_attributes(QueueUrl=dead, Attributes=closed)
    assert json.loads(attributes(sqs, dead)["RedriveAllowPolicy"])["redrivePermission"] == "denyAll"
    with refused("InvalidParameterValue", "does not permit"):
        sqs.create_queue(QueueName="jobs", Attributes=redrive)
    sqs.set_queue_attributes(
        QueueUrl=dead,
        Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "allowAll"})},
    )
    with refused("InvalidParameterValue", "same type"):
        sqs.create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true", **redrive})
    url = sqs.create_queue(QueueName="jobs", Attributes=redrive)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    assert sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    (message,) = sqs.receive_message(QueueUrl=dead)["Messages"]
    assert message["Body"] == "poison"


def test_a_changed_attribute_shows_late(lab: RunningLab, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    switch(lab, "queue-attributes")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "77"})
    sqs.send_message(QueueUrl=url, MessageBody="x")
    found = attributes(sqs, url)
    assert (found["VisibilityTimeout"], found["ApproximateNumberOfMessages"]) == ("30", "1")
    ends = time.monotonic() + 5
    while attributes(sqs, url)["VisibilityTimeout"] != "77":
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_queue_is_purged_once_a_minute(lab: RunningLab, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.purge_queue(QueueUrl=url)
    assert attributes(sqs, url)["ApproximateNumberOfMessages"] == "0"
    with refused("AWS.SimpleQueueService.PurgeQueueInProgress"):
        sqs.purge_queue(QueueUrl=url)
    lab.post("clock", {"advance": 61})
    sqs.purge_queue(QueueUrl=url)


def test_others_may_send_while_somebody_waits(lab: RunningLab, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    other = lab.client("sqs")
    sender = threading.Timer(0.3, lambda: other.send_message(QueueUrl=url, MessageBody="late"))
    sender.start()
    began = time.monotonic()
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    sender.join()
    assert message["Body"] == "late" and time.monotonic() - began < 5


def test_a_young_queue_is_not_found_and_the_name_of_a_deleted_one_is_taken(
    lab: RunningLab, sqs: Any
) -> None:
    switch(lab, "queue", "queue-name")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    missing, recent = "NonExistentQueue", "QueueDeletedRecently"
    eventually(lambda: sqs.get_queue_url(QueueName="jobs"), f"AWS.SimpleQueueService.{missing}")
    sqs.delete_queue(QueueUrl=url)
    eventually(lambda: sqs.create_queue(QueueName="jobs"), f"AWS.SimpleQueueService.{recent}")


def test_queues_carry_tags_and_are_found_by_them(lab: RunningLab, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs", tags={"stack": "test"})["QueueUrl"]
    sqs.tag_queue(QueueUrl=url, Tags={"more": "1"})
    with refused("InvalidParameterValue"):
        sqs.tag_queue(QueueUrl=url, Tags={"aws:x": "1"})
    found = [it for it in lab.get("inventory")["resources"] if it["kind"] == "sqs:queue"]
    assert [(it["arn"], it["tags"]) for it in found] == [
        (arn("sqs", "jobs"), {"stack": "test", "more": "1"})
    ]
    attach(lab, allow("sqs:CreateQueue", "sqs:SendMessage", on=arn("sqs", "jobs")))
    with refused("AccessDeniedException", "sqs:TagQueue"):
        sqs.create_queue(QueueName="jobs", tags={"stack": "test"})
    entry = {"Id": "a", "MessageBody": "x"}
    assert sqs.send_message_batch(QueueUrl=url, Entries=[entry])["Successful"]
    with refused("AccessDeniedException", "sqs:DeleteQueue"):
        sqs.delete_queue(QueueUrl=url)
