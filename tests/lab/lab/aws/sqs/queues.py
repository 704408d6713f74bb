"""SQS where moto is kinder than AWS or forgets: attributes, dead letters, tags, purges, long waits."""

from __future__ import annotations

import json
import time
from typing import Any

from moto.sqs.exceptions import (
    InvalidAttributeName,
    InvalidAttributeValue,
    PurgeQueueInProgress,
    SQSException,
)
from moto.sqs.models import Queue, SQSBackend

from lab.aws.common.patching import patch, put
from lab.running.deliveries.queues import find
from lab.world.lab import Lab

# The values that SQS takes ("SetQueueAttributes" in its API reference).
BOUNDS = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86400),
    "MaximumMessageSize": (1024, 1048576),
    "MessageRetentionPeriod": (60, 1209600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43200),
}
JSON = ("Policy", "RedriveAllowPolicy", "RedrivePolicy")
OTHERS = ("KmsMasterKeyId", "SqsManagedSseEnabled", *JSON, *Queue.FIFO_ATTRIBUTES)
PURGE_SECONDS = 60
LOOK_SECONDS = 0.05


def install(lab: Lab) -> None:
    """Patches moto's SQS."""
    _patch_attributes()
    _patch_create()
    _patch_purge(lab)
    _patch_receive(lab)


def _patch_attributes() -> None:
    @patch(Queue)
    def _set_attributes(
        original: Any, self: Any, attributes: dict[str, Any], now: float | None = None
    ) -> None:
        # moto takes a policy away that a request does not name.
        policy = getattr(self, "_policy_json", None)
        given = attributes.get("Policy")
        original(self, attributes, now)
        if "Policy" not in attributes and policy is not None:
            self._policy_json = policy
        elif given:
            self._policy_json = json.loads(given)

    @patch(Queue)
    def _setup_dlq(original: Any, self: Any, policy: str) -> None:
        dead = json.loads(policy or "{}").get("deadLetterTargetArn")
        if dead and (found := find(dead)) is not None:
            _check_dead_letters(self, found)
        original(self, policy)

    @patch(SQSBackend)
    def set_queue_attributes(
        original: Any, self: Any, queue_name: str, attributes: dict[str, Any]
    ) -> Any:
        _check(attributes)
        queue = self.get_queue(queue_name)
        if "FifoQueue" in attributes:
            raise InvalidAttributeName("FifoQueue")
        if "ContentBasedDeduplication" in attributes and not queue.fifo_queue:
            raise InvalidAttributeName("ContentBasedDeduplication")
        _check_encryption(attributes, queue)
        answer = original(self, queue_name, attributes)
        _settle(queue, attributes)
        return answer

    shown = vars(Queue)["attributes"].fget

    def attributes(self: Any) -> dict[str, Any]:
        """moto does not show whose dead letters a queue takes."""
        found: dict[str, Any] = shown(self)
        if allow := getattr(self, "redrive_allow_policy", None):
            found["RedriveAllowPolicy"] = allow
        return found

    put(Queue, attributes=property(attributes))


def _patch_create() -> None:
    @patch(SQSBackend)
    def create_queue(
        original: Any, self: Any, name: str, tags: dict[str, str] | None = None, **attributes: Any
    ) -> Any:
        _check(attributes)
        _check_encryption(attributes, None)
        # "If you don't provide this attribute, a standard queue is made" (`CreateQueue`): saying
        # that it is none is refused.
        if attributes.get("FifoQueue") not in (None, "true"):
            raise InvalidAttributeValue("FifoQueue")
        if "ContentBasedDeduplication" in attributes and "FifoQueue" not in attributes:
            raise InvalidAttributeName("ContentBasedDeduplication")
        there = self.queues.get(name)
        kept = dict(there.tags) if there is not None else None
        queue = original(self, name, tags, **attributes)
        if there is None:
            _settle(queue, attributes)
        # Whoever gets a queue that is there gives it no tags.
        queue.tags = kept if kept is not None else dict(tags or {})
        return queue


def _patch_purge(lab: Lab) -> None:
    @patch(SQSBackend)
    def purge_queue(original: Any, self: Any, queue_name: str) -> None:
        queue, now = self.get_queue(queue_name), lab.clock.now()
        purged = getattr(queue, "lab_purged", None)
        if purged is not None and 0 <= now - purged < PURGE_SECONDS:
            raise PurgeQueueInProgress(queue_name)
        queue.last_purged_at = None
        original(self, queue_name)
        queue.lab_purged = now


def _patch_receive(lab: Lab) -> None:
    @patch(SQSBackend)
    def receive_message(
        original: Any, self: Any, queue_name: str, count: int, wait: int, *args: Any
    ) -> Any:
        """Waits without the lab's lock, or nobody could send what is waited for."""
        ends = time.monotonic() + wait
        while True:
            found = original(self, queue_name, count, 0, *args)
            if found or time.monotonic() >= ends:
                return found
            lab.lock.release()
            try:
                time.sleep(LOOK_SECONDS)
            finally:
                lab.lock.acquire()


def _check(attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if name == "region":
            continue
        if name not in BOUNDS and name not in OTHERS:
            raise InvalidAttributeName(name)
        if name in BOUNDS:
            low, high = BOUNDS[name]
            if not str(value).isdigit() or not low <= int(value) <= high:
                raise InvalidAttributeValue(name)
        if name in JSON and value and not _is_object(value):
            raise InvalidAttributeValue(name)


def _check_encryption(attributes: dict[str, Any], queue: Queue | None) -> None:
    """A queue has one encryption at most ("Encryption at rest" in the SQS developer guide)."""
    there = getattr(queue, "kms_master_key_id", None)
    key = attributes.get("KmsMasterKeyId", there)
    if key and attributes.get("SqsManagedSseEnabled") == "true":
        raise SQSException(
            "InvalidAttributeValue",
            "You can use one type of server-side encryption (SSE) at one time. You can either "
            "enable KMS SSE or SQS SSE.",
        )


def _check_dead_letters(queue: Queue, dead: Queue) -> None:
    """Whether a dead-letter queue takes what a queue is to put there ("Amazon SQS dead-letter
    queues" in the SQS developer guide).
    """
    allow = json.loads(getattr(dead, "redrive_allow_policy", None) or "{}")
    permission = allow.get("redrivePermission", "allowAll")
    by_queue = queue.queue_arn in allow.get("sourceQueueArns", [])
    if queue.fifo_queue != dead.fifo_queue:
        reason = "Dead-letter queue must be same type of queue as the source."
    elif permission == "denyAll" or (permission == "byQueue" and not by_queue):
        reason = "Dead-letter queue does not permit this source queue."
    else:
        return
    raise SQSException(
        "InvalidParameterValue",
        f"Value for parameter RedrivePolicy is invalid. Reason: {reason}",
    )


def _settle(queue: Any, attributes: dict[str, Any]) -> None:
    """A key of KMS turns the other encryption off."""
    if attributes.get("KmsMasterKeyId"):
        queue.sqs_managed_sse_enabled = "false"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
