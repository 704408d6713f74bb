"""Topics and their subscriptions: who is asked first, and what arrives where."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import TAGS, refused
from test_alarms import ALARM, put

MAIL = "ops@example.org"


def topic(lab: RunningLab, name: str = "ops", **settings: Any) -> str:
    """A topic."""
    arn: str = lab.client("sns").create_topic(Name=name, **settings)["TopicArn"]
    return arn


def listed(sns: Any, arn: str) -> list[tuple[str, str]]:
    """The subscriptions of a topic: to whom, and by which ARN."""
    found = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    return [(it["Endpoint"], it["SubscriptionArn"]) for it in found]


def test_a_topic_is_made_once_and_is_then_the_same(lab: RunningLab) -> None:
    sns = lab.client("sns")
    named: dict[str, Any] = {"Attributes": {"DisplayName": "Ops"}, "Tags": TAGS}
    arn = topic(lab, **named)
    assert topic(lab, **named) == arn == topic(lab)
    with refused("InvalidParameter", "already exists with different attributes"):
        topic(lab, Attributes={"DisplayName": "Other"})
    with refused("InvalidParameter", "already exists with different tags"):
        topic(lab, Tags=[{"Key": "stack", "Value": "other"}])
    for name in ("a b", "a.fifo", "x" * 257):
        with refused("InvalidParameter", "Topic Name"):
            topic(lab, name)
    with refused("InvalidParameter", "AttributeName"):
        topic(lab, "new", Attributes={"Colour": "red"})
    queue = topic(lab, "a.fifo", Attributes={"FifoTopic": "true"})
    assert sns.get_topic_attributes(TopicArn=queue)["Attributes"]["FifoTopic"] == "true"
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    with refused("NotFound", "Topic does not exist"):
        sns.get_topic_attributes(TopicArn=arn)
    with refused("ResourceNotFound"):
        sns.list_tags_for_resource(ResourceArn=arn)


def test_attributes_of_a_topic_are_set_one_by_one(lab: RunningLab) -> None:
    sns, arn = lab.client("sns"), topic(lab)

    def change(name: str, value: str) -> dict[str, str]:
        sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
        found: dict[str, str] = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        return found

    assert change("TracingConfig", "Active")["TracingConfig"] == "Active"
    assert change("KmsMasterKeyId", "alias/mine")["KmsMasterKeyId"] == "alias/mine"
    assert "KmsMasterKeyId" not in change("KmsMasterKeyId", "")
    policy = {"Version": "2012-10-17", "Statement": []}
    assert change("Policy", json.dumps(policy, indent=2))["Policy"] == json.dumps(
        policy, separators=(",", ":")
    )
    bad = {
        "FifoTopic": "true",
        "ContentBasedDeduplication": "true",
        "TracingConfig": "On",
        "SignatureVersion": "3",
        "Policy": "{",
        "DisplayName": "x" * 101,
        "HTTPSuccessFeedbackSampleRate": "101",
    }
    for name, value in bad.items():
        with refused("InvalidParameter"):
            change(name, value)


def test_people_are_asked_and_get_nothing_before_they_confirm(lab: RunningLab) -> None:
    sns, arn = lab.client("sns"), topic(lab)
    asked = {"TopicArn": arn, "Protocol": "email", "Endpoint": MAIL}
    assert sns.subscribe(**asked)["SubscriptionArn"] == "pending confirmation"
    own = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert own.startswith(f"{arn}:")
    assert listed(sns, arn) == [(MAIL, "PendingConfirmation")]
    counted = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (counted["SubscriptionsPending"], counted["SubscriptionsConfirmed"]) == ("1", "0")
    attributes = sns.get_subscription_attributes(SubscriptionArn=own)["Attributes"]
    assert attributes["PendingConfirmation"] == "true"
    sns.publish(TopicArn=arn, Message="early")
    letters = lab.get("outbox")
    assert [letter["to"] for letter in letters] == [MAIL, MAIL], "each call asks again"
    assert letters[0]["subject"] == "AWS Notification - Subscription Confirmation"
    with refused("InvalidParameter", "pending confirmation"):
        sns.unsubscribe(SubscriptionArn=own)
    with refused("InvalidParameter", "at least 6 elements"):
        sns.unsubscribe(SubscriptionArn="PendingConfirmation")
    with refused("InvalidParameter", "Token"):
        sns.confirm_subscription(TopicArn=arn, Token="none")
    token = re.search(r"Token=(\w+)", letters[1]["body"])
    assert token
    confirmed = sns.confirm_subscription(TopicArn=arn, Token=token[1])
    assert confirmed["SubscriptionArn"] == own
    assert listed(sns, arn) == [(MAIL, own)]
    assert sns.subscribe(**asked)["SubscriptionArn"] == own
    sns.publish(TopicArn=arn, Message="hello", Subject="news")
    letter = lab.get("outbox")[-1]
    assert (letter["to"], letter["subject"]) == (MAIL, "news")
    assert letter["body"].startswith("hello\n") and len(lab.get("outbox")) == 3
    sns.unsubscribe(SubscriptionArn=own)
    sns.unsubscribe(SubscriptionArn=own)
    assert listed(sns, arn) == []
    sns.subscribe(**asked)
    sns.delete_topic(TopicArn=arn)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_what_nobody_confirms_goes_after_three_days(start_lab: Callable[..., RunningLab]) -> None:
    lab = start_lab("--scale", "0.00001")
    sns, arn = lab.client("sns"), topic(lab)
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=MAIL)
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="b@example.org")
    wanted = {"to": "b@example.org", "topic": arn}
    assert len(lab.post("outbox/confirm", wanted)["confirmed"]) == 1
    assert len(listed(sns, arn)) == 2
    until(lambda: len(listed(sns, arn)) == 1, "one that is confirmed", 5)
    assert listed(sns, arn)[0][0] == "b@example.org"
    assert lab.post("outbox/confirm")["confirmed"] == []


class Endpoint(BaseHTTPRequestHandler):
    """Takes what SNS posts."""

    got: list[dict[str, Any]]

    def log_message(self, format: str, *args: Any) -> None:
        """Is quiet."""

    def do_POST(self) -> None:
        """Keeps the body with its kind."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.got.append({**body, "header": self.headers["x-amz-sns-message-type"]})
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An endpoint on loopback, and what it got."""
    got: list[dict[str, Any]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Own", (Endpoint,), {"got": got}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    server.server_close()


def test_endpoints_confirm_and_queues_need_not(
    lab: RunningLab, endpoint: tuple[str, list[dict[str, Any]]]
) -> None:
    sns, arn, (url, got) = lab.client("sns"), topic(lab), endpoint
    sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=url)
    until(lambda: got, "a question", 5)
    assert (got[0]["Type"], got[0]["header"]) == ("SubscriptionConfirmation",) * 2
    sns.confirm_subscription(TopicArn=arn, Token=got[0]["Token"])
    sqs = lab.client("sqs")
    queue = sqs.create_queue(QueueName="ops")["QueueUrl"]
    queue = lab.endpoint + queue[queue.index("/", 8) :]
    (own,) = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])[
        "Attributes"
    ].values()
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=own)
    far = "https://events.example.org/x"
    sns.subscribe(TopicArn=arn, Protocol="https", Endpoint=far)
    lab.post("outbox/confirm", {"to": far})
    sns.publish(TopicArn=arn, Message="hello")
    until(lambda: len(got) == 2, "a message", 5)
    assert (got[1]["Message"], got[1]["header"]) == ("hello", "Notification")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"
    letter = lab.get(f"outbox?to={far}")[-1]
    assert json.loads(letter["body"])["TopicArn"] == arn


def test_what_is_no_subscription_is_refused(lab: RunningLab) -> None:
    sns, arn = lab.client("sns"), topic(lab)
    bad = [
        ("email", "nobody", {}),
        ("http", "https://127.0.0.1/", {}),
        ("pigeon", "x", {}),
        ("email", MAIL, {"RawMessageDelivery": "true"}),
        ("email", MAIL, {"FilterPolicy": "{"}),
        ("email", MAIL, {"FilterPolicy": '{"a": {"b": ["c"]}}'}),
    ]
    for protocol, endpoint, attributes in bad:
        with refused("InvalidParameter"):
            sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint, Attributes=attributes)
    assert listed(sns, arn) == []
    wanted = {"TopicArn": arn, "Protocol": "email", "Endpoint": MAIL}
    policy = {"FilterPolicy": '{"a": ["b"]}'}
    own = sns.subscribe(**wanted, Attributes=policy, ReturnSubscriptionArn=True)["SubscriptionArn"]
    with refused("InvalidParameter", "already exists with different attributes"):
        sns.subscribe(**wanted, Attributes={"FilterPolicy": '{"a": ["c"]}'})

    def attributes_now() -> dict[str, str]:
        found: dict[str, str] = sns.get_subscription_attributes(SubscriptionArn=own)["Attributes"]
        return found

    assert attributes_now()["FilterPolicy"] == '{"a":["b"]}'
    lab.post("outbox/confirm")
    sns.publish(TopicArn=arn, Message="filtered")
    assert len(lab.get("outbox")) == 1
    sns.set_subscription_attributes(
        SubscriptionArn=own, AttributeName="FilterPolicy", AttributeValue="{}"
    )
    assert "FilterPolicy" not in attributes_now()


def test_an_alarm_writes_to_those_who_confirmed(lab: RunningLab) -> None:
    sns, cloudwatch, arn = lab.client("sns"), lab.client("cloudwatch"), topic(lab)
    for protocol in ("email", "email-json"):
        sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=MAIL)
    lab.post("outbox/confirm")
    actions = {"AlarmActions": [arn], "OKActions": [arn]}
    cloudwatch.put_metric_alarm(**{**ALARM, "Period": 10}, **actions, TreatMissingData="ignore")

    def letters() -> list[dict[str, Any]]:
        put(cloudwatch, 9.0)
        found = [it for it in lab.get("outbox") if "ALARM" in it["subject"]]
        return found if len(found) == 2 else []

    mail, told = until(letters, "letters", 10)
    assert mail["subject"] == 'ALARM: "orders" in EU (Ireland)'
    assert 'Alarm "orders" in the EU (Ireland) region has entered the ALARM' in mail["body"]
    message = json.loads(json.loads(told["body"])["Message"])
    assert (message["OldStateValue"], message["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert message["NewStateReason"].startswith("Threshold Crossed")
    assert (message["AlarmActions"], message["InsufficientDataActions"]) == ([arn], [])
    assert message["Trigger"]["Statistic"] == "SUM" and message["Trigger"]["Threshold"] == 5.0
    assert message["Trigger"]["Dimensions"] == [{"name": "Shop", "value": "one"}]
    items = cloudwatch.describe_alarm_history(AlarmName="orders", HistoryItemType="Action")
    assert [it["HistorySummary"] for it in items["AlarmHistoryItems"]] == [
        f"Successfully executed action {arn}"
    ]


def test_an_alarm_is_silent_when_it_is_told_to_or_cannot_speak(lab: RunningLab) -> None:
    sns, cloudwatch, arn = lab.client("sns"), lab.client("cloudwatch"), topic(lab)
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint=MAIL)
    lab.post("outbox/confirm")
    actions = {"OKActions": [arn], "AlarmActions": [arn]}
    cloudwatch.put_metric_alarm(**ALARM, **actions, TreatMissingData="ignore")

    def said(state: str) -> str:
        cloudwatch.set_alarm_state(AlarmName="orders", StateValue=state, StateReason="by hand")
        items = cloudwatch.describe_alarm_history(AlarmName="orders", HistoryItemType="Action")
        found = items["AlarmHistoryItems"]
        return str(found[0]["HistorySummary"]) if found else ""

    def key(id: str) -> None:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=id)

    cloudwatch.disable_alarm_actions(AlarmNames=["orders"])
    assert said("OK") == ""
    cloudwatch.enable_alarm_actions(AlarmNames=["orders"])
    key("alias/aws/sns")
    assert "does not have authorization to access the SNS topic encryption key" in said("ALARM")
    assert len(lab.get("outbox")) == 1
    service = {"Service": "cloudwatch.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": service, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    key(lab.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"])
    assert said("OK").startswith("Successfully")
    assert len(lab.get("outbox")) == 2
    sns.delete_topic(TopicArn=arn)
    assert "Topic does not exist" in said("ALARM")
    other = {"OKActions": [arn.replace("123456789012", "222222222222")]}
    cloudwatch.put_metric_alarm(**ALARM, **other, TreatMissingData="ignore")
    assert "not authorized to perform: SNS:Publish" in said("OK")
    assert lab.get("model-check")["refused"] == []
