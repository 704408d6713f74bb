"""Topics: the same again is the same one, and their attributes are those that AWS takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend, Topic
from moto.sns.responses import SNSResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import of_arn, of_backend

NAME = re.compile(r"^[A-Za-z0-9_-]{1,256}$")
FIFO = ".fifo"
ARN = re.compile(r"^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$")
WORDS = {
    "TracingConfig": ("PassThrough", "Active"),
    "SignatureVersion": ("1", "2"),
    "ContentBasedDeduplication": ("true", "false"),
    "FifoThroughputScope": ("Topic", "MessageGroup"),
}
TEXTS = ("DisplayName", "KmsMasterKeyId", "MaximumMessageSize")
DOCUMENTS = ("Policy", "DeliveryPolicy", "ArchivePolicy")
OF_FIFO = ("ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy")
FEEDBACK = re.compile(
    r"^(HTTP|Firehose|Lambda|Application|SQS)"
    r"(SuccessFeedbackRoleArn|SuccessFeedbackSampleRate|FailureFeedbackRoleArn)$"
)
DELIVERY = {
    "http": {
        "defaultHealthyRetryPolicy": {
            "minDelayTarget": 20,
            "maxDelayTarget": 20,
            "numRetries": 3,
            "numMaxDelayRetries": 0,
            "numNoDelayRetries": 0,
            "numMinDelayRetries": 0,
            "backoffFunction": "linear",
        },
        "disableSubscriptionOverrides": False,
        "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
    }
}


def install(lab: Lab) -> None:
    """Patches topics."""
    _patch_making()
    _patch_attributes()


def invalid(message: str) -> SNSInvalidParameter:
    """What SNS says of a wrong parameter."""
    return SNSInvalidParameter(f"Invalid parameter: {message}")


def _patch_making() -> None:
    @patch(SNSResponse)
    def create_topic(self: Any) -> ActionResult:
        name = str(self._get_param("Name") or "")
        attributes = {key: str(it) for key, it in (self._get_param("Attributes") or {}).items()}
        is_fifo = attributes.get("FifoTopic", "false") == "true"
        if is_fifo != name.endswith(FIFO) or not NAME.match(name.removesuffix(FIFO)):
            raise invalid("Topic Name")
        if len(name) > 256:
            raise invalid("Topic Name")
        for key, value in attributes.items():
            if key != "FifoTopic":
                _check(key, value, is_fifo)
        arn = of_backend(self.backend).arn("sns", name)
        there = self.backend.topics.get(arn)
        if there is not None:
            _check_same(there, attributes, self._get_tags())
            return ActionResult({"TopicArn": arn})
        kind = {"FifoTopic": True} if is_fifo else {}
        topic = self.backend.create_topic(name, kind, self._get_tags())
        for key, value in attributes.items():
            _set(topic, key, value)
        return ActionResult({"TopicArn": topic.arn})

    @patch(Topic, "__init__")
    def begin(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.lab_attributes = {}
        self.effective_delivery_policy = json.dumps(DELIVERY, separators=(",", ":"))

    @patch(SNSBackend)
    def get_topic(original: Any, self: Any, arn: str) -> Topic:
        if not ARN.match(str(arn)) or of_arn(arn).region != self.region_name:
            raise invalid("TopicArn")
        topic: Topic = original(self, arn)
        return topic


def _check_same(topic: Any, attributes: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """What is asked for beside the name has to be so already."""
    shown = shown_attributes(topic)
    for key, value in attributes.items():
        if _plain(shown.get(key)) != _plain(value):
            raise invalid("Attributes Reason: Topic already exists with different attributes")
    if any(topic._tags.get(key) != value for key, value in tags.items()):
        raise invalid("Tags Reason: Topic already exists with different tags")


def _plain(value: Any) -> Any:
    """A document as it is meant, anything else as it is."""
    try:
        return json.loads(str(value))
    except ValueError:
        return value


def _patch_attributes() -> None:
    @patch(SNSResponse)
    def set_topic_attributes(self: Any) -> EmptyResult:
        topic = self.backend.get_topic(self._get_param("TopicArn"))
        name, value = self._get_param("AttributeName"), self._get_param("AttributeValue")
        _check(name, "" if value is None else str(value), topic.fifo_topic)
        _set(topic, name, "" if value is None else str(value))
        return EmptyResult()

    @patch(SNSResponse)
    def get_topic_attributes(self: Any) -> ActionResult:
        topic = self.backend.get_topic(self._get_param("TopicArn"))
        return ActionResult({"Attributes": shown_attributes(topic)})


def _check(name: str, value: str, is_fifo: bool) -> None:
    known = (*WORDS, *TEXTS, *DOCUMENTS)
    if (name not in known and not FEEDBACK.match(name)) or (name in OF_FIFO and not is_fifo):
        raise invalid("AttributeName")
    if name in WORDS and value not in WORDS[name]:
        raise invalid(f"{name} Reason: {value} is none of {', '.join(WORDS[name])}")
    if name == "DisplayName" and len(value) > 100:
        raise invalid("DisplayName Reason: Display name must be at most 100 characters long")
    if name.endswith("SampleRate") and not (value.isdigit() and int(value) <= 100):
        raise invalid(f"{name} Reason: a percentage is a number from 0 to 100")
    if name in DOCUMENTS and not (value == "" and name != "Policy"):
        try:
            document = json.loads(value)
        except ValueError:
            raise invalid(f"{name} Reason: it is no JSON") from None
        if not isinstance(document, dict):
            raise invalid(f"{name} Reason: it is no JSON object")


def _set(topic: Any, name: str, value: str) -> None:
    """Keeps an attribute where moto has it, and all others beside it."""
    if name == "FifoTopic":
        return
    if name == "ContentBasedDeduplication":
        topic.content_based_deduplication = value == "true"
    elif name in ("Policy", "DisplayName", "KmsMasterKeyId"):
        setattr(topic, camelcase_to_underscores(name), value)
    elif value == "":
        topic.lab_attributes.pop(name, None)
    else:
        is_document = name in DOCUMENTS
        topic.lab_attributes[name] = (
            json.dumps(json.loads(value), separators=(",", ":")) if is_document else value
        )


def shown_attributes(topic: Any) -> dict[str, str]:
    """The attributes of a topic: those that were set, and those that all have."""
    subscriptions = topic.sns_backend._get_topic_subscriptions(topic)
    confirmed = sum(subscription.confirmed for subscription in subscriptions)
    shown = {
        "TopicArn": topic.arn,
        "Owner": topic.account_id,
        "Policy": topic.policy,
        "DisplayName": topic.display_name,
        "EffectiveDeliveryPolicy": topic.effective_delivery_policy,
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsPending": str(len(subscriptions) - confirmed),
        "SubscriptionsDeleted": str(topic.subscriptions_deleted),
        **topic.lab_attributes,
    }
    if topic.kms_master_key_id:
        shown["KmsMasterKeyId"] = topic.kms_master_key_id
    if topic.fifo_topic:
        shown["FifoTopic"] = "true"
        shown["ContentBasedDeduplication"] = str(topic.content_based_deduplication).lower()
    return shown
