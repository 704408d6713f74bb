"""SQS. Queues are named by their addresses, which end in their names."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Want, found, tagging

ON_QUEUE = (
    "AddPermission",
    "ChangeMessageVisibility",
    "CreateQueue",
    "DeleteMessage",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListQueueTags",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessage",
    "SetQueueAttributes",
    "TagQueue",
    "UntagQueue",
)


def _queue(asked: Asked) -> Iterator[str]:
    yield asked.text("QueueName") or asked.text("QueueUrl").rsplit("/", 1)[-1]


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "CreateQueue":
        yield from tagging(asked, "TagQueue", asked.text("QueueName"))


SERVICE = Service(dict.fromkeys(ON_QUEUE, (found(_queue),)), _beside)
