"""SQS where moto is kinder than AWS or forgets: attributes, tags, purges and long waits."""

from __future__ import annotations

import json
import time
from typing import Any

from moto.sqs.exceptions import InvalidAttributeName, InvalidAttributeValue, PurgeQueueInProgress
from moto.sqs.models import Queue, SQSBackend

from lab.aws.common.patching import patch
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

    @patch(SQSBackend)
    def set_queue_attributes(
        original: Any, self: Any, queue_name: str, attributes: dict[str, Any]
    ) -> Any:
        _check(attributes)
        return original(self, queue_name, attributes)


def _patch_create() -> None:
    @patch(SQSBackend)
    def create_queue(
        original: Any, self: Any, name: str, tags: dict[str, str] | None = None, **attributes: Any
    ) -> Any:
        _check(attributes)
        there = self.queues.get(name)
        kept = dict(there.tags) if there is not None else None
        queue = original(self, name, tags, **attributes)
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


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
